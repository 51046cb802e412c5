"""Versions: parsing, order, and what each can do."""

import pytest

from requorum.domain.version import EtcdVersion


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("etcd Version: 3.5.16\nGit SHA: x", EtcdVersion(3, 5, 16)),
        ("3.6", EtcdVersion(3, 6, 0)),
        ("v3.4.0-rc.1", EtcdVersion(3, 4, 0)),
        ("no version", None),
        ("", None),
    ],
)
def test_parse(text: str, version: EtcdVersion | None) -> None:
    """The first version in a text is found, with patch 0 where none is named."""
    assert EtcdVersion.parse(text) == version


@pytest.mark.parametrize(
    ("text", "can"),
    [
        ("3.4.26", False),
        ("3.4.27", True),
        ("3.5.9", False),
        ("3.5.10", True),
        ("3.6.0", True),
        ("3.7.1", True),
        ("3.3.27", False),
    ],
)
def test_bump(text: str, can: bool) -> None:  # noqa: FBT001  # parametrised
    """--bump-revision came with 3.4.27, 3.5.10 and 3.6.0."""
    version = EtcdVersion.parse(text)
    assert version is not None
    assert version.can_bump_revision is can


def test_restore_tool() -> None:
    """`snapshot restore` moved to etcdutl with 3.5."""
    assert not EtcdVersion(3, 4, 45).restores_with_etcdutl
    assert EtcdVersion(3, 5, 0).restores_with_etcdutl


def test_order_and_words() -> None:
    """Versions compare by number, not by letters."""
    assert EtcdVersion(3, 5, 9) < EtcdVersion(3, 5, 16) < EtcdVersion(3, 10)
    assert str(EtcdVersion(3, 5, 16)) == "3.5.16"
    assert EtcdVersion(3, 5, 16).minor_series == (3, 5)


@pytest.mark.parametrize(
    ("release", "adds"),
    [
        ((3, 4, 45), False),
        ((3, 5, 29), False),
        ((3, 5, 30), True),
        ((3, 6, 10), False),
        ((3, 6, 11), True),
        ((3, 7, 0), True),
    ],
)
def test_who_adds_while_one_is_down(release: tuple[int, int, int], *, adds: bool) -> None:
    """Earlier releases ask that every voter be connected."""
    assert EtcdVersion(*release).adds_while_one_is_down is adds
