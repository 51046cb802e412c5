"""A whole log at a glance: what counts of it, what was replaced, and what is damaged.

This is the first of two passes over the segments, each of which is in memory only while it is
read. Only at the end of a log is known which of its entries still count: one that was overwritten
stays where it is (see `requorum.inspection.member_log`). So the first pass remembers a few bytes
for each entry, and the second one (`requorum.inspection.wal_listing`) tells them.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wal import Ending, Record, WalDamage
from requorum.inspection.member_log import (
    SEGMENT_BYTES,
    LogDamage,
    MemberLog,
    SegmentFile,
    read_member_log,
)

_LEASE_REVOKE_TAG = 0x4A
"""What an entry's data begins with where it revokes a lease (field 9). etcd writes no ID first."""


@dataclass(frozen=True, slots=True)
class SurveyedSegment:
    """One file of the log.

    Indexes are those of its entries, superseded ones too; None where it has no entry. `size` and
    `end_offset` in bytes; zeros, if anything, lie between them.
    """

    name: str
    size: int
    records: int
    entries: int
    first_index: int | None
    last_index: int | None
    end_offset: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class TermRange:
    """Entries that one after the other have the same term; both ends inclusive."""

    term: int
    first_index: int
    last_index: int


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Indexes without an entry; both ends inclusive.

    `snapshot`: a leader's snapshot took their place, so that nothing is lost. Otherwise they are.
    """

    first_index: int
    last_index: int
    snapshot: bool


@dataclass(frozen=True, slots=True)
class PlacedDamage:
    """A damaged place, or a segment that is not there: then `offset` is None.

    `size` in bytes, None where it has no known end. `lost`: how many records cannot be read, None
    where nobody can know. `refuses_record`: the place is a record that has the right form, but
    was not believed. `after_index`: the last entry read before it, 0 where there was none.
    """

    segment: str
    offset: int | None
    size: int | None
    what: str
    lost: int | None
    refuses_record: bool
    after_index: int


@dataclass(frozen=True)
class WalSurvey:
    """What the first pass found.

    `log` is without the content of its entries. `taken`: the offsets of all entries that the log
    took, ascending, by segment; what else looks like an entry is damaged. `superseded`: those of
    them that it does not hold any more.
    """

    log: MemberLog
    damages: tuple[PlacedDamage, ...]
    segments: tuple[SurveyedSegment, ...]
    taken: Mapping[str, Sequence[int]]
    superseded: Mapping[str, frozenset[int]]
    lease_revokes: int

    @property
    def superseded_count(self) -> int:
        """Return how many entries were replaced by later ones."""
        return sum(len(offsets) for offsets in self.superseded.values())

    @property
    def is_readable(self) -> bool:
        """Return whether anything was found that is worth telling."""
        log = self.log
        return bool(log.entries or log.metadata or log.snapshots or log.hard_state)

    @property
    def records(self) -> int:
        """Return how many records of any kind could be read."""
        return sum(segment.records for segment in self.segments)

    @property
    def next_segment_missing(self) -> bool:
        """Return whether the last segment is a full one, behind which another must have come.

        Or etcd was killed in the very moment between filling one and beginning the next.
        """
        last = self.segments[-1] if self.segments else None
        if last is None or last.ending is not Ending.CLEAN:
            return False
        return last.end_offset == last.size >= SEGMENT_BYTES

    @cached_property
    def damages_of(self) -> Mapping[str, tuple[PlacedDamage, ...]]:
        """Return the damages by segment, in the order of the file."""
        found: dict[str, list[PlacedDamage]] = {}
        for damage in self.damages:
            found.setdefault(damage.segment, []).append(damage)
        return {name: tuple(damages) for name, damages in found.items()}

    @cached_property
    def terms(self) -> tuple[TermRange, ...]:
        """Return the terms of the entries that count, in the order of the log."""
        found: list[TermRange] = []
        first = last = term = 0
        for index, entry in self.log.entries.items():
            if entry.term != term:
                if term:
                    found.append(TermRange(term, first, last))
                term, first = entry.term, index
            last = index
        return (*found, TermRange(term, first, last)) if term else ()

    @cached_property
    def missing(self) -> tuple[MissingRange, ...]:
        """Return the gaps between entries that count, and what was committed behind the last."""
        marks = {snapshot.index for snapshot in self.log.snapshots}
        gaps = tuple(
            MissingRange(before + 1, after - 1, snapshot=after - 1 in marks)
            for before, after in pairwise(self.log.entries)
            if after > before + 1
        )
        last, commit = self.log.last_index, self.log.commit
        return (*gaps, MissingRange(last + 1, commit, snapshot=False)) if commit > last else gaps


def survey_wal(files: Iterable[SegmentFile]) -> WalSurvey:
    """Read all segments, in the order of their sequence numbers. Never raises for damage."""
    reading = _Reading()
    log = read_member_log(reading.watched(files), keep=reading.keep)
    return WalSurvey(
        log=log,
        damages=tuple(map(reading.placed, log.damages)),
        segments=tuple(reading.segments),
        taken=reading.taken(),
        superseded=reading.superseded(log),
        lease_revokes=reading.lease_revokes,
    )


class _Reading:
    """What is remembered of each entry that the log took: index, offset, and in which segment."""

    def __init__(self) -> None:
        self.segments: list[SurveyedSegment] = []
        self.lease_revokes = 0
        self._indexes = array("Q")
        self._offsets = array("Q")
        self._firsts: list[tuple[str, int]] = []
        """(segment, number of the first entry in it)."""
        self._bare: dict[int, Entry] = {}
        self._details: dict[tuple[str, int | None, str], WalDamage] = {}

    def watched(self, files: Iterable[SegmentFile]) -> Iterator[SegmentFile]:
        """Pass the segments on; each is described when its reading is over."""
        for file in files:
            first = len(self._indexes)
            self._firsts.append((file.name, first))
            yield file
            self.segments.append(self._described(file, self._indexes[first:]))
            for damage in file.segment.damages:
                self._details[file.name, damage.offset, damage.detail] = damage

    def placed(self, damage: LogDamage) -> PlacedDamage:
        """Add the size, which the segment knows; what only the log found is a single record."""
        detail = self._details.get((damage.segment, damage.offset, damage.what))
        return PlacedDamage(
            segment=damage.segment,
            offset=damage.offset,
            size=detail.length if detail else None,
            what=damage.what,
            lost=damage.lost,
            refuses_record=damage.offset is not None and detail is None and damage.lost != 0,
            after_index=damage.after_index,
        )

    def _described(self, file: SegmentFile, indexes: "array[int]") -> SurveyedSegment:
        segment = file.segment
        return SurveyedSegment(
            name=file.name,
            size=file.size,
            records=len(segment.records),
            entries=len(indexes),
            first_index=min(indexes, default=None),
            last_index=max(indexes, default=None),
            end_offset=segment.end_offset,
            ending=segment.ending,
        )

    def keep(self, entry: Entry, record: Record) -> Entry:
        """Note where the entry lies; keep its term, in an object that the term's entries share."""
        self._indexes.append(entry.index)
        self._offsets.append(record.offset)
        if len(entry.data) and entry.data[0] == _LEASE_REVOKE_TAG:
            self.lease_revokes += 1
        bare = self._bare.get(entry.term)
        if bare is None:
            bare = self._bare[entry.term] = Entry(EntryType.NORMAL, entry.term, 0, b"")
        return bare

    def taken(self) -> dict[str, "array[int]"]:
        """Return the offsets of the entries that the log took, by segment."""
        return {name: self._offsets[begin:end] for name, begin, end in self._bounds()}

    def _bounds(self) -> Iterator[tuple[str, int, int]]:
        for (name, begin), (_, end) in pairwise([*self._firsts, ("", len(self._offsets))]):
            yield name, begin, end

    def superseded(self, log: MemberLog) -> dict[str, frozenset[int]]:
        """Return the offsets of the entries that the log took and does not hold any more."""
        indexes = np.frombuffer(self._indexes, dtype=np.uint64)
        if not len(indexes):
            return {}
        gone = _overwritten(indexes)
        held = np.fromiter(log.entries, dtype=np.uint64, count=len(log.entries))
        gone |= ~np.isin(indexes, held)
        offsets = np.frombuffer(self._offsets, dtype=np.uint64)
        found = {}
        for name, begin, end in self._bounds():
            if gone[begin:end].any():
                found[name] = frozenset(offsets[begin:end][gone[begin:end]].tolist())
        return found


def _overwritten(indexes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which entries have one of the same or a lower index behind them."""
    lowest_behind = np.minimum.accumulate(indexes[::-1])[::-1]
    gone = np.zeros(len(indexes), dtype=np.bool_)
    gone[:-1] = lowest_behind[1:] <= indexes[:-1]
    return gone
