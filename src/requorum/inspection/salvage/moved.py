"""Records that a damaged byte has moved within their revision, found by what else is in it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from requorum.formats.bbolt.columns import I64, Mask
from requorum.inspection.salvage.claims import Claims
from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.key_leaves import RecordRows
from requorum.inspection.salvage.places import mains
from requorum.inspection.salvage.witness import Witness


def once_per_revision(records: Claims, prints: I64, copies: I64) -> tuple[Mask, dict[int, int]]:
    """Return which records to keep where one revision seems to change a key twice.

    No transaction does that. A damaged byte has moved one of them: its sub revision stands nowhere
    but in its key. The one with more copies is right, or else the first. Also returns the places
    of the others, with where they belong.
    """
    main = mains(records.place)
    order = np.lexsort((records.place, -copies, prints, main))
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = (main[order][1:] == main[order][:-1]) & (prints[order][1:] == prints[order][:-1])
    kept = np.ones(len(order), dtype=np.bool_)
    kept[order[again]] = False
    moved: dict[int, int] = {}
    for at in np.flatnonzero(again).tolist():
        before = int(records.place[order[at - 1]])
        moved[int(records.place[order[at]])] = moved.get(before, before)
    return kept, moved


def with_moved(witness: Witness, moved: Mapping[int, int]) -> Witness:
    """Put rows where they belong: a tree that has one under a damaged key has it all the same."""
    rows = _moved_rows(witness.rows, moved)
    if rows is witness.rows:
        return witness
    fits = np.append(True, rows.place[1:] > rows.place[:-1])
    return replace(witness, rows=rows.take(fits), gap_before=witness.gap_before[fits])


def strays_with_moved(gathered: Gathered, moved: Mapping[int, int]) -> Gathered:
    """Do the same on pages that no tree reaches: they prove something by what they lack, too."""
    strays = gathered.strays
    rows = _moved_rows(strays.rows, moved)
    if rows is strays.rows:
        return gathered
    ascends = (rows.place[1:] > rows.place[:-1]) | (strays.run[1:] != strays.run[:-1])
    return replace(gathered, strays=replace(strays, rows=rows).take(np.append(True, ascends)))


def _moved_rows(rows: RecordRows, moved: Mapping[int, int]) -> RecordRows:
    wrong = np.flatnonzero(np.isin(rows.place, np.array(sorted(moved), dtype=np.uint64)))
    if not len(wrong):
        return rows
    place = rows.place.copy()
    for row in wrong.tolist():
        place[row] = moved[int(place[row])]
    return replace(rows, place=place)
