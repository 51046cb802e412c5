"""Ranges of revisions that may be lost."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from requorum.inspection.difference.lost_revisions import LostRevisions

RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def revisions(*numbers: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return a column."""
    return np.array(numbers, dtype=np.int64)


def test_touching_ranges_become_one() -> None:
    """Overlapping and adjacent ranges are merged; a backward one covers nothing."""
    assert LostRevisions.of([(5, 6), (1, 2), (3, 4), (9, 8)]).ranges == ((1, 6),)


def test_nothing_lost() -> None:
    """Then nothing is covered."""
    nothing = LostRevisions.of([])
    assert not nothing
    assert not nothing.cover(revisions(1, 2)).any()
    assert not nothing.beyond(revisions(1)).any()


@given(RANGES, st.integers(0, 30))
def test_like_a_set(ranges: list[tuple[int, int]], limit: int) -> None:
    """It answers as the set of its revisions does."""
    lost = LostRevisions.of(ranges)
    members = {n for first, last in ranges for n in range(first, last + 1)}
    every = np.arange(32)
    assert set(every[lost.cover(every)].tolist()) == members
    assert lost.beyond(every).tolist() == [n < max(members, default=-1) for n in range(32)]
    below = lost.up_to(limit)
    assert set(every[below.cover(every)].tolist()) == {n for n in members if n <= limit}
