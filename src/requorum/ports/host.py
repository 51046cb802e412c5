"""A machine that members live on: its files, its commands, its ports."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

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
