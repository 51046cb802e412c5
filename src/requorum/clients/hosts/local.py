"""`requorum.ports.host.Host` for the machine that we run on."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from requorum.clients.hosts import (
    local_files,
    local_locks,
    local_processes,
    local_streams,
)
from requorum.clients.hosts.local_processes import LocalProcess
from requorum.clients.hosts.local_source import FileSource
from requorum.ports.host import Completed, Disk, FileStat


class LocalHost:
    """This machine. What may wait for a disk runs in a thread."""

    def __init__(self, name: str = "local") -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"LocalHost({self._name!r})"

    @property
    def name(self) -> str:
        """Return the name that the cluster file gives it."""
        return self._name

    async def run(
        self,
        argv: Sequence[str],
        *,
        deadline: float,
        env: Mapping[str, str] | None = None,
        dies_with_us: bool = False,
    ) -> Completed:
        """Run until the command itself exits; at the deadline its process group is killed."""
        return await local_processes.run(
            argv, deadline=deadline, env=env, dies_with_us=dies_with_us
        )

    async def spawn(
        self, argv: Sequence[str], *, log: str, env: Mapping[str, str] | None = None
    ) -> LocalProcess:
        """Start in the background; the kernel kills it when we die, by SIGKILL too."""
        return local_processes.spawn(argv, log=log, env=env)

    async def free_ports(self, count: int) -> tuple[int, ...]:
        """Return loopback TCP ports that nobody listens on at this moment."""
        return local_processes.free_ports(count)

    async def stat(self, path: str) -> FileStat | None:
        """Return what `path` is (symbolic links followed), None where nothing is."""
        return await asyncio.to_thread(local_files.stat, path)

    async def real_path(self, path: str) -> str:
        """Return the path with every symbolic link followed; what does not exist stays as it is."""
        return await asyncio.to_thread(os.path.realpath, path)

    async def list_dir(self, path: str) -> tuple[str, ...] | None:
        """Return the sorted names in the directory, None where there is none."""
        return await asyncio.to_thread(local_files.list_dir, path)

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[FileSource]:
        """Open a file for random reading; its size is the size at opening."""
        source = await asyncio.to_thread(FileSource, path)
        try:
            yield source
        finally:
            source.close()

    async def disk(self, path: str) -> Disk:
        """Return the file system that holds `path`, or its nearest existing parent."""
        return await asyncio.to_thread(local_files.disk, path)

    async def make_dirs(self, path: str, *, mode: int = 0o700) -> None:
        """Create the directory and its missing parents; no error when it exists."""
        await asyncio.to_thread(local_files.make_dirs, path, mode)

    async def rename(self, source: str, target: str) -> None:
        """Rename and fsync both parents. Refuses when `target` exists, whatever it is."""
        await asyncio.to_thread(local_files.rename, source, target)

    async def write_new(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """Write a whole file: new name, fsync, rename, fsync the folder. Replaces a file."""
        await asyncio.to_thread(local_files.write_new, path, data, mode)

    async def write_at(self, path: str, offset: int, data: bytes) -> None:
        """Write into an existing file of our own making, then fsync it."""
        await asyncio.to_thread(local_files.write_at, path, offset, data)

    async def sync_tree(self, path: str) -> None:
        """Sync every file and directory below `path`, and `path` itself."""
        await asyncio.to_thread(local_files.sync_tree, path)

    async def chown_tree(self, path: str, uid: int, gid: int) -> None:
        """Give `path` and all below it to that owner; nothing to do when it already has it."""
        await asyncio.to_thread(local_files.chown_tree, path, uid, gid)

    async def in_use(self, path: str) -> bool:
        """Return whether a process holds a lock on that file, as etcd does on its db and WAL."""
        return await asyncio.to_thread(local_locks.in_use, path)

    def lock(self, path: str, *, holder: str) -> AbstractAsyncContextManager[None]:
        """Hold an exclusive lock, freed by the kernel if we die."""
        return local_locks.lock(path, holder)

    def read_stream(self, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a file to be read whole, chunk after chunk."""
        return local_streams.read_stream(path)

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
        await local_streams.write_stream(
            path, chunks, size=size, sha256=sha256, mode=mode, on_bytes=on_bytes
        )

    async def save_stream(
        self,
        path: str,
        chunks: AsyncIterator[bytes],
        *,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Write a new file of whatever comes, durably."""
        await local_streams.save_stream(path, chunks, on_bytes=on_bytes)

    async def sha256(self, path: str, *, deadline: float) -> str:
        """Return the SHA-256 of a file in hex."""
        return await local_streams.sha256(path, deadline)

    async def forward(self, host: str, port: int) -> tuple[str, int]:
        """Return the address itself: we see what this machine sees."""
        return host, port

    async def close(self) -> None:
        """Do nothing: nothing is held open."""
