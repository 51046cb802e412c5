"""Random access to bytes, wherever they are.

The same reader serves a mapped local file, a remote file over SFTP, and a ranged read of an
object in a store; so a format asks for the few bytes it needs and never for a path.
"""

from typing import Protocol

from requorum.errors import DamagedInput


class Source(Protocol):
    """Bytes that can be read at any place.

    `read` returns exactly `length` bytes, as a read-only view that stays valid while the source
    is open. It raises `DamagedInput` where the range does not lie within `size`: a format that
    follows an offset out of a damaged file gets an error with its place, not a short read.
    """

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        ...

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes [offset, offset + length)."""
        ...


class BufferSource:
    """A source over bytes in memory, or over a mapping of a file."""

    def __init__(self, buffer: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(buffer).toreadonly().cast("B")

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return len(self._view)

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes [offset, offset + length); DamagedInput outside of the buffer."""
        check_range(self.size, offset, length)
        return self._view[offset : offset + length]


class Head:
    """The first bytes of another source."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = min(size, source.size)

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self._size

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes [offset, offset + length); DamagedInput outside of the head."""
        check_range(self._size, offset, length)
        return self._source.read(offset, length)


class CountingSource:
    """Another source, and what was asked of it: `reads` calls for `bytes_read` bytes in all.

    For those who must show that they do well on a file far away.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.reads = 0
        self.bytes_read = 0

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes [offset, offset + length), and count them."""
        view = self._source.read(offset, length)
        self.reads += 1
        self.bytes_read += len(view)
        return view


def check_range(size: int, offset: int, length: int) -> None:
    """Raise DamagedInput unless [offset, offset + length) lies within [0, size)."""
    if offset < 0 or length < 0 or offset + length > size:
        raise DamagedInput(
            f"bytes {offset} to {offset + length} lie outside of the {size} there are"
        )
