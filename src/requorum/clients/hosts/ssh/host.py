"""`requorum.ports.host.Host` for a machine that is reached over SSH."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from requorum.clients.hosts.ssh import (
    downloads,
    remote_files,
    remote_locks,
    remote_process,
    remote_run,
    uploads,
)
from requorum.clients.hosts.ssh.connection import Connection
from requorum.clients.hosts.ssh.destination import Destination, SshSettings
from requorum.clients.hosts.ssh.forwarding import Forwarding
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_ports import free_ports
from requorum.clients.hosts.ssh.remote_process import RemoteProcess
from requorum.clients.hosts.ssh.remote_rename import rename
from requorum.clients.hosts.ssh.remote_shell import RemoteShell
from requorum.clients.hosts.ssh.remote_source import RemoteSource, open_source
from requorum.clients.hosts.ssh.sftp import Sftp
from requorum.ports.host import Completed, Disk, FileStat


class SshHost:
    """A machine behind an sshd. Nothing is connected before the first call; `close` ends it all.

    Every call raises Unreachable where the connection cannot be opened or is cut under it, and
    NotPermitted where we may not.
    """

    def __init__(self, name: str, destination: str, settings: SshSettings) -> None:
        self._connection = Connection(name, Destination.parse(destination), settings)
        self._shell = RemoteShell(self._connection)
        self._questions = Questions(self._shell)
        self._sftp = Sftp(self._shell)
        self._forwarding = Forwarding(self._connection)

    def __repr__(self) -> str:
        return f"SshHost({self.name!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def name(self) -> str:
        """Return the name that the cluster file gives it."""
        return self._connection.name

    async def run(
        self,
        argv: Sequence[str],
        *,
        deadline: float,
        env: Mapping[str, str] | None = None,
        dies_with_us: bool = False,
    ) -> Completed:
        """Run until the command itself exits; at the deadline its process group is killed."""
        return await remote_run.run(
            self._shell,
            self._questions,
            argv,
            deadline=deadline,
            env=env,
            dies_with_us=dies_with_us,
        )

    async def spawn(
        self, argv: Sequence[str], *, log: str, env: Mapping[str, str] | None = None
    ) -> RemoteProcess:
        """Start in the background; it is killed when the host has not heard of us for 30 s."""
        return await remote_process.spawn(self._shell, self._questions, argv, log=log, env=env)

    async def free_ports(self, count: int) -> tuple[int, ...]:
        """Return loopback TCP ports that nobody listens on at this moment."""
        return await free_ports(self._questions, count)

    async def stat(self, path: str) -> FileStat | None:
        """Return what `path` is (symbolic links followed), None where nothing is."""
        return await remote_files.stat(self._questions, path)

    async def real_path(self, path: str) -> str:
        """Return the path with every symbolic link followed; what does not exist stays as it is."""
        return await remote_files.real_path(self._questions, path)

    async def list_dir(self, path: str) -> tuple[str, ...] | None:
        """Return the sorted names in the directory, None where there is none."""
        return await remote_files.list_dir(self._questions, path)

    def open(self, path: str) -> AbstractAsyncContextManager[RemoteSource]:
        """Open a file for random reading, in a thread; its size is the size at opening."""
        return open_source(self._sftp, self.name, path)

    async def disk(self, path: str) -> Disk:
        """Return the file system that holds `path`, or its nearest existing parent."""
        return await remote_files.disk(self._questions, path)

    async def make_dirs(self, path: str, *, mode: int = 0o700) -> None:
        """Create the directory and its missing parents; no error when it exists."""
        await remote_files.make_dirs(self._questions, path, mode)

    async def rename(self, source: str, target: str) -> None:
        """Rename and fsync both parents. Refuses when `target` exists, whatever it is."""
        await rename(self._questions, self._sftp, source, target)

    async def write_new(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """Write a whole file: new name, fsync, rename, fsync the folder. Replaces a file."""
        await uploads.write_new(self._shell, path, data, mode)

    async def write_at(self, path: str, offset: int, data: bytes) -> None:
        """Write into an existing file of our own making, then fsync it."""
        await uploads.write_at(self._questions, path, offset, data)

    async def sync_tree(self, path: str) -> None:
        """Sync every file and directory below `path`, and `path` itself."""
        await remote_files.sync_tree(self._questions, path)

    async def chown_tree(self, path: str, uid: int, gid: int) -> None:
        """Give `path` and all below it to that owner; nothing to do when it already has it."""
        await remote_files.chown_tree(self._questions, path, uid, gid)

    async def in_use(self, path: str) -> bool:
        """Return whether a process holds a lock on that file, as etcd does on its db and WAL."""
        return await remote_locks.in_use(self._questions, path)

    def lock(self, path: str, *, holder: str) -> AbstractAsyncContextManager[None]:
        """Hold an exclusive lock, given back when we die or were not heard for 30 s."""
        return remote_locks.lock(self._shell, path, holder)

    def read_stream(self, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a file to be read whole, chunk after chunk."""
        return downloads.read_stream(self._shell, path)

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
        """Write a new file durably, and only if it has that size and digest."""
        await uploads.write_stream(
            self._shell, path, chunks, size=size, sha256=sha256, mode=mode, on_bytes=on_bytes
        )

    async def sha256(self, path: str, *, deadline: float) -> str:
        """Return the SHA-256 of a file in hex."""
        return await remote_files.sha256(self._questions, path, deadline)

    async def forward(self, host: str, port: int) -> tuple[str, int]:
        """Return a loopback address of ours that leads to one that the host sees."""
        return await self._forwarding.to(host, port)

    async def close(self) -> None:
        """End the connection, and with it what was started by it. No error when it is closed."""
        await self._forwarding.close()
        await self._sftp.drop()
        await self._questions.close()
        await self._connection.close()
