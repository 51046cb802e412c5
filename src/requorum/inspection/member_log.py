"""One member's Raft log, as its WAL segments still prove it.

Raft's rule for reading a log back (etcd: wal.ReadAll): an entry at index i replaces whatever was
at i and everything behind it. Damage makes that rule treacherous: the record that cannot be read
may be the one that replaced entries which can. So entries before a damage are believed only when
nothing lost could have overwritten them; the others are `doubtful`.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from requorum.errors import DamagedInput
from requorum.formats.raftpb import (
    Entry,
    EntryType,
    HardState,
    decode_entry,
    decode_hard_state,
)
from requorum.formats.wal import (
    DAMAGES_MAX,
    Ending,
    Record,
    RecordType,
    Segment,
    WalMetadata,
    WalSnapshot,
    decode_metadata,
    decode_wal_snapshot,
    parse_segment_name,
)
from requorum.inspection.log_content import (
    INDEX_JUMP_MAX,
    LogDamage,
    LogEnding,
    MemberLog,
)

__all__ = [
    "INDEX_JUMP_MAX",
    "Keep",
    "LogDamage",
    "LogEnding",
    "MemberLog",
    "SegmentFile",
    "read_member_log",
]

NUMBER_MAX = 1 << 48
"""No cluster reaches this term or index; the random ids of members and clusters do. The checksum
does not cover a record's type, so these bound what a flipped bit there can make of an id."""

SNAPSHOTS_MAX = 1_000_000
"""Marks of snapshots in one log. etcd writes one per some thousand entries."""

SEGMENT_BYTES = 64_000_000
"""etcd cuts a segment when it has reached this size. Source: wal.SegmentSizeBytes."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment, its file's name, sequence number and size in bytes."""

    name: str
    sequence: int
    size: int
    segment: Segment


Keep = Callable[[Entry, Record], Entry]
"""Says what is kept of an entry that was read from a record."""


def read_member_log(
    files: Iterable[SegmentFile], *, keep: Keep = lambda entry, _: entry
) -> MemberLog:
    """Put segments together, in the order of their sequence numbers.

    Never raises for damage: what cannot be read is listed. An entry's content is a view of its
    segment, which stays in memory with it; `keep` may return an entry of the same term without.
    """
    reading = _Reading(keep)
    for file in files:
        reading.take(file)
    return reading.result()


