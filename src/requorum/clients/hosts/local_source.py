"""A file of this machine as a `Source`.

A mapping kills the whole process (SIGBUS) where the disk cannot be read, and where etcd cuts a WAL
segment to its real length meanwhile: damage that we are here for. So a read copies. Only ranges
too large for that, whole dbs, are mapped, after each of their bytes was read once; etcd never
shortens a db in place.
"""

import mmap
import os
from stat import S_ISREG

from requorum.clients.hosts.local_files import path_errors
from requorum.errors import DamagedInput, RequorumError
from requorum.formats.source import check_range

# One read(2) moves at most 2 GiB less a page; what is larger takes more than one.
_READ_MAX = 1 << 30

# More than a WAL segment ever has: 64 MB, and the records of one write beyond.
_MAP_MIN = 128 << 20
_PROOF_BYTES = 1 << 20


class FileSource:
    """Random reads of one open file; `size` is its size at opening.

    Each view owns its bytes, or keeps its mapping alive: it stays valid after the source is closed.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with path_errors(path):
            # A fifo would keep us waiting for a writer.
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(self._fd)
        if not S_ISREG(status.st_mode):
            self.close()
            raise RequorumError(f"{path} is not a regular file")
        self._size = status.st_size

    @property
    def size(self) -> int:
        """Return the number of bytes at opening."""
        return self._size

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes [offset, offset + length).

        DamagedInput outside of the file, where the disk cannot be read, and where the file has
        become shorter since.
        """
        check_range(self._size, offset, length)
        if self._fd < 0:
            raise ValueError(f"read of {self._path} after it was closed")
        if length >= _MAP_MIN:
            self._prove_readable(offset, length)
            return self._map()[offset : offset + length]
        data = self._read_some(offset, length)
        if len(data) == length:
            return memoryview(data)
        return memoryview(self._read_on(data, offset, length)).toreadonly()

    def close(self) -> None:
        """Close the file. No error when it is closed already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_on(self, begun: bytes, offset: int, length: int) -> bytearray:
        data = bytearray(begun)
        while len(data) < length:
            more = self._read_some(offset + len(data), length - len(data))
            data += self._there(more)
        return data

    def _prove_readable(self, offset: int, length: int) -> None:
        end = offset + length
        while offset < end:
            data = self._read_some(offset, min(end - offset, _PROOF_BYTES))
            offset += len(self._there(data))

    def _map(self) -> memoryview:
        """Map the file; the kernel unmaps it when the last view of it is gone."""
        try:
            return memoryview(mmap.mmap(self._fd, self._size, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise DamagedInput(f"{self._path} cannot be mapped: {error}") from error

    def _there(self, data: bytes) -> bytes:
        if not data:
            raise DamagedInput(f"{self._path} became shorter while it was read")
        return data

    def _read_some(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._fd, min(length, _READ_MAX), offset)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise DamagedInput(f"{self._path}, byte {offset}: {reason}") from error
