"""Counting revisions from one that is known, over entries that leave no doubt."""

import pytest
from made_crash import compaction, grant, put

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wire import field_bytes
from requorum.lab.salvage_trials.placed import placed_puts, told_apart

DELETE = field_bytes(5, field_bytes(1, b"a"))


def log_of(*requests: bytes) -> list[Entry]:
    """Return the log of some requests."""
    return [Entry(EntryType.NORMAL, 1, n + 1, data) for n, data in enumerate(requests)]


LOG = log_of(
    b"", put(b"a", b"1"), grant(5, 60), put(b"a", b"2"), DELETE,
    put(b"a", b"3"), put(b"a", b"3"), compaction(2), put(b"b", b"4"), put(b"c", b"", lease=5),
    put(b"d", b"5"),
)  # fmt: skip  # eleven entries
EVERY = range(1, 12)


@pytest.mark.parametrize(
    ("anchors", "left", "placed"),
    [
        ({}, EVERY, {}),
        ({0: 1}, EVERY, {2: 2, 4: 3}),
        ({0: 1}, set(EVERY) - {3}, {2: 2}),
        ({0: 1}, set(EVERY) - {1}, {}),
        ({7: 6}, EVERY, {7: 6, 6: 5, 9: 7}),
        ({9: 7}, EVERY, {9: 7, 7: 6, 6: 5}),
        ({9: 7}, set(EVERY) - {8}, {9: 7}),
        ({10: 8}, set(EVERY) - {10}, {11: 9}),
        ({0: 1, 11: 9}, EVERY, {2: 2, 4: 3, 11: 9}),
    ],
)
def test_placed_puts(anchors: dict[int, int], left: set[int], placed: dict[int, int]) -> None:
    """A deletion, a put with a lease and a lost entry end the count on either side."""
    assert placed_puts(LOG, left, anchors) == placed


def test_told_apart() -> None:
    """Puts of the same value to the same key cannot be told apart."""
    assert told_apart(LOG) == {2, 4, 9, 10, 11}
