"""What one request does to the key space: the changes, in the order of their sub revisions.

Nothing is changed here; `Outcome` says what etcd would have done. Where the state is not wholly
known the outcome is what it would be if nothing else existed, and not `certain`.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace

from requorum.formats.requests import (
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    Put,
    Range,
    RequestOp,
    Txn,
)
from requorum.inspection.alignment import in_range
from requorum.inspection.salvage.replay.auth_state import AuthState, Rejected
from requorum.inspection.salvage.replay.key_space import KeySpace, KeyState

_NO_KEY = KeyState(0, 0, 0, b"", 0)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A put, or a deletion where `state` is None."""

    key: bytes
    state: KeyState | None


@dataclass(slots=True)
class Outcome:
    """What a request changes; `rejected` where etcd turned it down."""

    changes: list[KeyChange] = field(default_factory=list)
    certain: bool = True
    rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, and the state that the answer rests on."""

    keys: KeySpace
    leases: Container[int]
    leases_known: bool
    auth: AuthState
    user: str
    auth_revision: int
    revision: int
    compact: int


def put_outcome(asked: Asked, put: Put) -> Outcome:
    """Return what a put does."""
    outcome = Outcome()
    try:
        _check_put(asked, put)
        _may_put(asked, put, outcome)
    except Rejected:
        return _turned_down(outcome)
    _Changes(asked, outcome).put(put)
    return outcome


def delete_outcome(asked: Asked, delete: DeleteRange) -> Outcome:
    """Return what a deletion does."""
    outcome = Outcome()
    try:
        asked.auth.check_delete(asked.user, asked.auth_revision, delete.key, delete.range_end)
    except Rejected:
        return _turned_down(outcome)
    _Changes(asked, outcome).delete(delete)
    return outcome


def txn_outcome(asked: Asked, txn: Txn) -> Outcome:
    """Return what a transaction does: branches are chosen, and checked, on the state before it."""
    outcome = Outcome()
    try:
        _check_txn(asked, txn)
        path = _path(asked, txn, outcome)
        _check_chosen(asked, txn, iter(path), outcome)
    except Rejected:
        return _turned_down(outcome)
    _Changes(asked, outcome).txn(txn, iter(path))
    return outcome


def revoke_outcome(asked: Asked, lease: int) -> Outcome:
    """Return what the end of a lease does: its keys are deleted, in order."""
    outcome = Outcome(certain=asked.keys.complete)
    if lease not in asked.leases:
        return Outcome(certain=asked.leases_known, rejected=True)
    try:
        if not asked.auth.is_admin(asked.user):
            for key in asked.keys.keys_of_lease(lease):
                asked.auth.check_put(asked.user, asked.auth_revision, key)
    except Rejected:
        return _turned_down(outcome)
    outcome.changes = [KeyChange(key, None) for key in asked.keys.keys_of_lease(lease)]
    return outcome


def _turned_down(outcome: Outcome) -> Outcome:
    return Outcome(certain=outcome.certain, rejected=True)


def _check_put(asked: Asked, put: Put) -> None:
    asked.auth.check_put(asked.user, asked.auth_revision, put.key)
    if put.lease in asked.leases and not asked.auth.is_admin(asked.user):
        for key in asked.keys.keys_of_lease(put.lease):
            asked.auth.check_put(asked.user, asked.auth_revision, key)
    if put.prev_kv:
        asked.auth.check_range(asked.user, asked.auth_revision, put.key, b"")


def _may_put(asked: Asked, put: Put, outcome: Outcome) -> None:
    """Raise Rejected where the lease, or the key whose value is to be kept, is not there."""
    if put.lease and put.lease not in asked.leases:
        outcome.certain = outcome.certain and asked.leases_known
        raise Rejected
    if (put.ignore_value or put.ignore_lease) and asked.keys.get(put.key) is None:
        outcome.certain = outcome.certain and asked.keys.is_known(put.key)
        raise Rejected


def _check_txn(asked: Asked, txn: Txn) -> None:
    """Raise Rejected where the user lacks a right that any branch needs."""
    if not asked.auth.enabled:
        return
    for compare in txn.compare:
        asked.auth.check_range(asked.user, asked.auth_revision, compare.key, compare.range_end)
    for operation in (*txn.success, *txn.failure):
        if isinstance(operation, Txn):
            _check_txn(asked, operation)
        elif isinstance(operation, Put):
            _check_put(asked, operation)
        elif isinstance(operation, DeleteRange):
            asked.auth.check_delete(
                asked.user, asked.auth_revision, operation.key, operation.range_end
            )
        else:
            asked.auth.check_range(
                asked.user, asked.auth_revision, operation.key, operation.range_end
            )


def _path(asked: Asked, txn: Txn, outcome: Outcome) -> list[bool]:
    """Return which branch is taken, of this transaction and then of those nested in that branch."""
    taken = all(_holds(asked, compare, outcome) for compare in txn.compare)
    path = [taken]
    for operation in _branch(txn, taken=taken):
        if isinstance(operation, Txn):
            path += _path(asked, operation, outcome)
    return path


def _branch(txn: Txn, *, taken: bool) -> Sequence[RequestOp]:
    return txn.success if taken else txn.failure


def _check_chosen(asked: Asked, txn: Txn, path: Iterator[bool], outcome: Outcome) -> None:
    for operation in _branch(txn, taken=next(path)):
        if isinstance(operation, Txn):
            _check_chosen(asked, operation, path, outcome)
        elif isinstance(operation, Put):
            _may_put(asked, operation, outcome)
        elif isinstance(operation, Range) and not _may_read(asked, operation.revision):
            raise Rejected


def _may_read(asked: Asked, revision: int) -> bool:
    """Return whether a read at a revision is answered; 0 is the current one."""
    return not revision or asked.compact <= revision <= asked.revision


def _holds(asked: Asked, compare: Compare, outcome: Outcome) -> bool:
    """Return whether a comparison holds for every key in its range; for none it is compared to."""
    keys = asked.keys.keys_in(compare.key, compare.range_end)
    known = asked.keys.complete
    if not compare.range_end:
        known = known or asked.keys.is_known(compare.key)
    outcome.certain = outcome.certain and known
    if not keys:
        return compare.target is not CompareTarget.VALUE and _fits(compare, _NO_KEY)
    states = [asked.keys.get(key) for key in keys]
    outcome.certain = outcome.certain and all(s is None or s.sure for s in states)
    return all(state is not None and _fits(compare, state) for state in states)


def _fits(compare: Compare, state: KeyState) -> bool:
    found: int | bytes
    match compare.target:
        case CompareTarget.VERSION:
            found = state.version
        case CompareTarget.CREATE:
            found = state.create_revision
        case CompareTarget.MOD:
            found = state.mod_revision
        case CompareTarget.VALUE:
            found = state.value
        case CompareTarget.LEASE:
            found = state.lease
    wanted = compare.operand
    order = (found > wanted) - (found < wanted)  # type: ignore[operator]  # both bytes, or both int
    match compare.result:
        case CompareResult.EQUAL:
            return order == 0
        case CompareResult.NOT_EQUAL:
            return order != 0
        case CompareResult.GREATER:
            return order > 0
        case CompareResult.LESS:
            return order < 0


class _Changes:
    """The changes of one revision while they are made: later operations see earlier ones."""

    def __init__(self, asked: Asked, outcome: Outcome) -> None:
        self.asked = asked
        self.outcome = outcome
        self.seen: dict[bytes, KeyState | None] = {}
        self.main = asked.revision + 1

    def put(self, put: Put) -> None:
        before = self._get(put.key)
        value, lease = put.value, put.lease
        if put.ignore_value and before is not None:
            value = before.value
        if put.ignore_lease and before is not None:
            lease = before.lease
        known = put.key in self.seen or self.asked.keys.is_known(put.key)
        state = (
            KeyState(
                self.main, self.main, 1, value, lease,
                sure=known, proven=self.asked.keys.from_nothing,
            )
            if before is None
            else KeyState(
                before.create_revision, self.main, before.version + 1, value, lease,
                sure=before.sure, proven=before.proven,
            )
        )  # fmt: skip  # a new key, or the next version of one
        self._set(put.key, state)

    def delete(self, delete: DeleteRange) -> None:
        complete = self.asked.keys.complete
        known = not delete.range_end and self.asked.keys.is_known(delete.key)
        self.outcome.certain = self.outcome.certain and (complete or known)
        live = set(self.asked.keys.keys_in(delete.key, delete.range_end))
        here = (k for k in self.seen if in_range(k, delete.key, delete.range_end))
        for key in sorted(live.union(here)):
            if self._get(key) is not None:
                self._set(key, None)

    def txn(self, txn: Txn, path: Iterator[bool]) -> None:
        for operation in _branch(txn, taken=next(path)):
            if isinstance(operation, Txn):
                self.txn(operation, path)
            elif isinstance(operation, Put):
                self.put(operation)
            elif isinstance(operation, DeleteRange):
                self.delete(operation)

    def _get(self, key: bytes) -> KeyState | None:
        return self.seen[key] if key in self.seen else self.asked.keys.get(key)

    def _set(self, key: bytes, state: KeyState | None) -> None:
        if state is not None:
            state = replace(state, sub=len(self.outcome.changes))
        self.seen[key] = state
        self.outcome.changes.append(KeyChange(key, state))
