"""The keys at one moment: those that files hold, and on top of them what was replayed since."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from requorum.formats.bbolt.columns import I64
from requorum.formats.mvcc import KeyValue
from requorum.inspection.salvage.intervals import NO_END
from requorum.inspection.salvage.places import main_of, mains
from requorum.inspection.salvage.settled import Settled
from requorum.inspection.salvage.user_key_column import print_of, value_of

_INSERTED_MAX = 1000
"""More new keys than that are sorted in at once rather than one by one."""

_TO_THE_END = b"\0"


@dataclass(frozen=True, slots=True)
class KeyState:
    """A live key. `sure`: nothing that is lost can have changed it since.

    `proven`: its numbers are more than what one file says: the log has told them from the cluster's
    beginning, or several files hold them, or the log has told them on from there. `sub` is
    the place of its last change within its revision, where the log tells it.
    """

    create_revision: int
    mod_revision: int
    version: int
    value: bytes
    lease: int
    sure: bool = True
    proven: bool = False
    sub: int = 0


@dataclass(frozen=True, slots=True)
class BaseRows:
    """Rows of the settled records, one for each live key, sorted by the prints of their keys.

    `unknown_revision` is the last one of whose changes some are unknown: keys of which nothing is
    known since then may be others now. -1: all changes are known.
    """

    prints: I64
    rows: I64
    unknown_revision: int


class ToldKey(Protocol):
    """A record that a log tells of: its key, and its place in history."""

    @property
    def place(self) -> int:
        """Return its place."""
        ...

    @property
    def key(self) -> bytes:
        """Return its key."""
        ...


NO_BASE = BaseRows(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), -1)

_Changes = dict[bytes, KeyState | int | None]


class KeySpace:
    """Keys by name. `complete`: every key that there is, is known; others might exist else.

    A key that a record of the files was found to say is kept as that record's row: a log may hold
    more than memory does.
    """

    def __init__(self, settled: Settled, base: BaseRows, *, complete: bool) -> None:
        self.complete = complete
        self._settled = settled
        self._base = base
        self._changed: _Changes = {}
        self._doubted: _Changes = {}
        self._base_names: list[bytes] | None = None
        self._new_names: list[bytes] = []
        self._waiting: list[bytes] = []
        self._leased: dict[int, set[bytes]] | None = None

    @property
    def from_nothing(self) -> bool:
        """Return whether there was no key at the beginning, and so each one is the log's."""
        return self.complete and not len(self._base.rows)

    def get(self, key: bytes) -> KeyState | None:
        """Return a live key, None where it is not there as far as is known."""
        if key in self._changed:
            return self._told(self._changed[key])
        if key in self._doubted:
            state = self._told(self._doubted[key])
            return None if state is None else replace(state, sure=False, proven=False)
        return self._in_base(key)

    def is_known(self, key: bytes) -> bool:
        """Return whether it is sure what `get` says of a key."""
        if self.complete or key in self._changed:
            return True
        state = self.get(key)
        return state is not None and state.sure

    def told(self, key: bytes, *, before_holes: bool) -> KeyState | None:
        """Return a live key whose last change the log tells; what only files say does not count.

        `before_holes`: also where entries are lost that may have changed it since.
        """
        if key in self._changed or not before_holes:
            return self._told(self._changed.get(key))
        return self._told(self._doubted.get(key))

    def told_alone(self) -> Iterator[tuple[bytes, KeyState]]:
        """Yield the live keys whose last change the log alone tells, and no entry since is lost."""
        for key, state in self._changed.items():
            if isinstance(state, KeyState):
                yield key, state

    def doubt(self) -> None:
        """Take note that there were changes of which nothing is known, and that no record tells."""
        self.complete = False
        self._doubted |= self._changed
        self._changed = {}
        self._base = replace(self._base, unknown_revision=NO_END)

    def later(self, base: BaseRows, since: int) -> "KeySpace":
        """Return the keys at a later time, of which files hold `base`.

        Of what changed after revision `since` nothing else is known.
        """
        keys = KeySpace(self._settled, base, complete=False)
        main = mains(self._settled.records.place[base.rows])
        changed = set(base.prints[main > since].tolist())
        known = {**self._doubted, **self._changed}
        keys._doubted = {k: state for k, state in known.items() if print_of(k) not in changed}
        keys._waiting = list(keys._doubted)
        return keys

    def corrected(self, told: "KeySpace", corrections: Iterable[ToldKey]) -> "KeySpace":
        """Return these keys, which files hold, with what a log told that they hold wrongly.

        `told` are the keys at the same moment as the log tells them. A record that was corrected
        tells of its key no longer, and its true key is as it was told.
        """
        wrong = {main_of(record.place) for record in corrections}
        if not wrong:
            return self
        mains_of_rows = mains(self._settled.records.place[self._base.rows])
        right = ~np.isin(mains_of_rows, np.array(sorted(wrong), dtype=np.int64))
        base = replace(self._base, prints=self._base.prints[right], rows=self._base.rows[right])
        keys = KeySpace(self._settled, base, complete=self.complete)
        for key in {record.key for record in corrections}:
            state = told.get(key)
            if state is None:
                keys.delete(key)
            else:
                keys.put(key, state)
        return keys

    def copy(self) -> "KeySpace":
        """Return another key space that begins with the same keys."""
        other = copy(self)
        # ruff: noqa: SLF001  # the other one is of this class, too
        other._changed, other._doubted = dict(self._changed), dict(self._doubted)
        other._new_names, other._waiting = [*self._new_names], [*self._waiting]
        other._leased = None
        return other

    def put(self, key: bytes, state: KeyState, row: int | None = None) -> None:
        """Set a key; `row` is the record that says the same, where there is one."""
        self._note(key, state)
        # The row, and in the lowest bit whether the log proves its numbers.
        self._changed[key] = state if row is None else row << 1 | state.proven

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        self._note(key, None)
        self._changed[key] = None

    def keys_in(self, key: bytes, range_end: bytes) -> list[bytes]:
        """Return the live keys of a range in order, as etcd has ranges."""
        if not range_end:
            return [key] if self.get(key) is not None else []
        end = None if range_end == _TO_THE_END else range_end
        found = [*_slice(self._names_of_base(), key, end), *_slice(self._new(), key, end)]
        return [name for name in sorted(set(found)) if self.get(name) is not None]

    def keys_of_lease(self, lease: int) -> list[bytes]:
        """Return the keys that are attached to a lease, in order."""
        return sorted(self._leases().get(lease, ()))

    def _told(self, changed: KeyState | int | None) -> KeyState | None:
        if not isinstance(changed, int):
            return changed
        state = self._state(changed >> 1)[1]
        return replace(state, proven=state.proven or bool(changed & 1))

    def _in_base(self, key: bytes) -> KeyState | None:
        at = int(np.searchsorted(self._base.prints, print_of(key)))
        if at == len(self._base.prints) or self._base.prints[at] != print_of(key):
            return None
        row = int(self._base.rows[at])
        state = self._state(row)[1]
        until = int(self._settled.records.sure_until[row])
        if until >= self._base.unknown_revision:
            return state
        return replace(state, sure=False, proven=False)

    def _state(self, row: int) -> tuple[bytes, KeyState]:
        kv = KeyValue.decode(value_of(self._settled.files, self._settled.records, row))
        state = KeyState(
            kv.create_revision, kv.mod_revision, kv.version, kv.value, kv.lease,
            proven=bool(self._settled.alike[row] > 1),
        )  # fmt: skip  # a record, and what it is worth
        return kv.key, state

    def _note(self, key: bytes, after: KeyState | None) -> None:
        if key not in self._changed:
            self._waiting.append(key)
        if self._leased is None:
            return
        before = self.get(key)
        if before is not None and before.lease:
            self._leased.get(before.lease, set()).discard(key)
        self._attach(key, after)

    def _names_of_base(self) -> list[bytes]:
        if self._base_names is None:
            self._base_names = sorted(self._state(row)[0] for row in self._base.rows.tolist())
        return self._base_names

    def _new(self) -> list[bytes]:
        if len(self._waiting) > _INSERTED_MAX:
            self._new_names = sorted({*self._new_names, *self._waiting})
        else:
            for name in self._waiting:
                insort(self._new_names, name)
        self._waiting.clear()
        return self._new_names

    def _leases(self) -> dict[int, set[bytes]]:
        if self._leased is None:
            self._leased = {}
            for row in self._base.rows.tolist():
                key, state = self._state(row)
                if key not in self._changed and key not in self._doubted:
                    self._attach(key, state)
            for key in self._changed.keys() | self._doubted.keys():
                self._attach(key, self.get(key))
        return self._leased

    def _attach(self, key: bytes, state: KeyState | None) -> None:
        if self._leased is not None and state is not None and state.lease:
            self._leased.setdefault(state.lease, set()).add(key)


def _slice(names: list[bytes], begin: bytes, end: bytes | None) -> Iterable[bytes]:
    first = bisect_left(names, begin)
    return names[first:] if end is None else names[first : max(first, bisect_left(names, end))]
