"""A file of this machine as a `Source`.

A mapping kills the whole process (SIGBUS) where the disk cannot be read, and where etcd cuts a WAL
segment to its real length meanwhile: damage that we are here for. So a read copies. Only a file of
which a range too large for that is asked for, a whole db, is mapped, and used once the kernel has
read each of its bytes; etcd never shortens a db in place.
"""

import errno
import mmap
import os
from collections.abc import Iterator
from stat import S_ISREG
from threading import Lock

from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import DamagedInput, RequorumError
from requorum.formats.source import check_range

# One read(2) moves at most 2 GiB less a page; what is larger takes more than one.
_READ_MAX = 1 << 30

# More than a WAL segment ever has: 64 MB, and the records of one write beyond.
_MAP_MIN = 128 << 20

_PROOF_BYTES = 256 << 20
_READ_THROUGH_BYTES = 1 << 20


class FileSource:
    """Random reads of one open file; `size` is its size at opening.

    Each view owns its bytes, or keeps its mapping alive: it stays valid after the source is closed.
    `expendable`: this process may die of what it cannot read, so a mapping needs no proof.
    """

    def __init__(self, path: str, *, expendable: bool = False) -> None:
        self._path = path
        self._expendable = expendable
        with path_errors(path):
            # A fifo would keep us waiting for a writer.
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(self._fd)
        if not S_ISREG(status.st_mode):
            self.close()
            raise RequorumError(f"{path} is not a regular file")
        self._size = status.st_size
        self._mapping: memoryview | None = None
        self._mapping_lock = Lock()

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
        if self._mapping is not None or length >= _MAP_MIN:
            return self._mapped()[offset : offset + length]
        data = self._read_some(offset, length)
        if len(data) == length:
            return memoryview(data)
        return memoryview(self._read_on(data, offset, length)).toreadonly()

    def close(self) -> None:
        """Close the file. No error when it is closed already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self._mapping = -1, None

    def _read_on(self, begun: bytes, offset: int, length: int) -> bytearray:
        data = bytearray(begun)
        while len(data) < length:
            more = self._read_some(offset + len(data), length - len(data))
            data += self._there(more)
        return data

    def _mapped(self) -> memoryview:
        """Return the whole file; the kernel unmaps it when the last view of it is gone."""
        with self._mapping_lock:
            if self._mapping is None:
                if not self._expendable:
                    self._prove_readable()
                self._mapping = memoryview(self._map())
            return self._mapping

    def _map(self) -> mmap.mmap:
        try:
            return mmap.mmap(self._fd, self._size, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise DamagedInput(f"{self._path} cannot be mapped: {error}") from error

    def _prove_readable(self) -> None:
        """Have the kernel read all that lies on the disk; it goes nowhere, so it is not copied.

        A hole reads as zeros: a file may claim a terabyte.
        """
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            for begin, end in self._extents():
                self._send(nowhere, begin, end)
        finally:
            os.close(nowhere)
        if os.fstat(self._fd).st_size < self._size:
            raise self._became_shorter()

    def _send(self, nowhere: int, begin: int, end: int) -> None:
        while begin < end:
            length = min(end - begin, _PROOF_BYTES)
            try:
                sent = os.sendfile(nowhere, self._fd, begin, length)
            except OSError:
                sent = 0
            # It cannot be read, or not in this way: reading it tells, and names the byte.
            begin += sent or self._read_through(begin, length)

    def _extents(self) -> Iterator[tuple[int, int]]:
        """Yield [begin, end) of each run of bytes that are not all a hole."""
        end = 0
        while end < self._size:
            try:
                begin = os.lseek(self._fd, end, os.SEEK_DATA)
                end = os.lseek(self._fd, begin, os.SEEK_HOLE)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    # Holes are not told there.
                    yield end, self._size
                return
            yield begin, min(end, self._size)

    def _read_through(self, offset: int, length: int) -> int:
        end = offset + length
        while offset < end:
            data = self._read_some(offset, min(end - offset, _READ_THROUGH_BYTES))
            offset += len(self._there(data))
        return length

    def _there(self, data: bytes) -> bytes:
        if not data:
            raise self._became_shorter()
        return data

    def _became_shorter(self) -> DamagedInput:
        return DamagedInput(f"{self._path} became shorter while it was read")

    def _read_some(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._fd, min(length, _READ_MAX), offset)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise DamagedInput(f"{self._path}, byte {offset}: {reason}") from error
