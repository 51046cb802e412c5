"""One member's Raft log, as its WAL segments still prove it.

Raft's rule for reading a log back (etcd: wal.ReadAll): an entry at index i replaces whatever was
at i and everything behind it. Damage makes that rule treacherous: the record that cannot be read
may be the one that replaced entries which can. So entries before a damage are believed only when
nothing lost could have overwritten them; the others are `doubtful`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from requorum.errors import DamagedInput
from requorum.formats.raftpb import (
    Entry,
    EntryType,
    HardState,
    decode_entry,
    decode_hard_state,
)
from requorum.formats.wal import (
    Ending,
    Record,
    RecordType,
    Segment,
    WalMetadata,
    WalSnapshot,
    decode_metadata,
    decode_wal_snapshot,
)

INDEX_JUMP_MAX = 4_000_000
"""How far an entry may lie beyond the last one that was read. Even two lost segments full of the
smallest entries hold fewer; what lies further is no entry, and nobody can list so many gaps."""

NUMBER_MAX = 1 << 48
"""No cluster reaches this term or index; the random ids of members and clusters do. The checksum
does not cover a record's type, so these bound what a flipped bit there can make of an id."""

SEGMENT_BYTES = 64_000_000
"""etcd cuts a segment when it has reached this size. Source: wal.SegmentSizeBytes."""


class LogEnding(StrEnum):
    """How the readable part of a log ends."""

    CLEAN = "clean"
    TORN = "torn"
    DAMAGED = "damaged"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class LogDamage:
    """A place in a WAL that cannot be read, or a segment that is not there."""

    segment: str
    offset: int | None
    what: str
    after_index: int
    """The last entry index read before the place; 0 when there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLog:
    """What one WAL directory proves. Indexes and terms are Raft's.

    `entries` holds every entry that can still be read, by index, with gaps where records are
    damaged. `doubtful` are the indexes among them that a lost record may have replaced.
    `committed_here` is up to where the other entries are known to be the committed ones: less than
    `commit` where records were lost before that was written and nothing behind tells what they
    replaced.
    """

    metadata: WalMetadata | None
    entries: Mapping[int, Entry]
    doubtful: frozenset[int] = frozenset()
    hard_state: HardState | None = None
    snapshots: tuple[WalSnapshot, ...] = ()
    damages: tuple[LogDamage, ...] = ()
    ending: LogEnding
    committed_here: int = 0
    starts_at_zero: bool = False
    """Whether the first segment ever written (0-0) was read."""
    first_index: int = field(init=False)
    last_index: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first_index", min(self.entries, default=0))
        object.__setattr__(self, "last_index", max([self._base_index(), *self.entries]))

    def _base_index(self) -> int:
        """Return the newest snapshot's index: a leader's snapshot takes the place of the log."""
        return max((s.index for s in self.snapshots if s.index <= self.commit), default=0)

    @property
    def last_term(self) -> int:
        """Return the term of the last entry, or of the newest snapshot where that is later."""
        return self.term_at(self.last_index) or 0

    @property
    def position(self) -> tuple[int, int]:
        """Return what a Raft election compares: (last term, last index)."""
        return (self.last_term, self.last_index)

    @property
    def commit(self) -> int:
        """Return the highest index that this member wrote down as committed, 0 when none."""
        return self.hard_state.commit if self.hard_state else 0

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the indexes between first and last that cannot be read, ascending."""
        if not self.entries:
            return ()
        whole = range(self.first_index, self.last_index + 1)
        return tuple(i for i in whole if i not in self.entries)

    def term_at(self, index: int) -> int | None:
        """Return the term of the entry or snapshot at `index`, None where that is unknown."""
        entry = self.entries.get(index)
        if entry is not None:
            return entry.term
        return next((s.term for s in self.snapshots if s.index == index and index), None)


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment, its file's name, sequence number and size in bytes."""

    name: str
    sequence: int
    size: int
    segment: Segment


def read_member_log(files: Iterable[SegmentFile]) -> MemberLog:
    """Put segments together, in the order of their sequence numbers.

    Never raises for damage: what cannot be read is listed.
    """
    reading = _Reading()
    for file in files:
        reading.take(file)
    return reading.result()


