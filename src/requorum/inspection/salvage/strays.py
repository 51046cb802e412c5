"""Leaves of the bucket `key` that no tree reaches: lost children, or what former trees left behind.

Records are only ever added at the end of the history and removed by compactions. So whatever page
holds the records on both sides of another, and not the other, was written after it was compacted
away: even a stale page proves that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, Mask
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE, FLAG_LEAF
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.inspection.salvage.carving import FoundRecord, carve
from requorum.inspection.salvage.key_leaves import RecordRows, read_key_leaves
from requorum.inspection.salvage.key_tree import NO_ROWS, loose_leaves, rooms_at_home
from requorum.inspection.salvage.page_map import PageMap, Reached

CARVED_PAGES = 1 << 13
"""Looked through at a time, which bounds memory. A record across the edge of two is not found."""

_LOW_32 = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Strays:
    """Rows in the order of their pages. A run is a stretch of a page without a gap.

    `run` is each row's run, ascending from 0; within a run rows ascend.
    """

    rows: RecordRows
    run: I64

    def take(self, which: Mask) -> "Strays":
        """Return some of the rows; a run ends where one of it is left out."""
        kept = np.flatnonzero(which)
        breaks = (np.diff(kept) > 1) | (np.diff(self.run[kept]) != 0)
        run = np.cumsum(np.append(True, breaks)[: len(kept)]) - 1
        return Strays(self.rows.take(kept), run)

    def runs(self) -> tuple[U64, U64]:
        """Return the first and the last place of each run."""
        if not len(self.run):
            return self.rows.place, self.rows.place
        edges = np.flatnonzero(np.diff(self.run)) + 1
        first = np.append(0, edges)
        last = np.append(edges, len(self.run)) - 1
        return self.rows.place[first], self.rows.place[last]

    def inner(self) -> Mask:
        """Return which rows lie within their run, neither first nor last."""
        changes = np.diff(self.run) != 0
        edge = np.append(True, changes) | np.append(changes, True)
        inside: Mask = ~edge[: len(self.run)]
        return inside


NO_STRAYS = Strays(NO_ROWS, np.zeros(0, dtype=np.int64))


def read_strays(pages: PageMap, reached: Reached, *, all_bytes: bool) -> Strays:
    """Read all that looks like a leaf of the bucket `key` and is not reached yet; mark it.

    With `all_bytes`, records are also looked for where no page can be told.
    """
    leaves = _stray_leaves(pages, reached)
    return _joined(leaves, _carved(pages, reached)) if all_bytes else leaves


def _stray_leaves(pages: PageMap, reached: Reached) -> Strays:
    numbers = _candidates(pages, np.flatnonzero(~reached.mask).astype(np.int64))
    if not len(numbers):
        return NO_STRAYS
    leaves = loose_leaves(pages, numbers)
    rooms = rooms_at_home(pages, leaves)
    read = read_key_leaves(pages.file, leaves, rooms, pages.page_size)
    kept = _apart(pages, numbers, read.used, reached)[read.page]
    page = read.page[kept]
    starts = np.append(True, page[1:] != page[:-1])[: len(page)] | read.gap_before[kept]
    return Strays(read.rows.take(kept), np.cumsum(starts) - 1)


def _carved(pages: PageMap, reached: Reached) -> Strays:
    """Return the records in all that is not reached; those that touch each other are one run."""
    found: list[FoundRecord] = []
    for first, last in _stretches(~reached.mask):
        begin, end = first * pages.page_size, min(last * pages.page_size, pages.file.size)
        found += carve(pages.file.view, begin, end)
    place = np.array([r.place for r in found], dtype=np.uint64)
    start = np.array([r.start for r in found], dtype=np.int64)
    end_ = np.array([r.end for r in found], dtype=np.int64)
    value = np.array([r.value_offset for r in found], dtype=np.int64)
    tombstone = np.array([r.tombstone for r in found], dtype=np.bool_)
    goes_on = (start[1:] == end_[:-1]) & (place[1:] > place[:-1])
    run = np.cumsum(np.append(True, ~goes_on)[: len(found)])
    return Strays(RecordRows(place, tombstone, value, end_ - value), run.astype(np.int64))


def _stretches(free: Mask) -> Iterator[tuple[int, int]]:
    """Yield [first, end) of the pages of each stretch that is set, `CARVED_PAGES` at a time."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8)))
    for first, end in edges.reshape(-1, 2).tolist():
        for begin in range(first, end, CARVED_PAGES):
            yield begin, min(begin + CARVED_PAGES, end)


def _joined(one: Strays, other: Strays) -> Strays:
    shift = int(one.run[-1]) + 1 if len(one.run) else 0
    return Strays(
        RecordRows.concatenate([one.rows, other.rows]),
        np.concatenate([one.run, other.run + shift]),
    )


def _candidates(pages: PageMap, numbers: I64) -> I64:
    """Return the pages that a header, or else the first element, gives out as such a leaf."""
    start = numbers * pages.page_size
    numbers = numbers[start + PAGE_HEADER_SIZE + 2 * ELEMENT_SIZE <= pages.file.size]
    headers = pages.headers(numbers)
    named = (headers.flags == FLAG_LEAF) & (headers.count > 0)
    named &= headers.id == numbers.astype(np.uint64)
    found: I64 = numbers[named | _begins_with_revision(pages, numbers)]
    return found


def _begins_with_revision(pages: PageMap, numbers: I64) -> Mask:
    at = numbers * pages.page_size + PAGE_HEADER_SIZE
    first, second = pages.file.u64(at), pages.file.u64(at + 8)
    position = (first >> _HIGH).astype(np.int64)
    size = (second & _LOW_32).astype(np.int64)
    fine = (first & _LOW_32 == 0) & (position % ELEMENT_SIZE == 0) & (position > 0)
    fine &= (size == REVISION_SIZE) | (size == TOMBSTONE_SIZE)
    fine &= at + position + REVISION_SIZE <= pages.file.size
    separator = np.where(fine, at + position + 8, 0)
    one = np.ones(len(at), dtype=np.int64)
    fine &= pages.file.word(separator, one) == ord("_")
    found: Mask = fine
    return found


def _apart(pages: PageMap, numbers: I64, used: I64, reached: Reached) -> Mask:
    """Return the pages that do not lie within one before: what a value holds is no page."""
    kept = np.zeros(len(numbers), dtype=np.bool_)
    end = 0
    for row, (number, size) in enumerate(zip(numbers.tolist(), used.tolist(), strict=True)):
        if number < end:
            continue
        kept[row] = True
        end = number + max(-(-size // pages.page_size), 1)
        reached.add(number, size)
    return kept


def spanned_without(strays: Strays, places: U64) -> Mask:
    """Return the places that some run reaches across without holding a record there."""
    first, last = strays.runs()
    begun = np.searchsorted(np.sort(first), places, side="left")
    ended = np.searchsorted(np.sort(last), places, side="right")
    holders = np.sort(strays.rows.place[strays.inner()])
    held = np.searchsorted(holders, places, "right") - np.searchsorted(holders, places, "left")
    spanned: Mask = begun - ended > held
    return spanned
