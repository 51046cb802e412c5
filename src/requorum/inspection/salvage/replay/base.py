"""The state from which a log is replayed: none at all, or what the files hold at some revision."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.columns import I64, Mask
from requorum.formats.message import Message
from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.inspection.salvage.entry_requests import puts_in
from requorum.inspection.salvage.intervals import Intervals
from requorum.inspection.salvage.knowledge import known_places, known_revisions
from requorum.inspection.salvage.other_buckets import (
    AUTH,
    CARRIED,
    LEASES,
    ROLES,
    USERS,
    merge_buckets,
    newest_first,
    read_lease,
)
from requorum.inspection.salvage.places import FIRST_WRITE, mains, place_of
from requorum.inspection.salvage.replay.auth_state import AuthState, read_auth_state
from requorum.inspection.salvage.replay.key_space import NO_BASE, BaseRows, KeySpace
from requorum.inspection.salvage.settled import Settled
from requorum.inspection.salvage.user_key_column import by_key
from requorum.inspection.salvage.witness import Witness


@dataclass(slots=True, kw_only=True)
class MemberState:
    """What a member that applied the log up to `index` has; `alarms` are (member, kind).

    `leases` maps each lease to its TTL in seconds. `incomplete` are the buckets beside `key` of
    which rows may be missing.
    """

    keys: KeySpace
    leases: dict[int, int]
    incomplete: tuple[bytes, ...]
    auth: AuthState
    alarms: set[tuple[int, int]]
    index: int
    revision: int
    compact: int

    def copy(self) -> "MemberState":
        """Return another state that begins alike."""
        return replace(
            self,
            keys=self.keys.copy(),
            leases=dict(self.leases),
            auth=deepcopy(self.auth),
            alarms=set(self.alarms),
        )


class Truth:
    """What the files hold, asked by revision while a log is replayed."""

    def __init__(self, settled: Settled, entries: Mapping[int, Entry]) -> None:
        self.settled = settled
        self._entries = entries
        self.mains: I64 = mains(settled.records.place)
        self.known = known_revisions(settled.witnesses, settled.gathered)
        self.known_places: Intervals = known_places(
            settled.witnesses, [g.strays for g in settled.gathered]
        )
        self.disputed = {c.revision for c in settled.conflicts if not c.settled}
        self._order, self._first = by_key(settled.prints)

    def is_asked_for(self, kv: KeyValue) -> bool:
        """Return whether some entry of the log puts just this key and value."""
        return (kv.key, kv.value) in self._puts

    @cached_property
    def _puts(self) -> frozenset[tuple[bytes, bytes]]:
        return puts_in(self._entries.values())

    def is_named_once(self, row: int) -> bool:
        """Return whether no other record has a record's key."""
        return bool(self._first[self._place_in_order[row]]) and self.following(row) is None

    def following(self, row: int) -> int | None:
        """Return the row of the next record of the same key, None where there is none."""
        at = int(self._place_in_order[row]) + 1
        if at == len(self._order) or self._first[at]:
            return None
        return int(self._order[at])

    @cached_property
    def _place_in_order(self) -> I64:
        places = np.empty(len(self._order), dtype=np.int64)
        places[self._order] = np.arange(len(self._order))
        return places

    def is_known(self, main: int) -> bool:
        """Return whether the files hold every change of a revision."""
        return main in self.known

    def knows_all_until(self, revision: int) -> bool:
        """Return whether the files together hold every record that counts up to a revision."""
        end = place_of(revision + 1) - 1
        return self.known_places.complement(place_of(FIRST_WRITE), end).last is None

    def is_known_place(self, place: int) -> bool:
        """Return whether the files would hold a record at a place, were it not compacted away."""
        return place in self.known_places

    def revision_before(self, index: int) -> int:
        """Return a revision that was surely reached before an entry: a database tells so."""
        before = (
            w.last_row_main
            for w in self.settled.witnesses
            if w.index is not None and w.index < index
        )
        return max(before, default=0)

    def live_at(self, revision: int, refuted: Mask) -> BaseRows:
        """Return the last record of each key at or below a revision, where it is a live one.

        A `refuted` one was compacted away by then, so its key was deleted or is lost.
        """
        old = self.mains[self._order] <= revision
        followed = np.append(~self._first[1:] & old[1:], False)[: len(old)]
        rows = self._order[old & ~followed]
        records = self.settled.records
        rows = rows[~records.tombstone[rows] & ~refuted[rows] & (records.value_size[rows] > 0)]
        unknown = self.known.complement(0, revision).last
        return BaseRows(self.settled.prints[rows], rows, -1 if unknown is None else unknown)