class _Reading:
    """The state of a log while its segments go by."""

    def __init__(self) -> None:
        self.metadata: WalMetadata | None = None
        self.entries: dict[int, Entry] = {}
        self.last = 0
        self.doubtful: set[int] = set()
        self.commit = HardState(term=0, vote=0, commit=0)
        self.seen_hard_state = False
        self.snapshots: list[WalSnapshot] = []
        self.damages: list[LogDamage] = []
        self.ending = LogEnding.ABSENT
        self.starts_at_zero = False
        self.sequence: int | None = None
        self.chain: int | None = None
        self.lost_since_entry: int | None = 0
        """Records lost since the last entry; None when their number is unknown."""
        self.committed_here = 0

    def take(self, file: SegmentFile) -> None:
        name, segment = file.name, file.segment
        if self.sequence is None:
            self.starts_at_zero = file.sequence == 0
        elif file.sequence != self.sequence + 1:
            self._damage(name, None, f"segment {self.sequence + 1} before it is missing", None)
        elif self._chain_broken(segment):
            self._damage(name, 0, "it does not continue the segment before it", None)
        self.sequence = file.sequence
        places = sorted(segment.damages, key=lambda d: d.offset)
        for record in segment.records:
            while places and places[0].offset <= record.offset:
                place = places.pop(0)
                self._damage(name, place.offset, place.detail, place.lost)
            self._record(name, record)
        for place in places:
            self._damage(name, place.offset, place.detail, place.lost)
        self.chain = segment.last_crc
        self.ending = _ending_of(file)

    def _chain_broken(self, segment: Segment) -> bool:
        return (
            self.chain is not None
            and segment.first_crc is not None
            and segment.first_crc != self.chain
            and not segment.damages
        )

    def _damage(self, name: str, offset: int | None, what: str, lost: int | None) -> None:
        self.damages.append(LogDamage(name, offset, what, self.last))
        if lost is None or self.lost_since_entry is None:
            self.lost_since_entry = None
        else:
            self.lost_since_entry += lost

    def _record(self, name: str, record: Record) -> None:
        if not record.verified and not self._plausible(record):
            self._damage(name, record.offset, "its checksum chain does not prove this record", 1)
            return
        try:
            if record.type == RecordType.ENTRY:
                self._entry(self._checked_entry(record.data), proven=record.verified)
            elif record.type == RecordType.STATE:
                self._state(_checked_state(record.data))
            elif record.type == RecordType.METADATA:
                self._metadata(name, record.offset, decode_metadata(record.data))
            elif record.type == RecordType.SNAPSHOT:
                self._snapshot(decode_wal_snapshot(record.data))
        except DamagedInput as error:
            what = f"a record that cannot be decoded: {error.message}"
            self._damage(name, record.offset, what, 1)

    def _plausible(self, record: Record) -> bool:
        """Return whether an unproven record is at least the entry that had to come next."""
        if record.type != RecordType.ENTRY:
            return False
        try:
            return decode_entry(record.data).index == self.last + 1
        except DamagedInput:
            return False

    def _metadata(self, name: str, offset: int, metadata: WalMetadata) -> None:
        if self.metadata is not None and metadata != self.metadata:
            self._damage(name, offset, "its metadata names another member or cluster", 0)
            return
        self.metadata = metadata

    def _state(self, state: HardState) -> None:
        self.seen_hard_state = True
        highest = max(self.commit.commit, state.commit)
        self.commit = HardState(term=state.term, vote=state.vote, commit=highest)
        if self.lost_since_entry == 0:
            self.committed_here = highest

    def _snapshot(self, snapshot: WalSnapshot) -> None:
        """Note a snapshot; one that came from a leader takes the place of the whole log.

        A member's own snapshot lies at or before the commit that it wrote down, a leader's behind
        it, or raft would have turned it down (raft.restore).
        """
        if max(snapshot.index, snapshot.term) > NUMBER_MAX:
            raise DamagedInput(f"a snapshot at index {snapshot.index}, term {snapshot.term}")
        self.snapshots.append(snapshot)
        known = self.entries.get(snapshot.index)
        own = known is not None and known.term == snapshot.term
        if own or snapshot.index <= self.commit.commit:
            return
        self._forget(lambda index: index > self.committed_here)
        if snapshot.index > self.last + INDEX_JUMP_MAX:
            self._forget(lambda _: True)
        self.last = snapshot.index
        self.lost_since_entry = 0

    def _forget(self, gone: Callable[[int], bool]) -> None:
        self.entries = {i: e for i, e in self.entries.items() if not gone(i)}
        self.doubtful = {i for i in self.doubtful if not gone(i)}

    def _checked_entry(self, data: bytes | memoryview) -> Entry:
        """Decode an entry, and make sure that it is one.

        The checksum does not cover a record's type: a flipped bit there makes an entry of a hard
        state. Only a change of members has another type than zero, and it always has content.
        """
        entry = decode_entry(data)
        if not (0 < entry.index <= NUMBER_MAX and 0 < entry.term <= NUMBER_MAX):
            raise DamagedInput(f"an entry of index {entry.index}, term {entry.term}")
        if entry.type is not EntryType.NORMAL and not entry.data:
            raise DamagedInput("a change of members without content")
        if self.entries and entry.index > self.last + INDEX_JUMP_MAX:
            raise DamagedInput(f"entry {entry.index} lies far behind entry {self.last}")
        return entry

    def _entry(self, entry: Entry, *, proven: bool) -> None:
        for index in range(entry.index, self.last + 1 if self.entries else 0):
            self.entries.pop(index, None)
            self.doubtful.discard(index)
        if self.lost_since_entry != 0:
            self._doubt_before(entry)
            self.lost_since_entry = 0
        self.committed_here = self.commit.commit
        self.entries[entry.index] = entry
        self.last = entry.index
        if not proven:
            self.doubtful.add(entry.index)

    def _doubt_before(self, entry: Entry) -> None:
        """Doubt what lost records may have replaced; see the module's first lines.

        An entry of the same term as the next readable one is safe: a term has one leader, and a
        leader writes each index once. An entry that was committed before the loss is safe: it is
        never replaced. A commit that was written down after the loss says nothing of what lies
        before it.
        """
        reach = self.lost_since_entry
        lowest = 0 if reach is None else entry.index - reach
        for index in range(max(lowest, self.committed_here + 1), min(entry.index, self.last + 1)):
            known = self.entries.get(index)
            if known is not None and known.term != entry.term:
                self.doubtful.add(index)

    def result(self) -> MemberLog:
        return MemberLog(
            metadata=self.metadata,
            entries=self.entries,
            doubtful=frozenset(self.doubtful),
            hard_state=self.commit if self.seen_hard_state else None,
            snapshots=tuple(self.snapshots),
            damages=tuple(self.damages),
            ending=self._final_ending(),
            committed_here=self.committed_here,
            starts_at_zero=self.starts_at_zero,
        )

    def _final_ending(self) -> LogEnding:
        if self.ending is LogEnding.CLEAN and self.lost_since_entry != 0:
            return LogEnding.DAMAGED
        return self.ending


def _checked_state(data: bytes | memoryview) -> HardState:
    """Decode a hard state, and make sure that it is no entry whose type was damaged."""
    state = decode_hard_state(data)
    if not 0 < state.term <= NUMBER_MAX or state.commit > NUMBER_MAX:
        raise DamagedInput(f"a hard state of term {state.term}, commit {state.commit}")
    return state


def _ending_of(file: SegmentFile) -> LogEnding:
    segment = file.segment
    if segment.ending is Ending.TORN:
        return LogEnding.TORN
    if segment.ending is Ending.DAMAGED:
        return LogEnding.DAMAGED
    if segment.end_offset == file.size and file.size >= SEGMENT_BYTES:
        # A segment that was cut has no preallocated tail: the next one exists or existed.
        return LogEnding.DAMAGED
    return LogEnding.CLEAN
