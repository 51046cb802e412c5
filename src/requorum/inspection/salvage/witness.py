"""What one transaction of one file tells: records, and where it would have to hold others.

A record is immutable: it is the same everywhere, or gone because it was compacted away. So a tree
that is whole around a place, and does not hold a record there, proves as much as one that does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from requorum.formats.backend_file import BUCKETS
from requorum.formats.bbolt.columns import I64, U64, Mask
from requorum.formats.records import BUCKET as KEY
from requorum.inspection.salvage.key_leaves import RecordRows
from requorum.inspection.salvage.places import main_of, mains, place_of
from requorum.inspection.salvage.small_buckets import LOST_BUCKET, SmallBucket


class Standing(IntEnum):
    """How much a tree is worth as a whole; its single records prove themselves anyway."""

    CURRENT = 0
    """The transaction that a valid meta page names as the last one."""
    PREVIOUS = 1
    """The one before, whose pages may be overwritten since."""
    FOUND = 2
    """No meta page leads to it: the most recent root page that was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One tree of one file. Rows ascend by place.

    `gap_before`: between the row before and this one, records may be lost; `gap_at_end` the same
    behind the last row. `index` and `term` are the log entry that it has applied last, `compact`
    the revision that it is compacted to, or is about to be (-1: never); None where that is lost.
    `finished` is the revision to which a compaction has surely run, -1 where none is known.
    """

    file: int
    standing: Standing
    rows: RecordRows
    gap_before: Mask
    gap_at_end: bool
    small: Mapping[bytes, SmallBucket]
    index: int | None
    term: int | None
    compact: int | None
    finished: int

    @property
    def whole(self) -> bool:
        """Return whether the bucket `key` has no gap."""
        return not self.gap_at_end and not bool(self.gap_before.any())

    @property
    def everything_whole(self) -> bool:
        """Return whether no bucket of etcd's has a gap."""
        return self.whole and all(self.bucket(name).whole for name in BUCKETS if name != KEY)

    @property
    def last_row_main(self) -> int:
        """Return the main revision of the last row, 0 where there is none."""
        return main_of(int(self.rows.place[-1])) if len(self.rows) else 0

    @property
    def last(self) -> int:
        """Return the highest revision that it is known to have applied; 1 for a new cluster."""
        return max(1, self.last_row_main, self.compact or 0)

    @property
    def least_compact(self) -> int:
        """Return a revision that it is compacted to at least.

        Where the bucket `meta` does not tell: a revision without a record, where the tree is whole,
        can only be one that was compacted away.
        """
        if self.compact is not None:
            return self.compact
        main = mains(self.rows.place)
        skipped = (np.diff(main) > 1) & ~self.gap_before[1:]
        return max(int(main[1:][skipped][-1]) - 1 if skipped.any() else -1, self.finished)

    @property
    def sure_until(self) -> I64:
        """Return for each row up to which revision it is known that its key has no later record.

        A finished compaction would have removed the row; and without a gap a later one would be
        seen. An unfinished one removes the older rows of a key before the newer ones, so that
        this holds while it runs.
        """
        main = mains(self.rows.place)
        if not len(main):
            return main
        gap_after = np.append(self.gap_before[1:], self.gap_at_end)
        ends = np.where(gap_after, main, np.iinfo(np.int64).max)
        nearest = np.minimum.accumulate(ends[::-1])[::-1]
        until: I64 = np.maximum(np.minimum(nearest, self.last), self.finished)
        return np.maximum(until, main)

    def bucket(self, name: bytes) -> SmallBucket:
        """Return a bucket; one that was not found is a lost one."""
        return self.small.get(name, LOST_BUCKET)

    def holds(self, places: U64) -> Mask:
        """Return which places have a row here."""
        return contains(self.rows.place, places)

    def covers(self, places: U64) -> Mask:
        """Return at which places the tree is whole, so that a record there would be seen.

        What lies behind the last row is covered where the tree's end is, up to `last`.
        """
        following = np.searchsorted(self.rows.place, places, side="right")
        gaps = np.append(self.gap_before, self.gap_at_end)
        covered: Mask = ~gaps[following]
        covered |= self.holds(places)
        behind = places > np.uint64(place_of(self.last + 1) - 1)
        return covered & ~behind


def contains(sorted_places: U64, places: U64) -> Mask:
    """Return which `places` are among the sorted ones."""
    at = np.searchsorted(sorted_places, places)
    found = np.zeros(len(places), dtype=np.bool_)
    inside = at < len(sorted_places)
    found[inside] = sorted_places[at[inside]] == places[inside]
    return found


def meta_number(bucket: SmallBucket, key: bytes) -> int | None:
    """Return a counter of the bucket `meta`, None where it is missing or malformed."""
    value = bucket.rows.get(key)
    return int.from_bytes(value, "big") if value is not None and len(value) == 8 else None
