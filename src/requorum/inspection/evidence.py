"""What is known of one member, read-only, before anything is decided."""

from dataclasses import dataclass

from requorum.domain.ids import ClusterId, MemberId
from requorum.formats.backend import BackendState
from requorum.formats.snap import Snap
from requorum.inspection.alignment import Alignment
from requorum.inspection.member_log import MemberLog


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseEvidence:
    """What `member/snap/db` is. `damages` are the pages' faults, `state` what the buckets say.

    `alignment` is the comparison with the log that would win an election, None where the two do
    not overlap. `content` is a hash over the keys at a revision that all databases hold, for
    telling the odd one out; None where it was not computed. `supersedes_log` says that it applied
    an entry of a later term than any log has: no log continues it, and it knows better.
    `claimed_index` is the consistent index of a damaged one: no base, but a reason to doubt those
    who end before it. `stranger` says why it is not this cluster's, None where nothing speaks so.
    """

    size: int
    damages: tuple[str, ...] = ()
    state: BackendState | None = None
    alignment: Alignment | None = None
    supersedes_log: bool = False
    claimed_index: int = 0
    stranger: str | None = None
    content: int | None = None

    @property
    def readable(self) -> bool:
        """Return whether every page is sound and the buckets say where it stands."""
        return not self.damages and self.state is not None and self.stranger is None

    @property
    def index(self) -> int:
        """Return the consistent index: the last log entry that is in it."""
        return self.state.consistent_index if self.state else 0

    @property
    def revision(self) -> int:
        """Return the revision of its key space."""
        return self.state.current_revision if self.state else 0

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why it cannot be believed; empty when it can."""
        if self.damages:
            return self.damages
        if self.stranger is not None:
            return (self.stranger,)
        if self.state is None:
            return ("it holds none of etcd's buckets",)
        if self.alignment is not None and self.alignment.contradiction is not None:
            return (f"it contradicts the log: {self.alignment.contradiction.what}",)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberEvidence:
    """Everything that one member's host and files tell.

    `running` is what the service says; `in_use` is whether a process holds the db or a WAL open.
    `unreadable` says why nothing could be read (a disk that fails), None when it could.
    """

    name: str
    running: bool = False
    in_use: bool = False
    unreadable: str | None = None
    log: MemberLog | None = None
    database: DatabaseEvidence | None = None
    snaps: tuple[Snap, ...] = ()
    snap_damages: tuple[str, ...] = ()

    @property
    def member_id(self) -> MemberId | None:
        """Return the ID under which this directory takes part in Raft."""
        if self.log is None or self.log.metadata is None:
            return None
        return MemberId(self.log.metadata.node_id)

    @property
    def cluster_id(self) -> ClusterId | None:
        """Return the cluster that this directory belongs to."""
        if self.log is None or self.log.metadata is None:
            return None
        return ClusterId(self.log.metadata.cluster_id)

    @property
    def empty(self) -> bool:
        """Return whether there is nothing at all: the disk was lost, or it never was a member."""
        return self.log is None and self.database is None and not self.snaps
