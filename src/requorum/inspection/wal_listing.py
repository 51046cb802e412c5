"""The records of a log, one after the other, each with what it is worth.

This is the second pass; `requorum.inspection.wal_survey` is the first. Entries and damages come in
the order of the files, so that a damage stands where it lies.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from requorum.formats.raftpb import Entry, HardState, decode_entry, decode_hard_state
from requorum.formats.wal import (
    Record,
    RecordType,
    WalMetadata,
    WalSnapshot,
    decode_metadata,
    decode_wal_snapshot,
)
from requorum.inspection.member_log import SegmentFile
from requorum.inspection.wal_survey import PlacedDamage, WalSurvey


class Standing(StrEnum):
    """What an entry is worth.

    CURRENT: it is the log's entry at its index. SUPERSEDED: a later leader, or its snapshot,
    replaced it, so it was never committed. DOUBTFUL: a record that is lost may have replaced it,
    or nothing proves its bytes.
    """

    CURRENT = "current"
    SUPERSEDED = "superseded"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies: its frame has `size` bytes from `offset` on.

    `after_index` is the last entry's before it, 0 where there is none.
    """

    segment: str
    offset: int
    size: int
    after_index: int


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry. `committed`: whether the log proves it; False is not known.

    `superseded_by` is the term of the entry that took its place, None where there is none.
    """

    place: Place
    entry: Entry
    standing: Standing
    committed: bool
    superseded_by: int | None


@dataclass(frozen=True, slots=True)
class ListedState:
    """A hard state: what the member promised, and what it knew committed."""

    place: Place
    state: HardState


@dataclass(frozen=True, slots=True)
class ListedSnapshot:
    """The mark of a saved snapshot."""

    place: Place
    snapshot: WalSnapshot


@dataclass(frozen=True, slots=True)
class ListedMetadata:
    """Whose log it is."""

    place: Place
    metadata: WalMetadata


@dataclass(frozen=True, slots=True)
class ListedCrc:
    """The checksum with which a segment continues the one before it."""

    place: Place
    crc: int


Listed = ListedEntry | ListedState | ListedSnapshot | ListedMetadata | ListedCrc | PlacedDamage


def list_segment(survey: WalSurvey, file: SegmentFile) -> Iterator[Listed]:
    """Yield what lies in one segment of the surveyed log, in the order of the file.

    What was appended since the survey is left out.
    """
    return _Listing(survey, file).listed()


class _Listing:
    def __init__(self, survey: WalSurvey, file: SegmentFile) -> None:
        self._survey = survey
        self._file = file
        self._superseded = survey.superseded.get(file.name, frozenset())
        self._taken = deque(survey.taken.get(file.name, ()))
        self._damages = survey.damages_of.get(file.name, ())
        self._refused = {d.offset for d in self._damages if d.refuses_record}
        self._after_index = _last_index_before(survey, file.name)

    def listed(self) -> Iterator[Listed]:
        waiting = list(reversed(self._damages))
        end = next(s.end_offset for s in self._survey.segments if s.name == self._file.name)
        for record in self._file.segment.records:
            if record.end > end:
                break
            while waiting and (waiting[-1].offset or 0) <= record.offset:
                yield waiting.pop()
            found = self._listed(record)
            if found is not None:
                yield found
        yield from reversed(waiting)

    def _listed(self, record: Record) -> Listed | None:
        """Return the record; None for one that the survey refused, which is among the damages."""
        place = Place(self._file.name, record.offset, record.end - record.offset, self._after_index)
        if record.type == RecordType.CRC:
            return ListedCrc(place, record.crc)
        if record.type == RecordType.ENTRY:
            return self._entry(place, decode_entry(record.data)) if self._takes(record) else None
        if record.offset in self._refused or not record.verified:
            return None
        return _decoded(record, place)

    def _takes(self, record: Record) -> bool:
        """Return whether the survey took this entry."""
        while self._taken and self._taken[0] < record.offset:
            self._taken.popleft()
        return bool(self._taken) and self._taken[0] == record.offset

    def _entry(self, place: Place, entry: Entry) -> ListedEntry:
        log, index = self._survey.log, entry.index
        self._after_index = index
        if place.offset in self._superseded:
            by = log.term_at(index)
            return ListedEntry(place, entry, Standing.SUPERSEDED, committed=False, superseded_by=by)
        doubtful = index in log.doubtful
        return ListedEntry(
            place,
            entry,
            Standing.DOUBTFUL if doubtful else Standing.CURRENT,
            committed=not doubtful and index <= log.committed_here,
            superseded_by=None,
        )


def _decoded(record: Record, place: Place) -> Listed:
    """Decode a record; the survey could do it, too."""
    if record.type == RecordType.STATE:
        return ListedState(place, decode_hard_state(record.data))
    if record.type == RecordType.SNAPSHOT:
        return ListedSnapshot(place, decode_wal_snapshot(record.data))
    return ListedMetadata(place, decode_metadata(record.data))


def _last_index_before(survey: WalSurvey, name: str) -> int:
    last = 0
    for segment in survey.segments:
        if segment.name == name:
            break
        last = segment.last_index or last
    return last
