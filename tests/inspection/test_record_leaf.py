"""Pages with records, found without a tree."""

import bbolt_builder
import pytest
from bbolt_builder import PAGE_SIZE, leaf
from mvcc_builder import Event

from requorum.formats.source import BufferSource
from requorum.inspection.record_leaf import has_record_leaf

RECORD = Event(5, 0, b"key", b"value").record


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (leaf(3, [RECORD]), True),
        (leaf(3, [Event(5, 0, b"key", None).record]), True),
        (leaf(4, [RECORD]), False),
        (leaf(3, []), False),
        (leaf(3, [(b"consistent_index", b"\0" * 8)]), False),
        (bbolt_builder.branch(3, [(RECORD[0], 4)]), False),
        (bytes(PAGE_SIZE), False),
    ],
)
def test_has_record_leaf(page: bytes, *, found: bool) -> None:
    """A leaf at its own place, with a revision for its first key."""
    source = BufferSource(bytes(3 * PAGE_SIZE) + page + bytes(PAGE_SIZE))
    assert has_record_leaf(source, PAGE_SIZE) is found


@pytest.mark.parametrize("size", [0, 1, 100, PAGE_SIZE - 1, PAGE_SIZE, 3 * PAGE_SIZE + 49])
def test_cut_files(size: int) -> None:
    """However little there is, it is looked at within its bounds."""
    whole = bytes(3 * PAGE_SIZE) + leaf(3, [RECORD])
    assert has_record_leaf(BufferSource(whole[:size]), PAGE_SIZE) is False
