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

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.requests import (
    AlarmRequest,
    Auth,
    DeleteRange,
    LeaseRevoke,
    Put,
    Request,
    Txn,
    decode_request,
)

STEPS_BACK_MAX = 20_000
"""Wrong guesses that may be taken back before the comparison gives up as undecided."""


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

    A delete that matched nothing leaves no record, yet looks like an earlier delete that did. So
    matching an entry that need not have changed anything is a guess: when the walk gets stuck, the
    latest guess is undone and that entry is taken to have changed nothing.
    """

    def __init__(
        self, log: Sequence[Entry], database: _Remembered, *, oldest_revision: int, strict: bool
    ) -> None:
        self.log = log
        self.database = database
        self.oldest_revision = oldest_revision
        self.strict = strict
        self.guesses: list[tuple[int, int]] = []
        self.furthest = (0, 0)
        self.problem: Contradiction | None = None

    def run(self) -> Alignment:
        place, position = 0, 0
        steps_back = 0
        while place < len(self.log):
            group = self.database.at(position)
            if group is None:
                return self._database_ended(place, position)
            moved = self._step(place, position, group)
            if moved is not None:
                place, position = moved
                continue
            if not self.guesses or steps_back >= STEPS_BACK_MAX:
                undecided = bool(self.guesses)
                problem = None if undecided else self.problem
                return Alignment(*self.furthest, problem, undecided=undecided)
            place, position = self.guesses.pop()
            place += 1
            steps_back += 1
        return Alignment(place, position, None)

    def _step(self, place: int, position: int, group: RevisionChanges) -> tuple[int, int] | None:
        """Return the next (log place, database position), or None where the two cannot both be."""
        entry = self.log[place]
        effect = effect_of(entry, strict=self.strict)
        if effect.never:
            return place + 1, position
        if effect.explains(group.changes):
            if not effect.certain:
                self.guesses.append((place, position))
            return place + 1, position + 1
        if not effect.certain:
            return place + 1, position
        if (place, position) >= self.furthest:
            self.furthest = (place, position)
            self.problem = Contradiction(
                group.revision,
                entry.index,
                f"entry {entry.index} of the log must have made a change, "
                f"revision {group.revision} of the database is not that change",
            )
        return None

    def _database_ended(self, place: int, position: int) -> Alignment:
        """Older entries were compacted away, if there are revisions enough for them to be in."""
        certain = [e for e in self.log[place:] if effect_of(e, strict=self.strict).certain]
        if len(certain) < self.oldest_revision:
            return Alignment(place, position, None)
        what = f"entry {certain[0].index} of the log is in no revision of the database"
        return Alignment(place, position, Contradiction(None, certain[0].index, what))


@dataclass(frozen=True, slots=True)
class Effect:
    """What an entry does to the key space: nothing ever, certainly something, or perhaps."""

    explains: Callable[[tuple[Change, ...]], bool]
    certain: bool = False
    never: bool = False


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
    return any(
        _consumes(changes, tuple(branch)) == len(changes) and bool(changes)
        for branch in _branches(txn)
    )


def _branches(txn: Txn) -> Iterator[tuple[Put | DeleteRange, ...]]:
    """Yield every sequence of writes that the transaction can come to, nested ones unfolded."""
    for operations in (txn.success, txn.failure):
        yield from _unfold(tuple(operations))


def _unfold(operations: tuple[object, ...]) -> Iterator[tuple[Put | DeleteRange, ...]]:
    if not operations:
        yield ()
        return
    first, rest = operations[0], operations[1:]
    heads: Iterator[tuple[Put | DeleteRange, ...]]
    if isinstance(first, Txn):
        heads = _branches(first)
    elif isinstance(first, Put | DeleteRange):
        heads = iter([(first,)])
    else:
        heads = iter([()])
    tails = list(_unfold(rest))
    for head in heads:
        for tail in tails:
            yield head + tail


def _consumes(changes: tuple[Change, ...], writes: tuple[Put | DeleteRange, ...]) -> int:
    """Return how many of the changes the writes explain, in order, from the first on."""
    position = 0
    for write in writes:
        if isinstance(write, Put):
            if position >= len(changes) or not _put_fits(changes[position], write):
                return -1
            position += 1
        else:
            while position < len(changes) and _delete_fits(changes[position], write):
                position += 1
    return position
