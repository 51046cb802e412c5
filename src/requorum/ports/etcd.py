"""One endpoint's gRPC API, and what it answers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from requorum.domain.ids import ClusterId, MemberId


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """etcd's header of every response."""

    cluster_id: ClusterId
    member_id: MemberId
    revision: int
    raft_term: int


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """The answer to Maintenance.Status. Sizes in bytes; None where that version has no field."""

    header: ResponseHeader
    version: str
    leader: MemberId | None
    raft_term: int
    raft_index: int
    raft_applied_index: int
    is_learner: bool
    db_size: int
    db_size_in_use: int
    errors: tuple[str, ...]
    storage_version: str | None = None
    db_size_quota: int | None = None


@dataclass(frozen=True, slots=True)
class ListedMember:
    """One row of Cluster.MemberList."""

    id: MemberId
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key as a read returns it."""

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int


@dataclass(frozen=True, slots=True)
class RangeResult:
    """The answer to KV.Range."""

    header: ResponseHeader
    kvs: tuple[KeyValue, ...]
    more: bool
    count: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition of a transaction: key's `target` `result` `operand`."""

    key: bytes
    target: Literal["version", "create_revision", "mod_revision", "value", "lease"]
    result: Literal["equal", "greater", "less", "not_equal"]
    operand: int | bytes


@dataclass(frozen=True, slots=True)
class PutOp:
    """A put, alone or inside a transaction."""

    key: bytes
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class DeleteOp:
    """A delete, alone or inside a transaction; `range_end` as in KV.DeleteRange."""

    key: bytes
    range_end: bytes = b""


@dataclass(frozen=True, slots=True)
class TxnResult:
    """The answer to KV.Txn."""

    header: ResponseHeader
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """A raised alarm and the member that it names."""

    member_id: MemberId
    kind: Literal["NOSPACE", "CORRUPT"]


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The answer to Lease.LeaseTimeToLive; `ttl` in seconds, -1 when the lease is gone."""

    id: int
    ttl: int
    granted_ttl: int
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class HashKv:
    """The answer to Maintenance.HashKV: comparable only as the whole triple."""

    hash: int
    compact_revision: int
    revision: int


class Etcd(Protocol):
    """The gRPC API of one endpoint.

    Raises Unreachable when nothing answers, DeadlineExceeded when it answers too late, EtcdError
    with etcd's own text when it answers with an error.
    """

    @property
    def endpoint(self) -> str:
        """Return the client URL."""
        ...

    async def status(self, *, deadline: float) -> MemberStatus:
        """Ask for Maintenance.Status; works without a leader."""
        ...

    async def members(
        self, *, deadline: float, linearizable: bool = True
    ) -> tuple[ListedMember, ...]:
        """Ask for Cluster.MemberList."""
        ...

    async def add_member(
        self, peer_urls: Sequence[str], *, learner: bool, deadline: float
    ) -> ListedMember:
        """Add a member that will serve at these peer URLs; return its row, its name still empty."""

    async def promote_member(self, member: MemberId, *, deadline: float) -> None:
        """Make a learner a voter; etcd refuses while the learner lags."""

    async def remove_member(self, member: MemberId, *, deadline: float) -> None:
        """Remove a member for good: its ID never comes back, and its data becomes useless."""

    async def update_member(
        self, member: MemberId, peer_urls: Sequence[str], *, deadline: float
    ) -> None:
        """Change where its peers reach a member."""

    async def move_leader(self, target: MemberId, *, deadline: float) -> None:
        """Hand the leadership to `target`. Only the leader itself can be asked."""

    async def get(
        self,
        key: bytes,
        *,
        deadline: float,
        range_end: bytes = b"",
        revision: int = 0,
        limit: int = 0,
        serializable: bool = False,
        keys_only: bool = False,
        count_only: bool = False,
    ) -> RangeResult:
        """Ask for KV.Range; linearizable unless told otherwise."""
        ...

    async def put(self, op: PutOp, *, deadline: float) -> ResponseHeader:
        """Put one key."""
        ...

    async def delete(self, op: DeleteOp, *, deadline: float) -> tuple[ResponseHeader, int]:
        """Delete; also return how many keys were deleted."""
        ...

    async def txn(
        self,
        compare: Sequence[Compare],
        success: Sequence[PutOp | DeleteOp],
        failure: Sequence[PutOp | DeleteOp],
        *,
        deadline: float,
    ) -> TxnResult:
        """Run one transaction."""
        ...

    async def compact(self, revision: int, *, physical: bool, deadline: float) -> None:
        """Compact the history up to `revision`."""
        ...

    async def grant_lease(self, ttl: int, *, lease_id: int = 0, deadline: float) -> int:
        """Grant a lease of `ttl` seconds; return its id."""
        ...

    async def revoke_lease(self, lease_id: int, *, deadline: float) -> ResponseHeader:
        """Revoke a lease and delete its keys."""
        ...

    async def lease_state(self, lease_id: int, *, deadline: float) -> LeaseState:
        """Ask for Lease.LeaseTimeToLive with its keys."""
        ...

    async def alarms(self, *, deadline: float) -> tuple[Alarm, ...]:
        """Return the raised alarms."""
        ...

    async def disarm(self, alarm: Alarm, *, deadline: float) -> None:
        """Take back one raised alarm. No error where it is not raised."""

    async def hash_kv(self, revision: int, *, deadline: float) -> HashKv:
        """Ask for Maintenance.HashKV at a revision, 0 for the current one."""
        ...

    def snapshot(self, *, deadline: float) -> AsyncIterator[bytes]:
        """Stream Maintenance.Snapshot: the database, and its SHA-256 as the last 32 bytes."""
        ...

    async def close(self) -> None:
        """Close the channel. No error when it is closed already."""
        ...
