"""Hold a database against the log that made it.

bbolt pages carry no checksum, WAL records do. So the log is the witness: read backwards from the
database's consistent index, each change in the database must be what the log's entries did, and
each entry that must have changed something must be found. This tells three things at once:

- the consistent index is where it says (a flipped one does not fit the last record),
- the values are those that were acknowledged (a flipped bit in a value is seen),
- nothing that the log holds is missing (which is how a rescue image is proven).

Pure. Records compacted away cannot be held against anything, so the comparison ends at the
compact revision.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.requests import (
    AlarmRequest,
    Auth,
    DeleteRange,
    LeaseRevoke,
    Put,
    Request,
    RequestOp,
    Txn,
    decode_request,
)

COMPARISONS_MAX = 1_000_000
"""Comparisons of an entry with a revision before it is given up as undecided: a log of 50,000
entries needs about as many, one made to be ambiguous could need their square."""

OLDER_REVISIONS = 3
"""So many older revisions, found in the log one behind the other, show that the log reaches back
behind a revision that it does not explain."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the `key` bucket: a put, or a tombstone (value None)."""

    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RevisionChanges:
    """All that one main revision changed, in order of the sub revision."""

    revision: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The first place, counted from the end, where database and log cannot both be right."""

    revision: int | None
    index: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """How far database and log were compared, and where they part.

    `entries` and `revisions` count what was matched. `undecided` says that the comparison was
    given up: too many entries could or could not have changed something.
    """

    entries: int
    revisions: int
    contradiction: Contradiction | None
    undecided: bool = False

    @property
    def agrees(self) -> bool:
        """Return whether no contradiction was found."""
        return self.contradiction is None


def align(
    log_backwards: Sequence[Entry],
    database_backwards: Iterator[RevisionChanges],
    *,
    oldest_revision: int,
    strict: bool,
) -> Alignment:
    """Compare, newest first, until either side ends.

    `log_backwards`: contiguous entries, the first one at the database's consistent index.
    `database_backwards`: every revision above `oldest_revision`, newest first.
    `oldest_revision`: the compact revision, 1 where there is none (etcd's first write is 2).
    `strict`: whether a put must have changed something; False where alarms, quota or auth may
    have turned puts down.
    """
    remembered = _Remembered(database_backwards)
    walk = _Walk(log_backwards, remembered, oldest_revision=oldest_revision, strict=strict)
    return walk.run()


@dataclass(frozen=True, slots=True)
class Effect:
    """What an entry does to the key space: nothing ever, certainly something, or perhaps."""

    explains: Callable[[tuple[Change, ...]], bool]
    certain: bool = False
    never: bool = False


class _Remembered:
    """An iterator that can be read again from an earlier place."""

    def __init__(self, source: Iterator[RevisionChanges]) -> None:
        self._source = source
        self._seen: list[RevisionChanges] = []

    def at(self, position: int) -> RevisionChanges | None:
        while len(self._seen) <= position:
            following = next(self._source, None)
            if following is None:
                return None
            self._seen.append(following)
        return self._seen[position]


class _Walk:
    """The comparison, with the guesses that may have to be taken back.

    A delete that matched nothing leaves no record, yet looks like an earlier delete that did, and
    a transaction may have taken the branch that wrote nothing. So a match of an entry that need
    not have changed anything is a guess: when the walk gets stuck, the latest guess is undone and
    that entry is taken to have changed nothing. No place is tried twice.
    """

    def __init__(
        self, log: Sequence[Entry], database: _Remembered, *, oldest_revision: int, strict: bool
    ) -> None:
        self.log = log
        self.database = database
        self.oldest_revision = oldest_revision
        self.strict = strict
        self.effects: list[Effect] = []
        self.guesses: list[tuple[int, int]] = []
        self.tried: set[tuple[int, int]] = set()
        self.furthest = (0, 0)
        """(place in the log, position in the database) where the longest way got stuck."""
        self.most = (0, 0)
        """(revisions matched, place in the log behind them) of the way that matched most."""

    def run(self) -> Alignment:
        here: tuple[int, int] | None = (0, 0)
        while here is not None:
            place, position = here
            if place == len(self.log):
                return Alignment(place, position, self._unexplained())
            if len(self.tried) > COMPARISONS_MAX:
                return Alignment(*self.furthest, None, undecided=True)
            group = self.database.at(position)
            if group is None and self._rest_may_be_compacted(place):
                return Alignment(place, position, None)
            here = self._step(place, position, group) or self._take_back()
        return self._contradiction(*self.furthest)

    def _step(
        self, place: int, position: int, group: RevisionChanges | None
    ) -> tuple[int, int] | None:
        """Return the next (log place, database position), or None where the two cannot both be."""
        effect = self._effect(place)
        if effect.never:
            return place + 1, position
        if (place, position) in self.tried:
            return None
        self.tried.add((place, position))
        if group is not None and effect.explains(group.changes):
            if not effect.certain:
                self.guesses.append((place + 1, position))
            self.most = max(self.most, (position + 1, -place - 1))
            return place + 1, position + 1
        if not effect.certain:
            return place + 1, position
        self.furthest = max(self.furthest, (place, position))
        return None

    def _take_back(self) -> tuple[int, int] | None:
        return self.guesses.pop() if self.guesses else None

    def _effect(self, place: int) -> Effect:
        while len(self.effects) <= place:
            entry = self.log[len(self.effects)]
            self.effects.append(effect_of(entry, strict=self.strict))
        return self.effects[place]

    def _contradiction(self, place: int, position: int) -> Alignment:
        group, entry = self.database.at(position), self.log[place]
        if group is None:
            what = f"entry {entry.index} of the log is in no revision of the database"
        else:
            what = (
                f"entry {entry.index} of the log must have made a change, "
                f"revision {group.revision} of the database is not that change"
            )
        revision = group.revision if group else None
        return Alignment(place, position, Contradiction(revision, entry.index, what))

    def _rest_may_be_compacted(self, place: int) -> bool:
        """Return whether there were revisions enough, before those compared, for what is left."""
        return self._certain_from[place] < self.oldest_revision

    @cached_property
    def _certain_from(self) -> list[int]:
        """Return, for each place in the log, how many entries from there on must be revisions."""
        last = len(self.log) - 1
        counts = accumulate(self._effect(p).certain for p in range(last, -1, -1))
        return [int(count) for count in counts][::-1]

    def _unexplained(self) -> Contradiction | None:
        """Return a revision that no entry made although the log reaches back behind it.

        Where nothing is certain, as with transactions, all entries may have written nothing. But if
        the older revisions are in the log, the one before them must be in it, too.
        """
        position, behind = self.most[0], -self.most[1]
        group = self.database.at(position)
        if group is None:
            return None
        older = position + 1
        for place in range(behind, len(self.log)):
            found, effect = self.database.at(older), self._effect(place)
            if found is None:
                return None
            if any(c.value for c in found.changes) and effect.explains(found.changes):
                older += 1
            if older - position > OLDER_REVISIONS:
                what = (
                    f"revision {group.revision} of the database was made by no entry of the log, "
                    "although the log made older ones"
                )
                return Contradiction(group.revision, None, what)
        return None


_NOTHING = Effect(explains=lambda _: False, never=True)


def effect_of(entry: Entry, *, strict: bool) -> Effect:
    """Return what applying `entry` may leave in the `key` bucket."""
    if entry.type is not EntryType.NORMAL:
        return _NOTHING
    return _effect_of_request(decode_request(entry.data), strict=strict)


def _effect_of_request(request: Request, *, strict: bool) -> Effect:
    match request:
        case Put():
            plain = not (request.lease or request.ignore_lease or request.ignore_value)
            return Effect(explains=lambda c: _is_put(c, request), certain=strict and plain)
        case DeleteRange():
            return Effect(explains=lambda c: _are_deletes(c, request))
        case Txn():
            return Effect(explains=lambda c: _is_branch(c, request))
        case LeaseRevoke():
            return Effect(explains=lambda c: bool(c) and all(x.value is None for x in c))
        case _:
            return _NOTHING


def turns_puts_down(entries: Sequence[Entry]) -> bool:
    """Return whether some entry touches alarms or auth: then puts may have been refused."""
    return any(
        isinstance(decode_request(e.data), AlarmRequest | Auth)
        for e in entries
        if e.type is EntryType.NORMAL
    )


def _is_put(changes: tuple[Change, ...], put: Put) -> bool:
    return len(changes) == 1 and _put_fits(changes[0], put)


def _put_fits(change: Change, put: Put) -> bool:
    if change.value is None or change.key != put.key:
        return False
    return put.ignore_value or change.value == put.value


def _are_deletes(changes: tuple[Change, ...], delete: DeleteRange) -> bool:
    return bool(changes) and all(_delete_fits(change, delete) for change in changes)


def _delete_fits(change: Change, delete: DeleteRange) -> bool:
    return change.value is None and in_range(change.key, delete.key, delete.range_end)


def in_range(key: bytes, start: bytes, end: bytes) -> bool:
    """Return whether `key` lies in etcd's range: one key, [start, end), or all from start on."""
    if not end:
        return key == start
    return key >= start and (end == b"\0" or key < end)


def _is_branch(changes: tuple[Change, ...], txn: Txn) -> bool:
    """Return whether one branch of the transaction can have written exactly these changes."""
    return bool(changes) and len(changes) in _behind_txn(changes, txn, {0})


def _behind_txn(changes: tuple[Change, ...], txn: Txn, starts: set[int]) -> set[int]:
    """Return how many changes can be explained once the transaction is through."""
    return _behind(changes, txn.success, starts) | _behind(changes, txn.failure, starts)


def _behind(
    changes: tuple[Change, ...], operations: tuple[RequestOp, ...], starts: set[int]
) -> set[int]:
    """Follow all ways at once: unfolding nested branches would take the power of their number."""
    places = starts
    for operation in operations:
        if not places:
            break
        if isinstance(operation, Txn):
            places = _behind_txn(changes, operation, places)
        elif isinstance(operation, Put):
            fits = (p for p in places if p < len(changes) and _put_fits(changes[p], operation))
            places = {p + 1 for p in fits}
        elif isinstance(operation, DeleteRange):
            places = _behind_delete(changes, operation, places)
    return places


def _behind_delete(changes: tuple[Change, ...], delete: DeleteRange, starts: set[int]) -> set[int]:
    places = set(starts)
    for place, change in enumerate(changes):
        if place in places and _delete_fits(change, delete):
            places.add(place + 1)
    return places
