"""Trees that are whole and not the ones that should be there.

A damaged pointer may lead to a small old tree in which nothing is wrong. By itself such a file
tells nothing of it; beside another one it does.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.places import FIRST_WRITE, mains
from requorum.inspection.salvage.strays import Strays
from requorum.inspection.salvage.witness import Witness


def without_false_ends(gathered: Sequence[Gathered]) -> list[Gathered]:
    """Let trees that end too early prove nothing by what they lack.

    Who has applied as many log entries as another one, or more, holds as many revisions; who has
    applied fewer lacks no more revisions than entries. And nobody lacks a revision above the
    compaction. Of the pages that no tree reaches only those rows are left that may tell something.
    """
    gathered = [
        replace(each, witnesses=tuple(map(_without_skips, each.witnesses))) for each in gathered
    ]
    every = [witness for each in gathered for witness in each.witnesses]
    return [_with_told_strays(_corrected(each, every)) for each in gathered]


def _without_skips(witness: Witness) -> Witness:
    """Let records be missing where a revision is: none is without a record before a compaction."""
    if witness.compact is None or not len(witness.rows):
        return witness
    main = mains(witness.rows.place)
    floor = max(witness.compact, FIRST_WRITE - 1)
    before = np.maximum(np.append(floor, main[:-1]), floor)
    skipped = main > before + 1
    return replace(witness, gap_before=witness.gap_before | skipped)


def _corrected(gathered: Gathered, every: Sequence[Witness]) -> Gathered:
    witnesses = tuple(
        _with_gaps(w) if any(_holds_more(other, w) for other in every) else w
        for w in gathered.witnesses
    )
    return replace(gathered, witnesses=witnesses)


def _holds_more(other: Witness, witness: Witness) -> bool:
    """Return whether a witness must hold more than it does, beside what another one holds.

    An entry makes one revision at most: so where the other one has applied more entries, no more
    than so many of its revisions can lie behind the witness.
    """
    if other.index is None or witness.index is None:
        return False
    ahead = max(other.index - witness.index, 0)
    return other.last - ahead > witness.last


def _with_gaps(witness: Witness) -> Witness:
    return replace(witness, gap_before=np.ones_like(witness.gap_before), gap_at_end=True)


def _with_told_strays(gathered: Gathered) -> Gathered:
    """Leave the stray rows that may tell something.

    Beside a whole tree those alone that lie behind it. Beside a damaged one all: a stale page may
    have the deletion of a key whose older record lies in a gap.
    """
    strays: Strays = gathered.strays
    if not gathered.witnesses or not gathered.witnesses[0].everything_whole or not len(strays.rows):
        return gathered
    told = ~gathered.witnesses[0].covers(strays.rows.place)
    return replace(gathered, strays=strays.take(told))
