"""Small reads of a file far away, from blocks that are kept: a page is read many times over."""

from collections import OrderedDict
from collections.abc import Callable

# Choosing a survivor reads some thirty places of its database.
BLOCK_BYTES = 16 << 10

_AHEAD_MAX_BLOCKS = 64
_KEPT_MAX_BLOCKS = 1024
_LARGE_BLOCKS = 64

Fetch = Callable[[int, int], bytes]
"""(offset, length) -> exactly those bytes."""


class ReadAhead:
    """Reads through `fetch`. Who reads on where the last read ended is given twice as much ahead.

    What is larger than a megabyte is fetched as it is, and not kept; what is kept is bounded.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        self._fetch = fetch
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._expected = -1
        self._ahead = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes [offset, offset + length), which must lie within the size."""
        if length == 0:
            return b""
        first, end = offset // BLOCK_BYTES, -(-(offset + length) // BLOCK_BYTES)
        if end - first > _LARGE_BLOCKS:
            return self._fetch(offset, length)
        # The page that was read last is often read again; then nothing is known of the way.
        if first == self._expected:
            self._ahead = min(max(1, 2 * self._ahead), _AHEAD_MAX_BLOCKS)
        elif end != self._expected:
            self._ahead = 0
        self._expected = end
        self._load(first, end)
        start = offset - first * BLOCK_BYTES
        return b"".join(self._kept[n] for n in range(first, end))[start : start + length]

    def _load(self, first: int, end: int) -> None:
        """Keep the blocks [first, end) as the newest; fetch what is missing, and more ahead."""
        missing = [n for n in range(first, end) if n not in self._kept]
        if missing:
            self._fetch_from(missing[0], end)
        for number in range(first, end):
            self._kept.move_to_end(number)
        while len(self._kept) > _KEPT_MAX_BLOCKS:
            self._kept.popitem(last=False)

    def _fetch_from(self, first: int, end: int) -> None:
        begin = first * BLOCK_BYTES
        length = min((end + self._ahead) * BLOCK_BYTES, self._size) - begin
        data = memoryview(self._fetch(begin, length))
        for start in range(0, length, BLOCK_BYTES):
            self._kept[first + start // BLOCK_BYTES] = bytes(data[start : start + BLOCK_BYTES])
