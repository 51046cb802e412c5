"""Locks on files of this machine: whether etcd holds one, and our own."""

import asyncio
import fcntl
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from requorum.clients.hosts.local_files import write_all
from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import Locked

# struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid, padding.
_FLOCK = struct.Struct("=hh4xqqi4x")
_HOLDER_MAX = 4096
_ATTEMPTS = 100


def in_use(path: str) -> bool:
    """Return whether a process holds a lock on that file.

    etcd holds a flock on its db (bbolt) and open-file-description locks on its WAL files, which
    do not see each other. The second can be asked for. For the first a shared lock is taken for
    a moment: an etcd that starts just then waits for 50 ms and tries again.
    Source: bbolt bolt_unix.go, etcd client/pkg/fileutil/lock_linux.go.
    """
    with path_errors(path):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _is_flocked(fd) or _is_range_locked(fd)
        finally:
            os.close(fd)


@asynccontextmanager
async def lock(path: str, holder: str) -> AsyncIterator[None]:
    """Hold an exclusive flock on the file `path`; Locked names who else holds it."""
    fd = await asyncio.to_thread(_acquire, path, holder)
    try:
        yield
    finally:
        _release(path, fd)


def _is_flocked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


def _is_range_locked(fd: int) -> bool:
    """Ask which lock would be in the way of a write lock on the whole file."""
    question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, question)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def _acquire(path: str, holder: str) -> int:
    with path_errors(path):
        for _ in range(_ATTEMPTS):
            fd = _lock_once(path)
            if fd is not None:
                _write_holder(fd, holder)
                return fd
    raise Locked(f"{path} is taken and given back all the time")


def _lock_once(path: str) -> int | None:
    """Return the locked file, None when `path` has become another file since it was opened."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still(path, fd):
            return fd
    except BlockingIOError as error:
        locked = _locked(path, fd)
        os.close(fd)
        raise locked from error
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


def _write_holder(fd: int, holder: str) -> None:
    try:
        os.ftruncate(fd, 0)
        write_all(fd, holder.encode(), 0)
        os.fsync(fd)
    except BaseException:
        os.close(fd)
        raise


def _locked(path: str, fd: int) -> Locked:
    # Empty for the moment between its lock and its first write.
    holder = os.pread(fd, _HOLDER_MAX, 0).decode(errors="replace").strip() or "another process"
    return Locked(
        f"{path} is locked by {holder}",
        hint="Wait until it ends. The lock goes with its process, so never remove the file.",
    )


def _release(path: str, fd: int) -> None:
    """Unlink while the lock is held: whoever opened the file before sees it is gone."""
    try:
        if _is_still(path, fd):
            Path(path).unlink()
    finally:
        os.close(fd)


def _is_still(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(Path(path).lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False
