"""Revisions that damage has changed where nothing but the record's key says them.

A put repeats its main revision in its message, a tombstone does not; and the sub revision stands
nowhere else. But above the compact revision nothing is missing: each main revision is there, and
its changes count from 0. So neighbours on both sides tell what a key must have said.
"""

from dataclasses import replace

import numpy as np

from requorum.formats.bbolt.columns import I64, Mask
from requorum.inspection.salvage.key_leaves import RecordRows
from requorum.inspection.salvage.key_tree import KeyTree
from requorum.inspection.salvage.places import main_of, mains, place_of, places, sub_of
from requorum.inspection.salvage.strays import Strays


def mended_tree(tree: KeyTree, compact: int) -> KeyTree:
    """Return the tree with revisions that can be; what cannot be mended is left out, as a gap."""
    if not len(tree.rows):
        return tree
    rows, gap = _with_right_mains(tree.rows, tree.gap_before, compact)
    return replace(tree, rows=_with_right_subs(rows, gap, compact), gap_before=gap)


def mended_strays(strays: Strays, compact: int) -> Strays:
    """Return the strays without tombstones that their neighbours contradict."""
    if not len(strays.run):
        return strays
    begins = np.append(True, np.diff(strays.run) != 0)
    odd = _jumps(mains(strays.rows.place), begins, compact)
    return strays.take(~(odd & strays.rows.tombstone))


def _jumps(main: I64, gap_before: Mask, compact: int) -> Mask:
    """Return the rows before which a revision is left out although no gap is there."""
    odd = np.zeros(len(main), dtype=np.bool_)
    odd[1:] = (main[1:] > np.maximum(main[:-1], max(compact, 1)) + 1) & ~gap_before[1:]
    return odd


def _with_right_mains(rows: RecordRows, gap_before: Mask, compact: int) -> tuple[RecordRows, Mask]:
    odd = np.flatnonzero(_jumps(mains(rows.place), gap_before, compact)).tolist()
    if not odd:
        return rows, gap_before
    place, gap = rows.place.copy(), gap_before.copy()
    kept = np.ones(len(place), dtype=np.bool_)
    for row in odd:
        if not rows.tombstone[row]:
            gap[row] = True
            continue
        last = row + 1 == len(place) or gap[row + 1]
        right = None if last else _between(int(place[row - 1]), int(place[row + 1]))
        if right is not None:
            place[row] = right
            continue
        kept[row] = False
        if row + 1 < len(place):
            gap[row + 1] = True
    return replace(rows, place=place).take(kept), gap[kept]


def _between(before: int, after: int) -> int | None:
    """Return the one place that there is between two, None where there are none or several."""
    first, last = main_of(before), main_of(after)
    if last == first + 2 and sub_of(after) == 0:
        return place_of(first + 1)
    if last == first + 1:
        return {0: before + 1, 1: place_of(last)}.get(sub_of(after))
    return before + 1 if last == first and after == before + 2 else None


def _with_right_subs(rows: RecordRows, gap_before: Mask, compact: int) -> RecordRows:
    main = mains(rows.place)
    starts = np.flatnonzero(np.append(True, main[1:] != main[:-1]))
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(main))))
    broken = np.logical_or.reduceat(gap_before, starts)[number]
    rank = np.arange(len(main)) - starts[number]
    right = places(main.astype(np.uint64), rank.astype(np.uint64))
    return replace(rows, place=np.where((main > compact) & ~broken, right, rows.place))
