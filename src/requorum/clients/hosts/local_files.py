"""Files of this machine: each function blocks, and names the path in its errors."""

import os
import secrets
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISREG
from typing import Literal

from requorum.clients.hosts.mount_points import mount_points
from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import Refused
from requorum.ports.host import Disk, FileStat


def stat(path: str) -> FileStat | None:
    """Return what `path` is, None where nothing is. `mode` holds the permission bits."""
    with path_errors(path):
        try:
            found = Path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileStat(
            kind=_kind(found.st_mode),
            size=found.st_size,
            mtime_ns=found.st_mtime_ns,
            mode=S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
            is_mount_point=os.path.realpath(path) in _mount_points(),
        )


def list_dir(path: str) -> tuple[str, ...] | None:
    """Return the sorted names in the directory, None where nothing is."""
    with path_errors(path):
        try:
            return tuple(sorted(entry.name for entry in Path(path).iterdir()))
        except FileNotFoundError:
            return None


def disk(path: str) -> Disk:
    """Return its file system; root may also use the blocks that are reserved for it."""
    existing = Path(path)
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    with path_errors(path):
        found = os.statvfs(existing)
        device = existing.stat().st_dev
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return Disk(filesystem=f"{device:x}", free=blocks * found.f_frsize)


def make_dirs(path: str, mode: int) -> None:
    """Create the directory and its missing parents, all with `mode`."""
    missing = Path(path)
    parents = [parent for parent in missing.parents if not parent.exists()]
    for directory in (*reversed(parents), missing):
        with path_errors(str(directory)):
            directory.mkdir(mode=mode, exist_ok=True)


def rename(source: str, target: str) -> None:
    """Rename and fsync both parents. Refused when `target` exists.

    Between the look and the rename another process could still put a file there, which would
    then be replaced; a directory that holds anything is never replaced by the kernel. Runs
    hold their lock, and every target is a name of our own making.
    """
    if os.path.lexists(target):
        raise Refused(f"{target} exists already, so {source} was not renamed to it")
    with path_errors(f"{source} -> {target}"):
        Path(source).rename(target)
        for parent in {_parent(source), _parent(target)}:
            sync_directory(parent)


def write_new(path: str, data: bytes, mode: int) -> None:
    """Write a whole file beside `path`, fsync it, rename it to `path`, fsync the folder."""
    folder = _parent(path)
    beside = f"{folder}/.{Path(path).name}.{secrets.token_hex(4)}.tmp"
    with path_errors(path):
        try:
            _write_exclusively(beside, data, mode)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)  # ours, and never whole
            raise
        sync_directory(folder)


def write_at(path: str, offset: int, data: bytes) -> None:
    """Write into an existing file, then fsync it."""
    with path_errors(path):
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            write_all(fd, data, offset)
            os.fsync(fd)
        finally:
            os.close(fd)


def sync_tree(path: str) -> None:
    """Sync `path` and every file and directory below it; links are not followed."""
    with path_errors(path):
        if not Path(path).is_dir():
            _sync_file(path)
            return
        for folder, _, files in os.walk(path, topdown=False, onerror=_raise):
            for name in files:
                _sync_file(f"{folder}/{name}")
            sync_directory(folder)


def chown_tree(path: str, uid: int, gid: int) -> None:
    """Give `path` and all below it to that owner; links themselves, not what they lead to."""
    with path_errors(path):
        _chown(path, uid, gid)
        for folder, directories, files in os.walk(path, onerror=_raise):
            for name in (*directories, *files):
                _chown(f"{folder}/{name}", uid, gid)


def sync_directory(path: str) -> None:
    """Sync a directory, so that the names in it survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`: one pwrite may write less."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written


def _kind(mode: int) -> Literal["file", "dir", "other"]:
    if S_ISREG(mode):
        return "file"
    return "dir" if S_ISDIR(mode) else "other"


def _mount_points() -> frozenset[str]:
    return mount_points(Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape"))


def _parent(path: str) -> str:
    return str(Path(path).parent)


def _write_exclusively(path: str, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)  # the umask took its share
        write_all(fd, data, 0)
        os.fsync(fd)
    finally:
        os.close(fd)


def _sync_file(path: str) -> None:
    # Opening a fifo or a device would do something; only files and directories hold data.
    if not S_ISREG(os.lstat(path).st_mode):
        return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _chown(path: str, uid: int, gid: int) -> None:
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.chown(path, uid, gid, follow_symlinks=False)


def _raise(error: OSError) -> None:
    raise error
