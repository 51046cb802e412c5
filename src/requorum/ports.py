"""What floors 4 to 6 see of the world: protocols that `requorum.clients` fulfils.

Every call that leaves the process takes a `deadline` in seconds and raises `DeadlineExceeded`
when it passes. Nothing here removes a file: data is renamed, never removed.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from requorum.domain.ids import ClusterId, MemberId
from requorum.formats.source import Source


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended by itself. Output is decoded as UTF-8 with replacement."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class FileStat:
    """What a host says of one path. `size` in bytes, `mtime_ns` in ns since the epoch."""

    kind: Literal["file", "dir", "other"]
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    is_mount_point: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of a host: what tells it from others there, and what we may still write."""

    filesystem: str
    free: int


class Spawned(Protocol):
    """A process that we started and that only we end."""

    @property
    def pid(self) -> int:
        """Return its process id on its host."""
        ...

    async def returncode(self) -> int | None:
        """Return its exit status, or None while it runs. Negative: the signal that ended it."""
        ...

    async def kill(self) -> None:
        """End it with SIGKILL and wait until it is gone. No error when it already is."""
        ...


class Host(Protocol):
    """A machine that members live on. Paths are absolute paths there.

    Commands are argument lists; no shell sees them unless the list itself names one.
    A path that is not what the call needs raises RequorumError with the path in its message.
    """

    @property
    def name(self) -> str:
        """Return the name that the cluster file gives it."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        deadline: float,
        env: Mapping[str, str] | None = None,
        dies_with_us: bool = False,
    ) -> Completed:
        """Run to the end; `env` is added to the host's own. A non-zero exit is no error here.

        `env` can be seen in the host's list of processes. A negative exit status is the signal
        that ended the command.

        `dies_with_us` is for a tool that writes files: it must not go on once nobody waits for it.
        """
        ...

    async def spawn(
        self, argv: Sequence[str], *, log: str, env: Mapping[str, str] | None = None
    ) -> Spawned:
        """Start in the background, stdout and stderr appended to the file `log`.

        It is killed when we die. Our own ETCD_* variables are not handed on: they would be flags.
        """
        ...

    async def free_ports(self, count: int) -> tuple[int, ...]:
        """Return loopback TCP ports that nobody listens on at this moment."""
        ...

    async def stat(self, path: str) -> FileStat | None:
        """Return what `path` is (symbolic links followed), None where nothing is."""
        ...

    async def real_path(self, path: str) -> str:
        """Return the path with every symbolic link followed; what does not exist stays as it is."""
        ...

    async def list_dir(self, path: str) -> tuple[str, ...] | None:
        """Return the sorted names in the directory, None where there is none."""
        ...

    def open(self, path: str) -> AbstractAsyncContextManager[Source]:
        """Open a file for random reading; its size is the size at opening.

        The source is to be read in another thread than the event loop's, which a file far away
        needs for its bytes to come.
        """
        ...

    async def disk(self, path: str) -> Disk:
        """Return the file system that holds `path`, or its nearest existing parent."""
        ...

    async def make_dirs(self, path: str, *, mode: int = 0o700) -> None:
        """Create the directory and its missing parents; no error when it exists."""
        ...

    async def rename(self, source: str, target: str) -> None:
        """Rename and fsync both parents. Refuses when `target` exists, whatever it is."""
        ...

    async def write_new(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """Write a whole file: new name, fsync, rename, fsync the folder. Replaces a file."""
        ...

    async def write_at(self, path: str, offset: int, data: bytes) -> None:
        """Write into an existing file of our own making, then fsync it."""
        ...

    async def sync_tree(self, path: str) -> None:
        """Make every file and directory below `path`, and `path` itself, durable with fsync."""
        ...

    async def chown_tree(self, path: str, uid: int, gid: int) -> None:
        """Give `path` and all below it to that owner; nothing to do when it already has it."""
        ...

    async def in_use(self, path: str) -> bool:
        """Return whether a process holds a lock on that file, as etcd does on its db and WAL.

        NotPermitted where we cannot know.
        """
        ...

    def lock(self, path: str, *, holder: str) -> AbstractAsyncContextManager[None]:
        """Hold an exclusive lock, freed by the kernel if we die.

        `holder` is written into the lock file, so that the other side's `Locked` error can name
        who holds it. The file is removed when the lock is given back: it is ours, not data.
        """
        ...

    def read_stream(self, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a file to be read whole, in chunks of whatever size."""
        ...

    async def write_stream(
        self,
        path: str,
        chunks: AsyncIterator[bytes],
        *,
        size: int,
        sha256: str,
        mode: int = 0o600,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Write a new file: beside its place, fsync, rename, fsync the folder.

        Refused where something is there already, and DamagedInput unless the chunks have that
        size and that SHA-256 (hex); nothing is left of them then. `on_bytes` is told of each
        chunk's length once it is on its way.
        """
        ...

    async def sha256(self, path: str, *, deadline: float) -> str:
        """Return the SHA-256 of a file in hex, computed where the file is."""
        ...

    async def forward(self, host: str, port: int) -> tuple[str, int]:
        """Return an address that we can connect to, and that leads to one which the host sees.

        It leads there until `close`. Unreachable where nothing listens there.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open for this host; it can still be used."""
        ...


class Here(Host, Protocol):
    """The machine that we run on."""

    async def save_stream(
        self,
        path: str,
        chunks: AsyncIterator[bytes],
        *,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Write a new file of whatever comes, as `write_stream` does; nobody knows it before."""
        ...


class ServiceControl(Protocol):
    """How one member is started and stopped on its host."""

    async def running(self) -> bool:
        """Return whether the supervisor says that the member runs."""
        ...

    async def start(self) -> None:
        """Start it; StepFailed with the command's own words when that fails."""
        ...

    async def stop(self) -> None:
        """Stop it and wait until it is gone; StepFailed when it stays."""
        ...


class SettingsControl(Protocol):
    """How a member's settings, by flag name without dashes, are changed for its next start."""

    async def change(self, run: str, settings: Mapping[str, str]) -> None:
        """Set these, and keep what was set before; no change where that is done already."""

    async def put_back(self, run: str) -> None:
        """Set what was set before that run changed it; no change where it changed nothing."""


class Fence(Protocol):
    """What keeps a member from being started, by whomever, and after a reboot, too."""

    async def held_by(self) -> str | None:
        """Return the id of the run whose fence stands, None where none does."""
        ...

    async def put_up(self, run: str, *, stays: bool = False) -> None:
        """Put it up; no change where this run's stands. What runs goes on.

        One that `stays` is not lifted by the run's end, and the next run takes its place.
        StepFailed where another run's stands.
        """
        ...

    async def lift(self, run: str, *, as_before: bool = False) -> None:
        """Take this run's fence away; `as_before` puts back the one whose place it took."""
        ...


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
