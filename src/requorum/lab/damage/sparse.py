"""Copy a tree of files, holes as holes.

A WAL segment is allocated 64 MB at a time and is mostly a hole; copied byte by byte it would fill
the disk with zeros.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 20


def copy_tree_sparse(source: Path, target: Path) -> None:
    """Copy the directory `source` to `target`, which must not exist; modes are kept."""
    shutil.copytree(source, target, symlinks=True, copy_function=_copy_file)


def _copy_file(source: str, target: str) -> None:
    with Path(source).open("rb") as reader, Path(target).open("xb") as writer:
        size = os.fstat(reader.fileno()).st_size
        for begin, end in _data_extents(reader.fileno(), size):
            _copy_range(reader.fileno(), writer.fileno(), begin, end)
        writer.truncate(size)
    shutil.copystat(source, target)


def _data_extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield [begin, end) of each run that holds data."""
    end = 0
    while end < size:
        try:
            begin = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        end = os.lseek(fd, begin, os.SEEK_HOLE)
        yield begin, end


def _copy_range(reader: int, writer: int, begin: int, end: int) -> None:
    offset = begin
    while offset < end:
        data = os.pread(reader, min(_CHUNK, end - offset), offset)
        if not data:
            return  # it became shorter meanwhile, as a cut WAL segment does
        os.pwrite(writer, data, offset)
        offset += len(data)
