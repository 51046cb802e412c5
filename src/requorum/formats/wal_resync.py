"""Finding the next record behind damage, in bounded time.

Frames lie at multiples of 8. The places whose next word looks like the beginning of a record are
collected once, for the whole segment; each search then tries the ones ahead of it in order.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from requorum.formats.wal_records import (
    RECORD_TYPES,
    WORD_LENGTH,
    next_crc,
    parse_frame,
    read_word,
)

_WINDOW_WORDS = 1 << 17
_HEAD_MASK = 0xFF00FF
_HEAD = 0x100008
"""A record begins 08 <type> 10: little-endian, with the type masked out."""

_FAILED_TRIALS_MAX = 200_000
_WASTED_BYTES_MAX = 1 << 30


class Resynchroniser:
    """Searches one segment. It gives up for good once its work, over all searches, is spent.

    Only trials that fail are counted: those that succeed are paid for by the records they find.
    A segment that etcd wrote has a handful of failing places; a hostile one could otherwise
    make each of its eight million words a long checksum.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._heads: NDArray[np.int64] | None = None
        self._failed_trials = 0
        self._wasted_bytes = 0

    @property
    def gave_up(self) -> bool:
        """Return whether there may be records that were not looked for."""
        return self._failed_trials >= _FAILED_TRIALS_MAX or self._wasted_bytes >= _WASTED_BYTES_MAX

    def find(self, start: int) -> int | None:
        """Return the first offset >= `start` at which records can be read again, else None."""
        if self._heads is None:
            self._heads = _record_heads(self._view)
        for head in self._heads[bisect_left(self._heads, start) :]:
            if self.gave_up:
                return None
            if self.resumes_at(int(head)):
                return int(head)
        return None

    def resumes_at(self, offset: int) -> bool:
        """Return whether two frames follow each other there and the second chains to the first.

        A single frame that the log ends behind is believed too: its form alone is eight bytes of
        agreement. It is never called verified.
        """
        first = parse_frame(self._view, offset)
        if first is None or first.type not in RECORD_TYPES:
            return self.failed(0)
        if _log_ends(self._view, first.end):
            return True
        second = parse_frame(self._view, first.end)
        if second is None or second.type not in RECORD_TYPES:
            return self.failed(0)
        if next_crc(self._view, second, first.crc) == second.crc:
            return True
        return self.failed(second.end - second.offset)

    def failed(self, wasted_bytes: int) -> bool:
        """Count a trial that failed after a checksum over so many bytes; return False."""
        self._failed_trials += 1
        self._wasted_bytes += wasted_bytes
        return False


def _log_ends(view: memoryview, offset: int) -> bool:
    if offset + WORD_LENGTH > len(view):
        return offset == len(view)
    return read_word(view, offset) == 0


def _record_heads(view: memoryview) -> NDArray[np.int64]:
    """Return, ascending, the offsets of all words behind which a record seems to begin."""
    words = np.frombuffer(view, dtype="<u8", count=len(view) // WORD_LENGTH)
    found = [np.empty(0, dtype=np.int64)]
    for start in range(1, len(words), _WINDOW_WORDS):
        window = words[start : start + _WINDOW_WORDS]
        heads = np.flatnonzero((window & np.uint64(_HEAD_MASK)) == _HEAD)
        found.append((heads + (start - 1)) * WORD_LENGTH)
    return np.concatenate(found)
