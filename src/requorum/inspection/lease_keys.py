"""Which keys a lease's revocation deleted, as far as a log tells, and a database beside it.

A revocation names only the lease. Its keys are those that were put with it and not put or deleted
since. Whether a transaction's put was carried out the log seldom says; it is taken for possible
unless its branch cannot run, and so is each answer given here.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from requorum.formats.requests import DeleteRange, LeaseGrant, LeaseRevoke, Put
from requorum.inspection.entry_story import EntryStory, possible_operations
from requorum.inspection.key_choice import KeyChoice

RANGE_SEARCH_MAX = 10_000
"""Leased keys among which those of a deleted range are looked for; of more, none is taken off."""

EVERY_KEY = KeyChoice(b"", is_prefix=True)


@dataclass(frozen=True, slots=True)
class DatabaseLeases:
    """What a database that stands at `index` says of keys and leases.

    `attached`: the lease of each living key that has one. `deleted`: the keys that were put with a
    lease and then deleted, by lease; only what the history behind the last compaction holds.
    """

    index: int
    attached: Mapping[bytes, int]
    deleted: Mapping[int, frozenset[bytes]]


@dataclass(frozen=True, slots=True)
class RevokedKeys:
    """What a revocation may have deleted. `complete`: it deleted no other keys."""

    keys: tuple[bytes, ...]
    complete: bool


@dataclass
class LeaseKeys:
    """Follows the entries of a log in order. Only keys of `choice` are remembered."""

    choice: KeyChoice = EVERY_KEY
    database: DatabaseLeases | None = None
    _leases_of: dict[bytes, set[int]] = field(default_factory=dict)
    _keys_of: defaultdict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    _known: set[int] = field(default_factory=set)
    """Leases whose grant was read, and every entry since: so were all their keys."""
    _all_known: bool = False
    """Whether that is so of every lease, because the database's word was taken."""
    _behind_database: bool = False
    _last_index: int | None = None

    def follow(self, index: int, story: EntryStory) -> RevokedKeys | None:
        """Take the next entry; return what it may have deleted if it revokes a lease."""
        self._note_gap(index)
        self._meet_database(index)
        self._last_index = index
        told = story.told
        if isinstance(told, LeaseGrant):
            self._known.add(told.id)
        elif isinstance(told, LeaseRevoke):
            return self._revoke(told.id)
        for found in possible_operations(told):
            if isinstance(found.operation, Put):
                self._put(found.operation, certain=not found.branch)
            elif isinstance(found.operation, DeleteRange) and not found.branch:
                self._delete(found.operation)
        return None

    def _note_gap(self, index: int) -> None:
        if self._last_index is not None and index != self._last_index + 1:
            self._known.clear()
            self._all_known = False

    def _meet_database(self, index: int) -> None:
        """At the entry behind the database's index, believe the database instead of the log."""
        if self.database is None or self._behind_database or index <= self.database.index:
            return
        self._behind_database = True
        self._all_known = index == self.database.index + 1
        self._leases_of.clear()
        self._keys_of.clear()
        for key, lease in self.database.attached.items():
            if self.choice.takes(key):
                self._attach(key, lease)

    def _put(self, put: Put, *, certain: bool) -> None:
        if put.ignore_lease or not self.choice.takes(put.key):
            return
        if certain:
            self._detach(put.key)
        if put.lease:
            self._attach(put.key, put.lease)

    def _delete(self, delete: DeleteRange) -> None:
        if not delete.range_end:
            self._detach(delete.key)
        elif len(self._leases_of) <= RANGE_SEARCH_MAX:
            gone = [key for key in self._leases_of if KeyChoice(key).meets(delete)]
            for key in gone:
                self._detach(key)

    def _attach(self, key: bytes, lease: int) -> None:
        self._leases_of.setdefault(key, set()).add(lease)
        self._keys_of[lease].add(key)

    def _detach(self, key: bytes) -> None:
        for lease in self._leases_of.pop(key, ()):
            self._keys_of[lease].discard(key)

    def _revoke(self, lease: int) -> RevokedKeys:
        keys = self._keys_of.pop(lease, set())
        for key in keys:
            self._forget_lease(key, lease)
        complete = lease in self._known or self._all_known
        if self.database is not None and not self._behind_database:
            found = self.database.deleted.get(lease, frozenset())
            keys = keys | {key for key in found if self.choice.takes(key)}
        self._known.discard(lease)
        return RevokedKeys(tuple(sorted(keys)), complete)

    def _forget_lease(self, key: bytes, lease: int) -> None:
        leases = self._leases_of[key]
        leases.discard(lease)
        if not leases:
            del self._leases_of[key]
