"""How differing keys are counted."""

import pytest

from requorum.formats.kubernetes_keys import ResourceName
from requorum.inspection.difference import grouping
from requorum.inspection.difference.grouping import Counted, Grouping
from requorum.inspection.difference.keys import Kind


def counted(*keys: bytes, levels: int = 2) -> Counted:
    """Return the tallies of some added keys."""
    found = Counted()
    Grouping(levels=levels, kube_prefix="/registry").count(found, keys, Kind.ADDED)
    return found


@pytest.mark.parametrize(
    ("key", "levels", "prefix"),
    [
        (b"/a/b/c/d", 1, b"/a/"),
        (b"/a/b/c/d", 2, b"/a/b/"),
        (b"a/b/c", 1, b"a/"),
        (b"/a/b", 5, b"/a/"),
        (b"/a", 2, b"/"),
        (b"plain", 2, b""),
        (b"//x", 2, b"//"),
        (b"", 2, b""),
    ],
)
def test_prefixes_end_with_a_slash(key: bytes, levels: int, prefix: bytes) -> None:
    """So many parts as there are, at most so many as are wished."""
    assert Grouping(levels=levels, kube_prefix="").prefix_of(key) == prefix
    assert list(counted(key, levels=levels).prefixes.tallies) == [prefix]


def test_kubernetes_objects_are_counted_by_resource_and_namespace() -> None:
    """Other keys below the prefix are counted by their prefix alone."""
    found = counted(
        b"/registry/pods/web/a",
        b"/registry/pods/web/b-1",
        b"/registry/pods/web/",
        b"/registry/pods/web/\xff",
        b"/registry/minions/node",
        b"/registry/apps.io/things/web/a",
        b"compact_rev_key",
    )
    resources = {name: tally.total for name, tally in found.resources.tallies.items()}
    assert resources == {
        ResourceName("pods", ""): 2,
        ResourceName("nodes", ""): 1,
        ResourceName("things", "apps.io"): 1,
    }
    namespaces = {name: tally.total for name, tally in found.namespaces.tallies.items()}
    assert namespaces == {"web": 3, "": 1}
    assert found.prefixes.tallies[b"/registry/pods/"].of(Kind.ADDED) == 4
    assert found.total.total == 7


def test_groups_beyond_the_limit_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key space without a structure does not fill the memory."""
    monkeypatch.setattr(grouping, "GROUPS_MAX", 3)
    found = counted(*(b"/%d/x" % number for number in range(10)), b"/0/y")
    assert len(found.prefixes.tallies) == 3
    assert found.prefixes.others.total == 7
    assert found.total.total == 11
