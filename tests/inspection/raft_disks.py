"""What a crash and its damages leave of a model's disks, read as requorum reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import raft_model

from requorum.domain.ids import MemberId
from requorum.formats.backend import NO_COMPACT_REVISION, BackendState
from requorum.formats.raftpb import ConfState, decode_entry
from requorum.formats.snap import Snap
from requorum.formats.source import BufferSource
from requorum.formats.wal import (
    RecordType,
    decode_wal_snapshot,
    frame,
    read_segment,
    segment_name,
)
from requorum.formats.wire import field_varint
from requorum.inspection.agreement import known_commit
from requorum.inspection.completed_log import complete_log
from requorum.inspection.decision import ClusterEvidence
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.member_log import SegmentFile, read_member_log
from requorum.inspection.membership import Membership, RaftMember

ZERO_TAIL = 2048
CLUSTER_ID = 77
INTACT, LOST, STALE, FLIPPED, BURST, TORN, SEGMENT, CUT = (
    "intact",
    "lost",
    "stale",
    "flipped",
    "burst",
    "torn",
    "segment",
    "cut",
)


@dataclass
class WalFile:
    """A segment's bytes; `frames` has (start, end) of each record, `first` is in its name."""

    sequence: int
    first: int
    data: bytearray
    frames: list[tuple[int, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the name that etcd gives it."""
        return segment_name(self.sequence, self.first)


@dataclass(frozen=True)
class Found:
    """One member after the crash: what was done to it, and what is read of it.

    `older`: whether what is on the disk ends, without a trace, before what Raft wrote there.
    """

    damage: str
    older: bool
    evidence: MemberEvidence


def segments_of(
    records: Sequence[raft_model.WalRecord],
    number: int,
    cuts: Sequence[int],
    *,
    cluster_id: int = CLUSTER_ID,
) -> list[WalFile]:
    """Write the records as etcd would, a new segment before each place in `cuts`."""
    metadata = field_varint(1, number) + field_varint(2, cluster_id)
    files: list[WalFile] = []
    crc = 0
    for begin, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
        file = WalFile(len(files), _next_index(records[:begin]), bytearray())
        head: list[tuple[RecordType, bytes | None]] = [
            (RecordType.CRC, None),
            (RecordType.METADATA, metadata),
        ]
        head += _state_before(records, begin) if begin else [(RecordType.SNAPSHOT, b"\x08\0\x10\0")]
        for record_type, data in [*head, *records[begin:end]]:
            framed, crc = frame(record_type, data, crc)
            file.frames.append((len(file.data), len(file.data) + len(framed)))
            file.data += framed
        files.append(file)
    files[-1].data += bytes(ZERO_TAIL)
    return files


def _next_index(records: Sequence[raft_model.WalRecord]) -> int:
    """Return the index that etcd names a segment by which begins behind these records."""
    if not records:
        return 0
    last = 0
    for record_type, data in records:
        if record_type == RecordType.ENTRY:
            last = decode_entry(data).index
        elif record_type == RecordType.SNAPSHOT:
            last = max(last, decode_wal_snapshot(data).index)
    return last + 1


def _state_before(
    records: Sequence[raft_model.WalRecord], place: int
) -> list[tuple[RecordType, bytes | None]]:
    """Return the hard state that etcd repeats at the head of a later segment."""
    states = [r for r in records[:place] if r[0] == RecordType.STATE]
    return list(states[-1:])


def crash(model: raft_model.RaftModel, node: raft_model.Node, damage: str, random: Random) -> Found:
    """Return what is read of a member to which one kind of damage was done."""
    if damage == LOST:
        return Found(damage, older=False, evidence=MemberEvidence(name=node.name))
    now = raft_model.Moment(len(node.records), node.applied, len(node.snapshots))
    moment = random.choice(node.moments) if damage == STALE else now
    records = node.records[: moment.records]
    places = range(1, len(records))
    cuts = sorted(random.sample(places, min(random.choice([0, 0, 1, 2]), len(places))))
    files = segments_of(records, node.number, cuts)
    older = damage == STALE and moment.records < now.records
    if damage in _INFLICT:
        older = _INFLICT[damage](files, random)
    log = (
        read_member_log(
            SegmentFile(
                f.name,
                f.sequence,
                len(f.data),
                read_segment(BufferSource(bytes(f.data)), last=f is files[-1]),
            )
            for f in files
        )
        if files
        else None
    )
    has_database = damage in {STALE, CUT} or random.random() < 0.7
    evidence = MemberEvidence(
        name=node.name,
        log=log,
        database=database_at(model, moment.applied, damaged=not has_database),
        snaps=tuple(_snap(model, *s) for s in node.snapshots[: moment.snapshots]),
    )
    return Found(damage, older, evidence)


def database_at(model: raft_model.RaftModel, applied: int, *, damaged: bool) -> DatabaseEvidence:
    """Return a database that holds the committed entries up to one index."""
    if damaged:
        return DatabaseEvidence(size=1, damages=("page 3 is damaged",))
    entry = model.committed.get(applied)
    state = BackendState(
        consistent_index=applied,
        term=(entry.term if entry else 0) if model.random.random() < 0.5 else None,
        current_revision=model.revisions.get(applied, 1),
        finished_compact_revision=None,
        scheduled_compact_revision=None,
        storage_version=None,
        cluster_version=None,
        conf_state=None,
        members=(),
        removed_members=(),
        alarms=(),
        auth_enabled=False,
    )
    assert state.compact_revision == NO_COMPACT_REVISION
    return DatabaseEvidence(size=1, state=state)


def _snap(model: raft_model.RaftModel, index: int, term: int) -> Snap:
    voters = tuple(n.number for n in model.nodes)
    return Snap(term, index, ConfState(voters=voters), (), (), None, has_v2_data=False)


def evidence_of(model: raft_model.RaftModel, found: Sequence[Found]) -> ClusterEvidence:
    """Put single members' evidence together, as the survey does."""
    members = {f.evidence.name: f.evidence for f in found}
    logs = {n: m.log for n, m in members.items() if m.log is not None and m.log.metadata}
    return ClusterEvidence(
        members=members,
        foreign={},
        membership=Membership(
            {
                MemberId(n.number): RaftMember(MemberId(n.number), n.name, (), is_learner=False)
                for n in model.nodes
            }
        ),
        log=complete_log(logs),
        known_commit=known_commit(members),
    )


def _flip(files: list[WalFile], random: Random) -> bool:
    """Flip bits in one to three records."""
    for _ in range(random.randint(1, 3)):
        file = random.choice(files)
        start, end = random.choice(file.frames)
        file.data[random.randrange(start, end)] ^= 1 << random.randrange(8)
    return False


def _burst(files: list[WalFile], random: Random) -> bool:
    """Overwrite some hundred bytes with garbage, or with zeros."""
    file = random.choice(files)
    start = random.randrange(file.frames[-1][1])
    length = min(random.randint(1, 300), file.frames[-1][1] - start)
    garbage = bytes(length) if random.random() < 0.5 else random.randbytes(length)
    before = bytes(file.data)
    file.data[start : start + length] = garbage
    if file is files[-1] and not any(file.data[start:]):
        return _ends_older(file, start, before)
    return False


def _tear(files: list[WalFile], random: Random) -> bool:
    """Zero everything from some byte on, as a write that never reached the disk."""
    file = files[-1]
    before = bytes(file.data)
    start = random.randrange(file.frames[-1][1])
    file.data[start:] = bytes(len(file.data) - start)
    return _ends_older(file, start, before)


def _cut(files: list[WalFile], random: Random) -> bool:
    """Shorten the last file at some byte."""
    file = files[-1]
    start = random.randrange(file.frames[-1][1])
    del file.data[start:]
    return any(start == begin for begin, _ in file.frames)


def _ends_older(file: WalFile, start: int, before: bytes) -> bool:
    """Return whether what is left ends at the end of a record, so that nothing shows the loss."""
    lost = [(b, e) for b, e in file.frames if e > start and before[max(b, start) : e].strip(b"\0")]
    return bool(lost) and not any(file.data[lost[0][0] : lost[0][1]])


def _lose_segment(files: list[WalFile], random: Random) -> bool:
    files.remove(random.choice(files))
    return False


_INFLICT = {FLIPPED: _flip, BURST: _burst, TORN: _tear, CUT: _cut, SEGMENT: _lose_segment}
DAMAGES = (INTACT, LOST, STALE, *_INFLICT)
