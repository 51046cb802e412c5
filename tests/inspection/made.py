"""Evidence made by hand, each part with only what a test is about."""

from collections.abc import Mapping, Sequence

from requorum.domain.ids import MemberId
from requorum.formats.backend import BackendMember, BackendState
from requorum.formats.raftpb import ConfState, Entry, EntryType, HardState
from requorum.formats.snap import Snap, SnapMember
from requorum.formats.wal import WalMetadata, WalSnapshot
from requorum.formats.wire import field_bytes
from requorum.inspection.agreement import known_commit, vote
from requorum.inspection.completed_log import complete_log
from requorum.inspection.decision import ClusterEvidence
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.member_log import LogDamage, LogEnding, MemberLog
from requorum.inspection.membership import Membership, RaftMember

CLUSTER = 0xC1


def put_entry(index: int, term: int, value: str = "") -> Entry:
    """Return a plain put whose value tells index and term."""
    text = (value or f"{index}.{term}").encode()
    data = field_bytes(4, field_bytes(1, b"k") + field_bytes(2, text))
    return Entry(EntryType.NORMAL, term, index, data)


def entries_of(terms: str, first: int = 1) -> dict[int, Entry]:
    """Return one entry for each digit, its term; a dot is an index that cannot be read."""
    return {
        index: put_entry(index, int(term))
        for index, term in enumerate(terms, start=first)
        if term != "."
    }


def log(
    terms: str,
    *,
    first: int = 1,
    commit: int = 0,
    here: int | None = None,
    node: int | None = 1,
    cluster: int = CLUSTER,
    doubtful: Sequence[int] = (),
    damages: int = 0,
    ending: LogEnding = LogEnding.CLEAN,
    term: int | None = None,
    snapshots: Sequence[tuple[int, int]] = (),
) -> MemberLog:
    """Return a log; `term` is the hard state's, that of the last entry where it is not given."""
    entries = entries_of(terms, first)
    last_term = entries[max(entries)].term if entries else 0
    return MemberLog(
        metadata=None if node is None else WalMetadata(node, cluster),
        entries=entries,
        doubtful=frozenset(doubtful),
        hard_state=HardState(last_term if term is None else term, 0, commit),
        snapshots=tuple(WalSnapshot(index, at, None) for index, at in snapshots),
        damages=tuple(LogDamage("0.wal", n, "flipped", 0) for n in range(damages)),
        ending=ending,
        committed_here=commit if here is None else here,
        starts_at_zero=first == 1,
    )


def state(
    index: int,
    *,
    revision: int | None = None,
    term: int | None = None,
    compacted: int | None = None,
    members: Sequence[BackendMember] = (),
) -> BackendState:
    """Return what a database says of itself."""
    return BackendState(
        consistent_index=index,
        term=term,
        current_revision=index + 1 if revision is None else revision,
        finished_compact_revision=compacted,
        scheduled_compact_revision=None,
        storage_version=None,
        cluster_version=None,
        conf_state=None,
        members=tuple(members),
        removed_members=(),
        alarms=(),
        auth_enabled=False,
    )


def db(index: int, *, content: int | None = None, term: int | None = None) -> DatabaseEvidence:
    """Return a sound database that stands at an index."""
    return DatabaseEvidence(size=1, state=state(index, term=term), content=content)


BAD_DB = DatabaseEvidence(size=1, damages=("page 3 is damaged",))


def member(
    name: str, log: MemberLog | None = None, database: DatabaseEvidence | None = None
) -> MemberEvidence:
    """Return a member's evidence."""
    return MemberEvidence(name=name, log=log, database=database)


def snap(index: int, term: int, members: Mapping[int, str], learners: Sequence[int] = ()) -> Snap:
    """Return a .snap file with members of those ids and names."""
    return Snap(
        term=term,
        index=index,
        conf_state=ConfState(voters=tuple(members), learners=tuple(learners)),
        members=tuple(
            SnapMember(i, name, (f"http://{name}:2380",), (), is_learner=False)
            for i, name in members.items()
        ),
        removed=(),
        cluster_version="3.5.0",
        has_v2_data=False,
    )


def voters(count: int, learners: Sequence[int] = ()) -> Membership:
    """Return members etcd1 to etcd<count>, with ids 1 to count."""
    return Membership(
        {
            MemberId(n): RaftMember(
                MemberId(n), f"etcd{n}", (f"http://etcd{n}:2380",), is_learner=n in learners
            )
            for n in range(1, count + 1)
        }
    )


def cluster(
    *members: MemberEvidence,
    size: int = 3,
    foreign: Mapping[str, str] | None = None,
    learners: Sequence[int] = (),
) -> ClusterEvidence:
    """Put members' evidence together, as the survey does."""
    by_name = {m.name: m for m in members}
    outvoted, disputed = vote(by_name)
    logs = {n: m.log for n, m in by_name.items() if m.log is not None and m.log.metadata}
    return ClusterEvidence(
        members=by_name,
        foreign=foreign or {},
        membership=voters(size, learners),
        log=complete_log(logs),
        known_commit=known_commit(by_name),
        outvoted=outvoted,
        disputed=disputed,
    )
