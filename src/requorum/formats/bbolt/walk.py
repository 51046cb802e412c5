"""The way down the trees, a level at a time, that visits no page twice."""

import numpy as np

from requorum.formats.bbolt.columns import (
    I64,
    NO_KEY,
    TREE_OF_NAMES,
    U64,
    FileBytes,
    HeaderRows,
    Mask,
    PageRows,
    References,
    branch_elements,
    read_headers,
)
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.key_order import child_references
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta
from requorum.formats.bbolt.page import ELEMENT_SIZE, FLAG_BRANCH, FLAG_LEAF

BEHIND_THE_END = "behind the end of the file"
PAGE_CUT_OFF = f"refers to page {{}}, {BEHIND_THE_END}"
OVERFLOW_CUT_OFF = f"its {{}} overflow pages lie in part {BEHIND_THE_END}"
"""Of pages that a transaction has used, and that the file has no more."""


class Walk:
    """Knows which pages were reached. Each page is handed out once, so any walk ends.

    Memory: one byte per page of the file, besides the pages handed out.
    """

    def __init__(self, file: FileBytes, meta: Meta, log: DamageLog) -> None:
        self._file = file
        self._meta = meta
        self._log = log
        self.page_count = min(meta.high_water_mark, file.size // meta.page_size)
        self.reached: Mask = np.zeros(self.page_count, dtype=np.bool_)
        self.reached[:2] = True

    @property
    def reached_count(self) -> int:
        """Return how many pages were reached: meta, freelist and overflow pages count too."""
        return int(np.count_nonzero(self.reached))

    def claim(self, references: References) -> PageRows:
        """Return the sound pages among those referred to, in order, and note why not the others."""
        references = self._in_range(references)
        pgid = references.pgid.astype(np.int64)
        headers = read_headers(self._file, pgid * self._meta.page_size)
        sound = self._sound(references, pgid, headers)
        references, pgid, headers = references.take(sound), pgid[sound], headers.take(sound)
        fresh = self.mark(pgid, headers.overflow)
        self._note_twice(references, pgid, ~fresh)
        return self._rows(references, pgid, headers).take(fresh)

    def peek(self, references: References) -> PageRows:
        """Return the pages as they stand in the file: not claimed, and not judged."""
        references = references.take(references.pgid < self.page_count)
        pgid = references.pgid.astype(np.int64)
        return self._rows(references, pgid, read_headers(self._file, pgid * self._meta.page_size))

    def children(self, branches: PageRows) -> PageRows:
        """Return the pages below some branches, in order."""
        parts = [empty_pages()]
        for chunk in branches.chunks():
            elements = branch_elements(self._file, chunk, self._log)
            parts.append(self.claim(child_references(chunk, elements)))
        return PageRows.concatenate(parts)

    def mark(self, pgid: I64, overflow: I64) -> Mask:
        """Mark the pages and their overflow pages as reached; return which ones were not yet.

        All must lie within the file. Of spans that overlap each other, the first by place wins.
        """
        if self._mark_all(pgid, overflow):
            return np.ones(len(pgid), dtype=np.bool_)
        fresh = ~_overlapping(pgid, overflow)
        if len(pgid):
            fresh[fresh] &= ~self._any_reached(pgid[fresh], overflow[fresh])
            self.reached[_spanned(pgid[fresh], overflow[fresh])] = True
        return fresh

    def _mark_all(self, pgid: I64, overflow: I64) -> bool:
        """Mark all where none was reached and none overlaps, which nothing needs to be sorted for.

        Else nothing is marked.
        """
        spanned = _spanned(pgid, overflow)
        if self.reached[spanned].any():
            return False
        before = self.reached_count
        self.reached[spanned] = True
        if self.reached_count - before == len(spanned):
            return True
        self.reached[spanned] = False
        return False

    def _any_reached(self, pgid: I64, overflow: I64) -> Mask:
        if not len(pgid):
            return np.zeros(0, dtype=np.bool_)
        begins = np.cumsum(overflow + 1) - (overflow + 1)
        covered = self.reached[_spanned(pgid, overflow)].astype(np.int64)
        hits: Mask = np.add.reduceat(covered, begins) > 0
        return hits

    def _in_range(self, references: References) -> References:
        fine = (references.pgid >= 2) & (references.pgid < self.page_count)
        if not fine.all():
            self._note_out_of_range(references.take(~fine))
        return references.take(fine)

    def _note_out_of_range(self, bad: References) -> None:
        """Tell pages that a cut took away from those that never were."""
        cut_off = (bad.pgid >= self.page_count) & (bad.pgid < self._meta.high_water_mark)
        for rows, what in ((~cut_off, "refers to page {}"), (cut_off, PAGE_CUT_OFF)):
            found = bad.take(rows)
            self._log.add_rows(found.from_page, found.from_offset, what, found.pgid)

    def _sound(self, references: References, pgid: I64, headers: HeaderRows) -> Mask:
        span = (headers.overflow + 1) * self._meta.page_size
        wrong_id = headers.id != references.pgid
        wrong_type = ~wrong_id & (headers.flags != FLAG_BRANCH) & (headers.flags != FLAG_LEAF)
        too_long = pgid + headers.overflow >= self._meta.high_water_mark
        cut_off = ~too_long & (pgid + headers.overflow >= self.page_count)
        too_full = PAGE_HEADER_SIZE + ELEMENT_SIZE * headers.count > span
        childless = (headers.flags == FLAG_BRANCH) & (headers.count == 0)
        self._note(pgid, wrong_id, "page says that it is page {}", headers.id)
        self._note(pgid, wrong_type, "neither a branch nor a leaf (flags {})", headers.flags)
        self._note(pgid, ~wrong_id & too_long, "{} overflow pages do not fit", headers.overflow)
        self._note(pgid, ~wrong_id & cut_off, OVERFLOW_CUT_OFF, headers.overflow)
        self._note(pgid, ~wrong_id & too_full, "{} elements do not fit", headers.count)
        self._note(pgid, ~wrong_id & childless, "branch has {} elements", headers.count)
        sound: Mask = ~(wrong_id | wrong_type | too_long | cut_off | too_full | childless)
        return sound

    def _note(self, pgid: I64, bad: Mask, what: str, values: I64 | U64) -> None:
        if bad.any():
            self._log.add_rows(pgid[bad], pgid[bad] * self._meta.page_size, what, values[bad])

    def _note_twice(self, references: References, pgid: I64, bad: Mask) -> None:
        twice = references.take(bad)
        self._log.add_rows(
            twice.from_page, twice.from_offset, "page {} is referenced twice", pgid[bad]
        )

    def _rows(self, references: References, pgid: I64, headers: HeaderRows) -> PageRows:
        size = self._meta.page_size
        return PageRows(
            pgid, pgid * size, (headers.overflow + 1) * size, headers.count,
            headers.flags == FLAG_LEAF,
            references.lower_offset, references.lower_size,
            references.upper_offset, references.upper_size, references.tree,
        )  # fmt: skip  # columns in the order of their declaration


def root_reference(pgid: int, *, from_page: int = 0, tree: int = TREE_OF_NAMES) -> References:
    """Return the reference to one tree's root, without bounds."""
    none = np.full(1, NO_KEY, dtype=np.int64)
    return References(
        np.full(1, pgid, dtype=np.uint64), np.full(1, from_page, dtype=np.int64),
        np.zeros(1, dtype=np.int64), none, none, none, none, np.full(1, tree, dtype=np.int64),
    )  # fmt: skip  # columns in the order of their declaration


def empty_pages() -> PageRows:
    """Return no pages, for concatenation."""
    none = np.zeros(0, dtype=np.int64)
    return PageRows(none, none, none, none, none == 0, none, none, none, none, none)


def _spanned(pgid: I64, overflow: I64) -> I64:
    """Return every physical page of some logical pages, which must not overlap."""
    if not overflow.any():
        return pgid
    sizes = overflow + 1
    begins = np.cumsum(sizes) - sizes
    return np.repeat(pgid - begins, sizes) + np.arange(int(sizes.sum()))


def _overlapping(pgid: I64, overflow: I64) -> Mask:
    """Return the pages that begin before the end of one with a lower (or the same) number."""
    order = np.argsort(pgid, kind="stable")
    ends = np.maximum.accumulate((pgid + overflow + 1)[order])
    overlapping = np.zeros(len(pgid), dtype=np.bool_)
    overlapping[order[1:]] = pgid[order][1:] < ends[:-1]
    return overlapping
