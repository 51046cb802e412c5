"""Whether two databases tell one history of revisions, or two that part, and where.

Above the compact revisions of both every change is still there on both sides, so the records are
compared one by one. At the greater of the two only the state is: what was alive then.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from requorum.formats.bbolt.columns import I64, Mask
from requorum.formats.mvcc import KeyValue
from requorum.inspection.difference.readable import Readable
from requorum.inspection.difference.shared_records import SharedRecords


class Relation(StrEnum):
    """How the history of B continues, or does not continue, that of A.

    UNPROVEN: nothing contradicts that it is one history, but there is no revision, or no whole
    one, at which both can be compared.
    """

    SAME = "same"
    A_AHEAD = "a-ahead"
    B_AHEAD = "b-ahead"
    PARTED = "parted"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class RevisionChange:
    """One change of a revision: a put, or a deletion with nothing but the key."""

    deletion: bool
    kv: KeyValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """What comparing the revisions found.

    Compared were the state at `state_at`, None where it could not be, and after it each change up
    to `last_compared`. `parted_at` is the first revision that differs, unless `parted_before`:
    then it is an upper bound, the change itself is compacted away. `a_changes` and `b_changes` are
    what each did at `parted_at`, where both still say so. Of the records behind `parted_at` that
    both hold at one revision, `alike_after` are the same and `unlike_after` are not: where many
    are, one record was damaged or diverged, rather than a history.
    """

    relation: Relation
    state_at: int | None
    last_compared: int | None
    parted_at: int | None = None
    parted_before: bool = False
    a_changes: tuple[RevisionChange, ...] = ()
    b_changes: tuple[RevisionChange, ...] = ()
    shared_equal: int = 0
    alike_after: int = 0
    unlike_after: int = 0


CHANGES_SHOWN = 10
"""A transaction may have changed a hundred keys; the first ones show what it was."""


def compare_histories(a: Readable, b: Readable, shared: SharedRecords) -> Histories:
    """Compare the revisions of both."""
    found = _compared(a, b, shared)
    if found.parted_at is None:
        return found
    behind = a.records.main[shared.a_rows] > found.parted_at
    alike = int((behind & shared.equal).sum())
    return replace(found, alike_after=alike, unlike_after=int(behind.sum()) - alike)


def _compared(a: Readable, b: Readable, shared: SharedRecords) -> Histories:
    last = min(a.current_revision, b.current_revision)
    base = _base(a, b)
    if base is None or base > last:
        return _without_overlap(a, b, shared)
    differing = _first_difference(a, b, shared, base, last)
    state = _states_agree(a, b, shared, base)
    if differing is None and state is not False:
        relation = _continuation(a, b, proven=state is not None)
        return _found(relation, shared, state_at=None if state is None else base, last=last)
    if differing is None or (differing > base and state is False):
        parted = _found(Relation.PARTED, shared, state_at=base, last=last)
        return replace(parted, parted_at=base, parted_before=True)
    parted = _found(Relation.PARTED, shared, state_at=base, last=last)
    exactly = differing > base and state is not None
    return replace(_with_changes(parted, a, b, differing), parted_before=not exactly)


def _found(
    relation: Relation, shared: SharedRecords, *, state_at: int | None, last: int | None
) -> Histories:
    return Histories(
        relation=relation,
        state_at=state_at,
        last_compared=last,
        shared_equal=int(shared.equal.sum()),
    )


def _with_changes(found: Histories, a: Readable, b: Readable, at: int) -> Histories:
    return replace(found, parted_at=at, a_changes=_changes(a, at), b_changes=_changes(b, at))


def _base(a: Readable, b: Readable) -> int | None:
    """Return the revision from which both have every change, None where one does not say."""
    if a.compact_revision is None or b.compact_revision is None:
        return None
    return max(a.compact_revision, b.compact_revision, 0)


def _without_overlap(a: Readable, b: Readable, shared: SharedRecords) -> Histories:
    """Return what can be said where one was compacted beyond the other's end.

    A revision of which both still hold a record that is not the same is proof even so.
    """
    differing = np.flatnonzero(~shared.equal)
    if not len(differing):
        return _found(Relation.UNPROVEN, shared, state_at=None, last=None)
    parted = _found(Relation.PARTED, shared, state_at=None, last=None)
    at = int(a.records.main[shared.a_rows[differing[0]]])
    return replace(_with_changes(parted, a, b, at), parted_before=True)


def _first_difference(
    a: Readable, b: Readable, shared: SharedRecords, base: int, last: int
) -> int | None:
    """Return the first revision with a record that is not the same, or above `base` missing."""
    mains = [
        a.records.main[shared.a_rows[~shared.equal]],
        _alone(a, shared.a_rows, b, base, last),
        _alone(b, shared.b_rows, a, base, last),
    ]
    return min((int(some[0]) for some in mains if len(some)), default=None)


def _alone(side: Readable, shared_rows: I64, other: Readable, base: int, last: int) -> I64:
    """Return the revisions of records that the other does not have, and did not lose."""
    alone = np.ones(len(side.records), dtype=np.bool_)
    alone[shared_rows] = False
    main = side.records.main
    alone &= (main > base) & (main <= last)
    found = main[alone]
    # A record that this side lost is missing on the other's account only if the other lost it.
    return found[~other.lost.cover(found)]


def _states_agree(a: Readable, b: Readable, shared: SharedRecords, base: int) -> bool | None:
    """Return whether the same records were alive at `base`, None where some may be lost."""
    if base == 0:
        return True
    if a.lost.up_to(base) or b.lost.up_to(base):
        return None
    return _same_records(a.alive_at(base), b.alive_at(base), shared)


def _same_records(a_alive: Mask, b_alive: Mask, shared: SharedRecords) -> bool:
    both = a_alive[shared.a_rows] & b_alive[shared.b_rows] & shared.equal
    return int(both.sum()) == int(a_alive.sum()) == int(b_alive.sum())


def _changes(side: Readable, main: int) -> tuple[RevisionChange, ...]:
    first, end = np.searchsorted(side.records.main, [main, main + 1]).tolist()
    rows = range(first, min(end, first + CHANGES_SHOWN))
    return tuple(RevisionChange(bool(side.records.tombstone[r]), side.message(r)) for r in rows)


def _continuation(a: Readable, b: Readable, *, proven: bool) -> Relation:
    if not proven or a.lost or b.lost:
        return Relation.UNPROVEN
    if a.current_revision == b.current_revision:
        return Relation.SAME
    ahead = a.current_revision > b.current_revision
    return Relation.A_AHEAD if ahead else Relation.B_AHEAD
