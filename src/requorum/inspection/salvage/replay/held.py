"""The records of one revision that files hold, beside what the log predicts of it."""

from dataclasses import dataclass

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.formats.requests import DeleteRange, LeaseRevoke, Put, RequestOp, Txn
from requorum.inspection.alignment import Change, effect_of, in_range
from requorum.inspection.salvage.replay.applied import KeyChange
from requorum.inspection.salvage.replay.member import Keyed

_DIFFERENT_BYTES = 4
"""Less than one byte in so many differs where damage has changed a key or a value."""

HeldRow = tuple[int, int, bool, KeyValue]
"""(row, sub, tombstone, content)."""


@dataclass(frozen=True, slots=True)
class Held:
    """The records of one revision that files hold; `whole`: there were no others."""

    rows: tuple[HeldRow, ...]
    whole: bool

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return them as changes of keys."""
        return tuple(Change(kv.key, None if gone else kv.value) for _, _, gone, kv in self.rows)


def is_change(change: KeyChange, kv: KeyValue, *, gone: bool) -> bool:
    """Return whether a record is that change, its numbers aside."""
    if change.key != kv.key or (change.state is None) != gone:
        return False
    state = change.state
    return state is None or (state.value, state.lease) == (kv.value, kv.lease)


def explains(entry: Entry, held: Held) -> bool:
    """Return whether an entry can have made all that is left of a revision."""
    effect = effect_of(entry, strict=False)
    return not effect.never and effect.explains(held.changes)


def may_have_made(request: Keyed, held: Held) -> bool:
    """Return whether each record that is left can be a change of this request."""
    return all(_may_make(request, change) for change in held.changes)


def _may_make(request: RequestOp | LeaseRevoke, change: Change) -> bool:
    match request:
        case Put():
            same = request.ignore_value or change.value == request.value
            return change.value is not None and change.key == request.key and same
        case DeleteRange():
            return change.value is None and in_range(change.key, request.key, request.range_end)
        case LeaseRevoke():
            return change.value is None
        case Txn():
            return any(_may_make(o, change) for o in (*request.success, *request.failure))
        case _:
            return False


def alike_but_for_damage(changes: list[KeyChange], held: Held) -> bool:
    """Return whether damaged bytes can be all that the file's records differ by.

    Each must agree with the change of its place, or in its key or its value; one that lies at no
    change's place, in both.
    """
    if not changes or not held.rows:
        return False
    for _, sub, gone, kv in held.rows:
        at_place = changes[sub : sub + 1]
        near = [_near(change, kv, gone=gone) for change in (at_place or changes)]
        if not (any(near) if at_place else any(is_change(c, kv, gone=gone) for c in changes)):
            return False
    return True


def _near(change: KeyChange, kv: KeyValue, *, gone: bool) -> bool:
    if (change.state is None) != gone:
        return False
    if change.state is None:
        return _like(change.key, kv.key)
    if change.key == kv.key or change.state.value == kv.value:
        return True
    return _like(change.key, kv.key) and _like(change.state.value, kv.value)


def _like(one: bytes, other: bytes) -> bool:
    """Return whether two texts differ in a few bytes only."""
    if len(one) != len(other):
        return False
    different = sum(a != b for a, b in zip(one, other, strict=True))
    return different == 0 or different * _DIFFERENT_BYTES < len(one)
