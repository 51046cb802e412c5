"""Which records are kept, and what is lost: the rules, each with what it rests on.

Facts about etcd: a record never changes; records are only added at the end and removed by
compactions; a compaction at revision C removes of each key all records at or below C but the last,
and that one too where it is a tombstone below C. So:

- A record that a file's whole tree lacks, at or below that file's compact revision, was compacted
  away: it is superseded or deleted, even where what superseded it is lost.
- Of each key the last record at or below C counts, all earlier ones are superseded.
- Where later changes of a key may be lost, its record may be out of date: it is kept, and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, Mask
from requorum.inspection.salvage.claims import STRAY, Claims
from requorum.inspection.salvage.intervals import NO_END, Intervals
from requorum.inspection.salvage.knowledge import known_places, known_revisions
from requorum.inspection.salvage.places import FIRST_WRITE, mains, place_of
from requorum.inspection.salvage.settled import Settled
from requorum.inspection.salvage.strays import spanned_without
from requorum.inspection.salvage.user_key_column import by_key, user_key
from requorum.inspection.salvage.witness import Standing, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Masks are over `Settled.records`.

    `compact` is the revision that the inputs are compacted to, `sealed` the one that the result
    must be compacted to, so that it answers no question about revisions that are lost; -1: none.
    `doubtful` records are kept, and may have been deleted or superseded by something that is lost.
    `beyond` are kept ones that no tree ever committed. `lost_revisions` are all or a part lost;
    `lost_places` may have held records that outlived the compaction. `contradicted` records are in
    one file and not in another that must have them.
    """

    compact: int
    sealed: int
    kept: Mask
    doubtful: Mask
    beyond: Mask
    refuted: Mask
    contradicted: Mask
    lost_revisions: Intervals
    lost_places: Intervals


