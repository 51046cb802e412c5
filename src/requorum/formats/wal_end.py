"""Where a segment ends, and whether it ends as a crash leaves it."""

import numpy as np

from requorum.formats.wal_records import WORD_LENGTH, read_word

_WINDOW_WORDS = 1 << 17
_SECTOR_LENGTH = 512


def end_of_data(view: memoryview) -> int:
    """Return the offset behind the last byte that is not zero, rounded up to a whole word."""
    count = len(view) // WORD_LENGTH
    if any(view[count * WORD_LENGTH :]):
        return len(view)
    words = np.frombuffer(view, dtype="<u8", count=count)
    for end in range(count, 0, -_WINDOW_WORDS):
        start = max(end - _WINDOW_WORDS, 0)
        nonzero = np.flatnonzero(words[start:end])
        if len(nonzero):
            return (start + int(nonzero[-1]) + 1) * WORD_LENGTH
    return 0


def is_torn(view: memoryview, offset: int) -> bool:
    """Return whether etcd would take the frame at `offset` for a write that a crash cut short.

    True when it reaches beyond the file, or when a chunk of it between two multiples of 512 is
    all zero: such a sector never reached the disk. A zero length word is a clean end to etcd, so
    what lies behind it is cut too. etcd asks this only in the last segment, and
    cuts the log there. Source: server/storage/wal/decoder.go (isTornEntry, decodeRecord).
    """
    if offset + WORD_LENGTH > len(view):
        return True
    word = read_word(view, offset)
    if word == 0:
        return True
    length = word & ((1 << 56) - 1)
    padding = word >> 56 & 7 if word >> 63 else 0
    start = offset + WORD_LENGTH
    end = start + length + padding
    return end > len(view) or _has_zero_sector(view, start, end)


def _has_zero_sector(view: memoryview, start: int, end: int) -> bool:
    while start < end:
        chunk_end = min(start - start % _SECTOR_LENGTH + _SECTOR_LENGTH, end)
        if not any(view[start:chunk_end]):
            return True
        start = chunk_end
    return False