class _Reading:
    """The state of a log while its segments go by."""

    def __init__(self, keep: Keep) -> None:
        self.keep = keep
        self.metadata: WalMetadata | None = None
        self.entries: dict[int, Entry] = {}
        """In ascending order: an entry takes the place of all that lie at its index and behind."""
        self.last = 0
        self.doubtful: set[int] = set()
        self.undoubted: list[int] = []
        """The indexes of all other entries, ascending."""
        self.judged = (0, 0)
        """(index, term): up to there, what is undoubted and not committed is of this term."""
        self.commit = HardState(term=0, vote=0, commit=0)
        self.seen_hard_state = False
        self.snapshots: list[WalSnapshot] = []
        self.damages: list[LogDamage] = []
        self.damage_count = 0
        self.ending = LogEnding.ABSENT
        self.starts_at_zero = False
        self.sequence: int | None = None
        self.saved = 0
        """What etcd calls enti: the index from which it names the next segment."""
        self.leaders_snapshot = 0
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
        elif self._misnamed(name):
            self._damage(name, None, f"its name should say that entry {self.saved + 1} is next", 0)
        self.sequence = file.sequence
        places = deque(sorted(segment.damages, key=lambda d: d.offset))
        for record in segment.records:
            while places and places[0].offset <= record.offset:
                place = places.popleft()
                self._damage(name, place.offset, place.detail, place.lost)
            self._record(name, record)
        for place in places:
            self._damage(name, place.offset, place.detail, place.lost)
        self.chain = segment.last_crc
        self.ending = _ending_of(file)

    def _misnamed(self, name: str) -> bool:
        """Return whether etcd, which goes by the names, would look for entries elsewhere."""
        parsed = parse_segment_name(name)
        return parsed is not None and not self.damages and parsed[1] != self.saved + 1

    def _chain_broken(self, segment: Segment) -> bool:
        return (
            self.chain is not None
            and segment.first_crc is not None
            and segment.first_crc != self.chain
            and not segment.damages
        )

    def _damage(self, name: str, offset: int | None, what: str, lost: int | None) -> None:
        self.damage_count += 1
        if len(self.damages) < DAMAGES_MAX:
            self.damages.append(LogDamage(name, offset, what, self.last, lost))
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
                self._entry(name, self._checked_entry(record.data), record)
            elif record.type == RecordType.STATE:
                self._state(_checked_state(record.data))
            elif record.type == RecordType.METADATA:
                self._metadata(name, record.offset, decode_metadata(record.data))
            elif record.type == RecordType.SNAPSHOT:
                self._snapshot(name, record.offset, decode_wal_snapshot(record.data))
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

    def _snapshot(self, name: str, offset: int, snapshot: WalSnapshot) -> None:
        """Note a snapshot; one that came from a leader takes the place of the whole log.

        A member's own snapshot lies at or before the commit that it wrote down, a leader's behind
        it, or raft would have turned it down (raft.restore).
        """
        if max(snapshot.index, snapshot.term) > NUMBER_MAX:
            raise DamagedInput(f"a snapshot at index {snapshot.index}, term {snapshot.term}")
        if snapshot.index == 0 and self.sequence != 0:
            self._damage(name, offset, "it begins the log, its name says that another one does", 0)
        if len(self.snapshots) >= SNAPSHOTS_MAX:
            raise DamagedInput(f"the mark of more than {SNAPSHOTS_MAX} snapshots")
        self.snapshots.append(snapshot)
        self.saved = max(self.saved, snapshot.index)
        known = self.entries.get(snapshot.index)
        own = known is not None and known.term == snapshot.term
        if own or snapshot.index <= self.commit.commit:
            return
        self._truncate(self.committed_here + 1)
        if self._missing_before(snapshot.index) >= INDEX_JUMP_MAX:
            self._truncate(0)
        self.last = self.leaders_snapshot = snapshot.index
        self.lost_since_entry = 0

    def _truncate(self, first: int) -> None:
        """Forget the entries from index `first` on."""
        while self.entries and next(reversed(self.entries)) >= first:
            index, _ = self.entries.popitem()
            self.doubtful.discard(index)
        del self.undoubted[bisect_left(self.undoubted, first) :]
        self.judged = min(self.judged[0], first - 1), self.judged[1]

    def _missing_before(self, index: int) -> int:
        """Return how many entries are missing between the first one and `index`, if it is new."""
        first = next(iter(self.entries), index)
        return index - first - len(self.entries)

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
        if entry.index > self.last and self._missing_before(entry.index) >= INDEX_JUMP_MAX:
            raise DamagedInput(f"entry {entry.index} lies far behind entry {self.last}")
        return entry

    def _entry(self, name: str, entry: Entry, record: Record) -> None:
        self._truncate(entry.index)
        if self.lost_since_entry != 0:
            self._doubt_before(entry)
            self.lost_since_entry = 0
        elif self._out_of_order(entry.index):
            self._damage(name, record.offset, f"entry {entry.index} follows {self.saved}", 0)
        self.committed_here = self.commit.commit
        self.entries[entry.index] = self.keep(entry, record)
        self.last = self.saved = entry.index
        if record.verified:
            self.undoubted.append(entry.index)
        else:
            self.doubtful.add(entry.index)

    def _out_of_order(self, index: int) -> bool:
        """Return whether etcd never writes this index here: it refuses such a log, or misreads it.

        Behind a gap; or before a snapshot of a leader, which took the place of the log up to it.
        """
        known = bool(self.entries) or self.starts_at_zero
        return index <= self.leaders_snapshot or (known and index > self.saved + 1)

    def _doubt_before(self, entry: Entry) -> None:
        """Doubt what lost records may have replaced; see the module's first lines.

        An entry of the same term as the next readable one is safe: a term has one leader, and a
        leader writes each index once. An entry that was committed before the loss is safe: it is
        never replaced. A commit that was written down after the loss says nothing of what lies
        before it.
        """
        reach = self.lost_since_entry
        lowest = self.committed_here + 1
        if reach is not None:
            lowest = max(lowest, entry.index - reach)
        elif entry.term == self.judged[1]:
            lowest = max(lowest, self.judged[0] + 1)
        begin = bisect_left(self.undoubted, lowest)
        reached = self.undoubted[begin:]
        safe = [index for index in reached if self.entries[index].term == entry.term]
        self.undoubted[begin:] = safe
        self.doubtful.update(set(reached).difference(safe))
        if reach is None:
            self.judged = entry.index - 1, entry.term

    def result(self) -> MemberLog:
        return MemberLog(
            metadata=self.metadata,
            entries=self.entries,
            doubtful=frozenset(self.doubtful),
            hard_state=self.commit if self.seen_hard_state else None,
            snapshots=tuple(self.snapshots),
            damages=(*self.damages, *self._unlisted()),
            ending=self._final_ending(),
            committed_here=self.committed_here,
            starts_at_zero=self.starts_at_zero,
        )

    def _unlisted(self) -> tuple[LogDamage, ...]:
        unlisted = self.damage_count - len(self.damages)
        if not unlisted:
            return ()
        last = self.damages[-1]
        return (replace(last, offset=None, what=f"and {unlisted} more damaged places behind"),)

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
