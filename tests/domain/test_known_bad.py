"""Which releases have known problems."""

import pytest

from requorum.domain.known_bad import KNOWN_PROBLEMS, known_problems
from requorum.domain.version import EtcdVersion


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ((3, 5, 2), "without its data"),
        ((3, 4, 20), "before its log is on the disk"),
        ((3, 5, 16), "a part of a transaction"),
        ((3, 6, 4), "while it defragments"),
        ((3, 5, 19), "promotion is not written"),
        ((3, 5, 25), "come back with an upgrade"),
    ],
)
def test_the_last_release_with_a_problem_has_it(version: tuple[int, int, int], words: str) -> None:
    """And the next patch does not."""
    major, minor, patch = version
    assert any(words in what for what in known_problems(EtcdVersion(*version)))
    if words == "promotion is not written":
        patch = 23
    following = known_problems(EtcdVersion(major, minor, patch + 1))
    assert not any(words in what for what in following)


def test_the_newest_releases_have_none() -> None:
    """As far as this table knows."""
    for version in ((3, 4, 45), (3, 5, 33), (3, 6, 14), (3, 7, 1)):
        assert not known_problems(EtcdVersion(*version))


def test_ranges_are_in_order() -> None:
    """Each begins before its end, within one minor."""
    for problem in KNOWN_PROBLEMS:
        for first, last in problem.ranges:
            assert first <= last
            assert first[:2] == last[:2]
