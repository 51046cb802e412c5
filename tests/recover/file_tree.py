"""A directory as one value, so that two moments of it can be compared byte for byte."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_CHUNK = 1 << 16


class Entry(NamedTuple):
    """All that a file or folder is; the content of a folder is in the names of the others."""

    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    sha256: str


def tree_of(root: Path) -> dict[str, Entry]:
    """Return everything below `root`, and `root` itself as "."; empty when there is nothing."""
    if not root.exists():
        return {}
    paths = [root, *root.rglob("*")]
    return {str(path.relative_to(root)): _entry(path) for path in paths}


def _entry(path: Path) -> Entry:
    stat = path.lstat()
    digest = _digest(path) if path.is_file() else ""
    size = stat.st_size if digest else 0
    return Entry(stat.st_mode, stat.st_uid, stat.st_gid, size, stat.st_mtime_ns, digest)


def _digest(path: Path) -> str:
    """Hash every chunk that is not all zeros, with its offset: equal only for equal content."""
    digest = hashlib.sha256()
    fd = os.open(path, os.O_RDONLY)
    try:
        for offset in _written(fd, os.fstat(fd).st_size):
            chunk = os.pread(fd, _CHUNK, offset)
            if chunk.strip(b"\0"):
                digest.update(offset.to_bytes(8, "big") + chunk)
    finally:
        os.close(fd)
    return digest.hexdigest()


def _written(fd: int, size: int) -> Iterator[int]:
    """Yield the offset of each chunk that is not wholly a hole."""
    offset = 0
    while offset < size:
        try:
            begin = os.lseek(fd, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole is left
            return
        offset = begin // _CHUNK * _CHUNK
        yield offset
        offset += _CHUNK