class LastChange(Protocol):
    """Tells the revision of a key's last change up to where files are compacted.

    None where the log does not have it alive there.
    """

    def __call__(self, key: bytes, *, before_holes: bool) -> int | None:
        """Return it; `before_holes`: also where lost entries may have changed the key since."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKnowledge:
    """What a replayed log adds: revisions of which every change is known, and a compaction.

    `doubtful` are places whose records rest on something that is lost. `alive` tells of a key its
    last change before the compaction, where the log has it alive then.
    """

    revisions: Intervals = field(default_factory=lambda: Intervals(()))
    compact: int = -1
    doubtful: U64 = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    alive: LastChange | None = None


NO_LOG_KNOWLEDGE = LogKnowledge()


def judge(settled: Settled, log: LogKnowledge = NO_LOG_KNOWLEDGE) -> Judgement:
    """Judge every record; `settled` must hold those that the log adds already."""
    records, witnesses = settled.records, settled.witnesses
    main = mains(records.place)
    compact = max(log.compact, *(w.least_compact for w in witnesses), -1)
    refuted = _refuted(settled, main, compact)
    contested = _contested(settled, refuted, main, log)
    refuted &= ~contested
    contradicted = _contradicted(records, witnesses, main)
    outvoted = _outvoted(contradicted, records)
    known = known_revisions(witnesses, settled.gathered) | log.revisions
    last = _last_revision(main, witnesses, log)
    lost = known.complement(max(compact, 1) + 1, last)
    sealed = max(compact, lost.last or compact)
    prints = settled.prints
    misplaced = np.isin(records.place, log.doubtful)
    kept = _last_of_key(prints, main, sealed, ~outvoted)
    # A change whose place is a guess may be later than the seal, or none: what is before it counts.
    before_guess = _last_of_key(prints, main, sealed, ~outvoted & ~misplaced)
    before_guess |= _last_of_key(prints, main, sealed, ~outvoted & ~(misplaced & records.tombstone))
    before_guess &= ~kept
    kept |= before_guess
    kept = ~outvoted & ((main > sealed) | kept)
    kept &= ~refuted & ~(records.tombstone & (main < sealed))
    beyond = kept & _beyond(records, witnesses, log)
    compactable = main <= (compact if _compact_known(witnesses, log) else last)
    doubtful = kept & (compactable & _unsure(records, known, compact, last) | beyond)
    doubtful |= kept & (misplaced | before_guess)
    doubtful |= kept & (_undecided(settled) | contested)
    return Judgement(
        compact=compact,
        sealed=sealed,
        kept=kept,
        doubtful=doubtful,
        beyond=beyond,
        refuted=refuted,
        contradicted=contradicted,
        lost_revisions=lost | _superseded_guesses(main, misplaced & ~kept),
        lost_places=_lost_places(settled, log, compact),
    )


def _superseded_guesses(main: I64, left_out: Mask) -> Intervals:
    """Return the revisions of guesses that later guesses have superseded: others may be right."""
    return Intervals.of((revision, revision) for revision in main[left_out].tolist())


def _refuted(settled: Settled, main: I64, compact: int) -> Mask:
    """Return the records that somebody lacks who must have them, were they not compacted away."""
    places = settled.records.place
    outlived = _outlived(settled.witnesses, places)
    refuted = np.zeros(len(places), dtype=np.bool_)
    for witness in settled.witnesses:
        up_to = witness.last if witness.compact is None else witness.compact
        lacking = witness.covers(places) & ~witness.holds(places)
        refuted |= lacking & (main <= up_to) & (outlived < up_to)
    for number, gathered in enumerate(settled.gathered):
        mine = [w.least_compact for w in settled.witnesses if w.file == number]
        up_to = max(mine, default=compact)
        lacking = spanned_without(gathered.strays, places)
        refuted |= lacking & (main <= compact) & (outlived < up_to)
    return refuted


def _contested(settled: Settled, refuted: Mask, main: I64, log: LogKnowledge) -> Mask:
    """Return the refuted records that are the last change of a key which the log has alive.

    Who lacks them may have them under a revision with a flipped bit: nothing shows that in a file.
    Where entries behind the change are lost, a whole tree knows better.
    """
    contested = np.zeros(len(refuted), dtype=np.bool_)
    if log.alive is None:
        return contested
    by_whole = _lacking_in_whole_trees(settled)
    for row in np.flatnonzero(refuted & ~settled.records.tombstone).tolist():
        key = user_key(settled.files, settled.records, row)
        told = log.alive(key, before_holes=not by_whole[row])
        contested[row] = told == int(main[row])
    return contested


def _lacking_in_whole_trees(settled: Settled) -> Mask:
    places = settled.records.place
    lacking = np.zeros(len(places), dtype=np.bool_)
    for witness in settled.witnesses:
        if witness.whole:
            lacking |= ~witness.holds(places)
    return lacking


def _outlived(witnesses: Sequence[Witness], places: U64) -> I64:
    """Return for each record the last compaction that it is known to have outlived, -1: none.

    A current tree holds what its finished compaction left. Who lacks it and is compacted no
    further has lost it to damage: where a byte of a revision is flipped, nothing shows that.
    """
    outlived = np.full(len(places), -1, dtype=np.int64)
    for witness in witnesses:
        if witness.standing is Standing.CURRENT:
            held = witness.holds(places)
            outlived[held] = np.maximum(outlived[held], witness.finished)
    return outlived


def _contradicted(records: Claims, witnesses: Sequence[Witness], main: I64) -> Mask:
    """Return the records that a file lacks although nothing can have compacted them there."""
    contradicted = np.zeros(len(main), dtype=np.bool_)
    for witness in witnesses:
        if witness.standing is Standing.CURRENT and witness.compact is not None:
            lacking = witness.covers(records.place) & ~witness.holds(records.place)
            contradicted |= lacking & (main > witness.compact) & (main <= witness.last)
    return contradicted


def _outvoted(contradicted: Mask, records: Claims) -> Mask:
    """Return the contradicted records that give way: those that only stray pages hold.

    A record of a tree stays: its key says its sub revision only once, where a flipped bit is not
    seen, and the same record at two places does no harm.
    """
    outvoted: Mask = contradicted & (records.rank == STRAY)
    return outvoted


def _undecided(settled: Settled) -> Mask:
    """Return the records of keys that a conflict is about, with nothing to tell what is right.

    Copies may name different keys: then all records of both are in doubt.
    """
    undecided = np.zeros(len(settled.records), dtype=np.bool_)
    open_ = [c for c in settled.conflicts if not c.settled]
    if open_:
        prints = {number for conflict in open_ for number in conflict.prints}
        undecided |= np.isin(settled.prints, np.array(sorted(prints), dtype=np.int64))
    return undecided


def _last_revision(main: I64, witnesses: Sequence[Witness], log: LogKnowledge) -> int:
    found = [int(main[-1])] if len(main) else []
    found += [w.last for w in witnesses]
    if log.revisions.last is not None:
        found.append(log.revisions.last)
    return max(found, default=1)


def _last_of_key(prints: I64, main: I64, compact: int, counted: Mask) -> Mask:
    """Return of each key the last of the `counted` records at or below the revision."""
    order, first = by_key(prints)
    order, first = _counted(order, first, counted)
    old = main[order] <= compact
    followed = np.append(~first[1:] & old[1:], False)[: len(order)]
    last = np.zeros(len(prints), dtype=np.bool_)
    last[order[old & ~followed]] = True
    return last


def _counted(order: I64, first: Mask, counted: Mask) -> tuple[I64, Mask]:
    """Leave rows out of groups; a group that loses its first row begins with its next."""
    group = np.cumsum(first)
    which = counted[order]
    order, group = order[which], group[which]
    return order, np.append(True, group[1:] != group[:-1])[: len(order)]


def _compact_known(witnesses: Sequence[Witness], log: LogKnowledge) -> bool:
    """Return whether anything says to which revision the history is compacted."""
    return any(w.compact is not None for w in witnesses) or log.compact >= 0


def _unsure(records: Claims, known: Intervals, compact: int, last: int) -> Mask:
    """Return the records of whose keys later changes may be lost that were compacted away since."""
    unknown = known.complement(0, max(compact, 0)).last if known else last
    unsure: Mask = records.sure_until < (-1 if unknown is None else unknown)
    return unsure


def _beyond(records: Claims, witnesses: Sequence[Witness], log: LogKnowledge) -> Mask:
    """Return what lies behind the end of every tree: pages of a commit that never finished."""
    if not witnesses:
        return np.zeros(len(records), dtype=np.bool_)
    last = max([*(w.last for w in witnesses), log.revisions.last or 0])
    stray: Mask = (records.rank == STRAY) & (mains(records.place) > last)
    return stray


def _lost_places(settled: Settled, log: LogKnowledge, compact: int) -> Intervals:
    """Return the places at or below the revision that nobody can vouch for."""
    known = known_places(settled.witnesses, [g.strays for g in settled.gathered])
    by_log = Intervals.of((place_of(a), place_of(b + 1) - 1) for a, b in log.revisions)
    end = place_of(compact + 1) - 1
    return (known | by_log).complement(place_of(FIRST_WRITE), end) if compact > 0 else Intervals(())


__all__ = ["NO_END", "NO_LOG_KNOWLEDGE", "Judgement", "LogKnowledge", "judge"]
