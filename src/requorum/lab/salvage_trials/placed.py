"""Puts in the log whose revision is known though the state before them is not.

A put without a lease makes one revision, whatever was before. So from any entry of which the
revision is known one can count on, forwards and backwards, as long as entries follow each other
and none is of a kind that may change nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.requests import DeleteRange, LeaseRevoke, Put, Request, Txn, decode_request

Anchors = Mapping[int, int]
"""Index of an entry, and the revision that the store has after it."""


def placed_puts(log: Sequence[Entry], left: Collection[int], anchors: Anchors) -> dict[int, int]:
    """Return index and revision of every such put; `left` are the entries that still exist."""
    steps = {e.index: _step(e) for e in log if e.index in left}
    placed: dict[int, int] = {}
    for index, revision in anchors.items():
        placed |= dict(_forwards(steps, index, revision))
        placed |= dict(_backwards(steps, index, revision))
    return placed


def _forwards(
    steps: Mapping[int, int | None], index: int, revision: int
) -> Iterator[tuple[int, int]]:
    for following in count(index + 1):
        step = steps.get(following)
        if step is None:
            return
        revision += step
        if step:
            yield following, revision


def _backwards(
    steps: Mapping[int, int | None], index: int, revision: int
) -> Iterator[tuple[int, int]]:
    for before in count(index, -1):
        step = steps.get(before)
        if step is None:
            return
        if step:
            yield before, revision
        revision -= step


def _step(entry: Entry) -> int | None:
    """Return how many revisions an entry makes, None where that depends on the state."""
    if entry.type is not EntryType.NORMAL:
        return 0
    match decode_request(entry.data):
        case Put(lease=0):
            return 1
        case Put() | DeleteRange() | Txn() | LeaseRevoke():
            return None
        case _:
            return 0


def told_apart(log: Sequence[Entry]) -> frozenset[int]:
    """Return the puts that no other entry of the log looks like, by key and value."""
    puts = {e.index: (r.key, r.value) for e in log if isinstance(r := _request(e), Put)}
    times = Counter(puts.values())
    inside = {(p.key, p.value) for e in log if isinstance(r := _request(e), Txn) for p in _puts(r)}
    return frozenset(i for i, put in puts.items() if times[put] == 1 and put not in inside)


def _request(entry: Entry) -> Request | None:
    return decode_request(entry.data) if entry.type is EntryType.NORMAL else None


def _puts(txn: Txn) -> Iterator[Put]:
    for operation in (*txn.success, *txn.failure):
        if isinstance(operation, Put):
            yield operation