def empty_state(truth: Truth, *, index: int = 0, revision: int = 1, complete: bool) -> MemberState:
    """Return the state of a new cluster, or of one about which nothing is known yet."""
    return MemberState(
        keys=KeySpace(truth.settled, NO_BASE, complete=complete),
        leases={},
        incomplete=() if complete else CARRIED,
        auth=AuthState(),
        alarms=set(),
        index=index,
        revision=revision,
        compact=-1,
    )


def state_of(truth: Truth, witness: Witness) -> MemberState:
    """Return the state of a file, whose index and end must be known."""
    places = truth.settled.records.place
    refuted = witness.covers(places) & ~witness.holds(places)
    refuted &= truth.mains <= witness.least_compact
    others = merge_buckets([witness, *newest_first(truth.settled.witnesses)])
    return MemberState(
        keys=KeySpace(
            truth.settled,
            truth.live_at(witness.last, refuted),
            complete=witness.whole or truth.knows_all_until(witness.last),
        ),
        leases=_leases(others.rows[LEASES]),
        incomplete=others.incomplete,
        auth=read_auth_state(others.rows),
        alarms=_alarms(witness),
        index=witness.index or 0,
        revision=witness.last,
        compact=witness.least_compact,
    )


def state_at(truth: Truth, *, index: int, revision: int) -> MemberState:
    """Return what is known of the state at some revision in the middle of the history.

    Whether users had to log in by then is not known: entries that were turned down are told by
    the records that are not there.
    """
    others = merge_buckets(newest_first(truth.settled.witnesses))
    state = empty_state(truth, index=index, revision=revision, complete=False)
    state.keys = KeySpace(truth.settled, rows_at(truth, revision), complete=False)
    state.leases = _leases(others.rows[LEASES])
    return state


def rows_at(truth: Truth, revision: int) -> BaseRows:
    """Return what the files hold of the keys that were alive at some revision."""
    places = truth.settled.records.place
    refuted = np.zeros(len(places), dtype=np.bool_)
    for witness in truth.settled.witnesses:
        if witness.least_compact <= revision:
            lacking = witness.covers(places) & ~witness.holds(places)
            refuted |= lacking & (truth.mains <= witness.least_compact)
    return truth.live_at(revision, refuted)


def take_over(state: MemberState, witness: Witness) -> None:
    """Take from a database, which stands where the state does, the buckets that are unsure here."""
    others = merge_buckets([witness])
    gained = [name for name in state.incomplete if name not in others.incomplete]
    if LEASES in gained:
        state.leases = _leases(others.rows[LEASES])
    if {AUTH, USERS, ROLES} <= {*gained}:
        state.auth = read_auth_state(others.rows)
    else:
        gained = [name for name in gained if name == LEASES]
    state.incomplete = tuple(name for name in state.incomplete if name not in gained)


def _leases(rows: Mapping[bytes, bytes]) -> dict[int, int]:
    found = (read_lease(value) for value in rows.values())
    return {lease.id: lease.ttl for lease in found if lease is not None}


def _alarms(witness: Witness) -> set[tuple[int, int]]:
    """Return (member, kind) of the alarms that are raised; malformed rows are none."""
    alarms = set()
    for key in witness.bucket(b"alarm").rows:
        try:
            message = Message(key)
            alarms.add((message.unsigned(1), message.unsigned(2)))
        except DamagedInput:
            continue
    return alarms
