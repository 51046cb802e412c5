"""Of which time everything is known: every change of some revisions, or every record at a place."""

from collections.abc import Iterable, Sequence

import numpy as np

from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.intervals import NO_END, Intervals, Stretch
from requorum.inspection.salvage.places import main_of, place_of, sub_of
from requorum.inspection.salvage.strays import Strays
from requorum.inspection.salvage.witness import Witness


def gaps_of(witness: Witness) -> list[Stretch]:
    """Return the places between rows where records may be lost; the last one may have no end."""
    rows = np.flatnonzero(witness.gap_before)
    place = witness.rows.place
    after = place[rows].tolist()
    before = np.where(rows > 0, place[rows - 1], 0).tolist() if len(place) else []
    gaps = [(a + 1, b - 1) for a, b in zip(before, after, strict=True)]
    if witness.gap_at_end:
        gaps.append((int(place[-1]) + 1 if len(place) else 0, NO_END))
    return gaps


def known_places(witnesses: Sequence[Witness], strays: Iterable[Strays]) -> Intervals:
    """Return the places at which a record would be seen, if it was not compacted away."""
    known: list[Stretch] = []
    for witness in witnesses:
        whole = Intervals.of(gaps_of(witness)).complement(0, place_of(witness.last + 1) - 1)
        known += whole.stretches
    for stray in strays:
        first, last = stray.runs()
        known += zip(first.tolist(), last.tolist(), strict=True)
    return Intervals.of(known)


def known_revisions(witnesses: Sequence[Witness], gathered: Sequence[Gathered]) -> Intervals:
    """Return the main revisions of which every change is known: none can be compacted away.

    A revision at the edge of a gap is not among them: a part of its transaction may be lost.
    """
    known = Intervals(())
    for witness in witnesses:
        compact = witness.least_compact if witness.compact is None else witness.compact
        gaps = Intervals.of(_mains_touched(gap) for gap in gaps_of(witness))
        known |= gaps.complement(max(compact, 1) + 1, witness.last)
    compact = max((w.least_compact for w in witnesses), default=-1)
    if witnesses and any(w.compact is not None for w in witnesses):
        runs = Intervals.of(r for g in gathered for r in _mains_of_runs(g.strays))
        known |= runs & Intervals.of([(max(compact, 1) + 1, NO_END)])
    return known


def _mains_touched(gap: Stretch) -> Stretch:
    """Return the revisions that a gap may hold something of."""
    first, last = gap
    return main_of(first), last if last == NO_END else main_of(last)


def _mains_of_runs(strays: Strays) -> Iterable[Stretch]:
    """Return the revisions of which a run holds all: not its last one, which may go on."""
    first, last = strays.runs()
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        yield main_of(begin) + (sub_of(begin) > 0), main_of(end) - 1
