"""A record's place in history as one number: its main revision, then its sub revision.

Millions of records are compared, merged and searched; one column of numbers does that best.
"""

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, Mask

SUB_BITS = 22
MAIN_MAX = (1 << (64 - SUB_BITS)) - 2
"""Ten thousand writes a second reach it after fourteen years. What lies beyond is damage."""
SUB_MAX = (1 << SUB_BITS) - 1
"""Four million changes in one transaction; a database that full has no room for their values."""

_SUB_BITS = np.uint64(SUB_BITS)
_SUB_MASK = np.uint64(SUB_MAX)

FIRST_WRITE = 2
"""The revision of the first write: an empty store stands at 1."""


def place_of(main: int, sub: int = 0) -> int:
    """Return the place of one revision."""
    return main << SUB_BITS | sub


def main_of(place: int) -> int:
    """Return the main revision of a place."""
    return place >> SUB_BITS


def sub_of(place: int) -> int:
    """Return the sub revision of a place."""
    return place & SUB_MAX


def places(main: U64, sub: U64) -> U64:
    """Return the places of revisions that are `in_reach`."""
    packed: U64 = (main << _SUB_BITS) | sub
    return packed


def in_reach(main: U64, sub: U64) -> Mask:
    """Return which revisions have a place."""
    fine: Mask = (main <= MAIN_MAX) & (sub <= SUB_MAX)
    return fine


def mains(column: U64) -> I64:
    """Return the main revisions of many places."""
    return (column >> _SUB_BITS).astype(np.int64)


def subs(column: U64) -> I64:
    """Return the sub revisions of many places."""
    return (column & _SUB_MASK).astype(np.int64)
