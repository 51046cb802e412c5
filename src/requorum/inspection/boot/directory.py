"""One data directory as etcd finds it when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from requorum.errors import DamagedInput
from requorum.formats.snap import Snap
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.segment_as_read import SegmentAsRead
from requorum.inspection.member_log import MemberLog
from requorum.inspection.membership import Membership, membership_of


@dataclass(frozen=True, slots=True)
class SnapFile:
    """A file that ends with .snap: its content, or why it cannot be read."""

    name: str
    size: int
    snap: Snap | None
    damage: str | None


@dataclass(frozen=True, slots=True)
class LogFacts:
    """The segments, as etcd reads them and as this program does, and the .wal files beside them.

    `misnamed` are files that end with .wal and whose name says no place in the log. The entries
    in `log` are kept without their content, but for those that change the members or set the
    cluster's version. `spans` are the lowest and highest index of the entries in a segment, by its
    name: of all that can be read. `versions` are those that the cluster was set to, by the entry's
    index.
    """

    segments: tuple[SegmentAsRead, ...]
    log: MemberLog
    misnamed: tuple[str, ...] = ()
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    versions: Mapping[int, str] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Return whether etcd takes the directory for one that has a log."""
        return bool(self.segments or self.misnamed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everything that decides how etcd starts. A database or snapshot that is None is missing.

    `snap_dbs` are the whole databases that a leader sent, by their index. `litter` are the names
    in the snap directory that etcd removes when it starts. `in_use`: a process holds the database
    or the log.
    """

    log: LogFacts
    database: DatabaseFacts | None = None
    snaps: tuple[SnapFile, ...] = ()
    snap_dbs: Mapping[int, DatabaseFacts]
    litter: tuple[str, ...] = ()
    has_member: bool = True
    has_proxy: bool = False
    in_use: bool = False

    @property
    def empty(self) -> bool:
        """Return whether there is neither log, database nor snapshot."""
        return not (self.log.present or self.database or self.snaps or self.snap_dbs)

    @property
    def membership(self) -> Membership | None:
        """Return the members that snapshots and log give, None where they do not say."""
        snaps = [file.snap for file in self.snaps if file.snap is not None]
        try:
            return membership_of(snaps, self.log.log.entries)
        except DamagedInput:
            return None

    @property
    def member_id(self) -> int | None:
        """Return the ID under which this directory takes part in Raft."""
        metadata = self.log.log.metadata
        return metadata.node_id if metadata is not None else None

    @property
    def single(self) -> bool:
        """Return whether there is one voter alone, so that all that its log holds is committed."""
        membership = self.membership
        if membership is not None:
            return len(membership.voters) == 1
        state = self.database.state if self.database is not None else None
        return state is not None and sum(not m.is_learner for m in state.members) == 1
