"""Whether ranges of two files hold the same bytes, by the million."""

from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import I64, FileBytes, Mask, Rows

_PIECE_SIZE = 1 << 20
"""What is compared, and copied for that, at once: one value may have two gigabytes."""

_ROWS_PER_CHUNK = 1 << 16
"""A Python number takes four times the memory of one in a column."""


@dataclass(frozen=True, slots=True)
class Ranges(Rows):
    """Ranges of bytes of one file, in bytes from its start."""

    offset: I64
    size: I64


def same_bytes(a: FileBytes, ours: Ranges, b: FileBytes, theirs: Ranges) -> Mask:
    """Return per row whether both ranges are equal, byte by byte.

    Rows that follow each other in both files without a gap, as the records of a page do, are
    compared at once, and one by one only where that finds a difference.
    """
    same: Mask = ours.size == theirs.size
    rows = np.flatnonzero(same)
    a_begin, b_begin, size = ours.offset[rows], theirs.offset[rows], ours.size[rows]
    bounds = _runs(a_begin, b_begin, size)
    starts, stops = bounds[:-1], bounds[1:]
    total = a_begin[stops - 1] + size[stops - 1] - a_begin[starts]
    equal = _equal(a, a_begin[starts], b, b_begin[starts], total)
    single = stops - starts == 1
    same[rows[starts[single & ~equal]]] = False
    for run in np.flatnonzero(~single & ~equal).tolist():
        few = slice(int(starts[run]), int(stops[run]))
        same[rows[few]] = _equal(a, a_begin[few], b, b_begin[few], size[few])
    return same


def _runs(a_begin: I64, b_begin: I64, size: I64) -> I64:
    """Return where runs of adjacent rows begin, and the end of the last."""
    if not len(size):
        return np.zeros(1, dtype=np.int64)
    a_gap = a_begin[1:] != a_begin[:-1] + size[:-1]
    b_gap = b_begin[1:] != b_begin[:-1] + size[:-1]
    return np.concatenate([[0], np.flatnonzero(a_gap | b_gap) + 1, [len(size)]])


def _equal(a: FileBytes, a_begin: I64, b: FileBytes, b_begin: I64, size: I64) -> Mask:
    same = np.zeros(len(size), dtype=np.bool_)
    for at in range(0, len(size), _ROWS_PER_CHUNK):
        few = slice(at, at + _ROWS_PER_CHUNK)
        same[few] = _equal_few(a.view, a_begin[few], b.view, b_begin[few], size[few])
    return same


def _equal_few(a: memoryview, a_begin: I64, b: memoryview, b_begin: I64, size: I64) -> list[bool]:
    places = zip(a_begin.tolist(), b_begin.tolist(), size.tolist(), strict=True)
    # Copies, because views are compared an element at a time.
    return [
        bytes(a[at : at + length]) == bytes(b[bt : bt + length])
        if length <= _PIECE_SIZE
        else _equal_in_pieces(a, at, b, bt, length)
        for at, bt, length in places
    ]


def _equal_in_pieces(a: memoryview, a_begin: int, b: memoryview, b_begin: int, size: int) -> bool:
    return all(
        bytes(a[a_begin + done : a_begin + min(done + _PIECE_SIZE, size)])
        == bytes(b[b_begin + done : b_begin + min(done + _PIECE_SIZE, size)])
        for done in range(0, size, _PIECE_SIZE)
    )
