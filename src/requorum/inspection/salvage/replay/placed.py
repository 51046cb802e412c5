"""Plain puts whose place in history is certain, whatever else is lost of the state before them.

A put without a lease makes one revision, and what changes no keys makes none. So from an entry that
is found as a record one can count on, forwards and backwards, as far as no entry is of a kind that
may do either. Telling the log needs the state before an entry, and gives up where that is lost;
this needs none, so it has the last word where the telling gave up.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import numpy as np

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.formats.requests import DeleteRange, LeaseRevoke, Put, Txn
from requorum.inspection.salvage.entry_requests import request_of
from requorum.inspection.salvage.places import place_of
from requorum.inspection.salvage.replay.anchors import Anchor
from requorum.inspection.salvage.replay.base import Truth
from requorum.inspection.salvage.replay.key_space import KeyState
from requorum.inspection.salvage.replay.told import ToldRecord
from requorum.inspection.salvage.user_key_column import print_of, value_of

_FURTHEST = 1 << 62

_LIKE = 4
"""Less than one byte in so many differs where damage has changed a key."""


def counted_puts(
    entries: Mapping[int, Entry], anchors: Iterable[Anchor], within: Iterable[tuple[int, int]]
) -> dict[int, Put]:
    """Return by revision the plain puts among the entries [first, last] of `within`.

    Those of which two anchors say different things are left out.
    """
    wanted = {index for first, last in within for index in range(first, last + 1)}
    revisions: dict[int, set[int]] = {}
    for anchor, between in _with_neighbours(anchors):
        for index, revision in _around(entries, anchor, between):
            if index in wanted:
                revisions.setdefault(index, set()).add(revision)
    puts: dict[int, Put] = {}
    for index, found in revisions.items():
        request = request_of(entries[index])
        if len(found) == 1 and isinstance(request, Put):
            puts[found.pop()] = request
    return puts


def _with_neighbours(anchors: Iterable[Anchor]) -> Iterator[tuple[Anchor, range]]:
    """Yield each anchor with the entries from the one before it to the one behind it."""
    ordered = sorted(anchors, key=lambda anchor: anchor.index)
    ends = [anchor.index for anchor in ordered]
    for before, anchor, behind in zip([0, *ends], ordered, [*ends[1:], _FURTHEST], strict=False):
        yield anchor, range(before, behind + 1)


def _around(
    entries: Mapping[int, Entry], anchor: Anchor, between: range
) -> Iterator[tuple[int, int]]:
    """Yield (index, revision) of puts from an anchor on, behind which entry the cluster stood."""
    revision = anchor.revision
    for index in count(anchor.index + 1):
        step = _step(entries, index)
        if step is None or index not in between:
            break
        revision += step
        if step:
            yield index, revision
    revision = anchor.revision
    for index in count(anchor.index, -1):
        step = _step(entries, index)
        if step is None or index not in between:
            break
        if step:
            yield index, revision
        revision -= step


def _step(entries: Mapping[int, Entry], index: int) -> int | None:
    """Return how many revisions an entry makes, None where that depends on the state."""
    entry = entries.get(index)
    if entry is None:
        return None
    match request_of(entry):
        case Put(lease=0, ignore_value=False, ignore_lease=False):
            return 1
        case Put() | DeleteRange() | Txn() | LeaseRevoke():
            return None
        case _:
            return 0


def placed_records(truth: Truth, puts: Mapping[int, Put]) -> list[ToldRecord]:
    """Return the records of such puts that no file holds so.

    A file's record that has nothing in common with the put stays: then the count may be wrong.
    """
    found = (_placed(truth, revision, put) for revision, put in sorted(puts.items()))
    return [record for record in found if record is not None]


def _placed(truth: Truth, revision: int, put: Put) -> ToldRecord | None:
    held = _held(truth, revision)
    place = place_of(revision)
    if held is None:
        return None
    if not held:
        # Where the files would hold a record and do not, it was compacted away.
        lost = not truth.is_known(revision) and not truth.is_known_place(place)
        return _told(truth, revision, put, None) if lost else None
    if any((kv.key, kv.value, kv.lease) == (put.key, put.value, 0) for kv in held):
        return None
    alike = next((kv for kv in held if _alike(kv, put)), None)
    return None if alike is None else _told(truth, revision, put, alike)


def _held(truth: Truth, revision: int) -> list[KeyValue] | None:
    """Return the puts that files hold there; None where several files agree on them."""
    begin, end = np.searchsorted(truth.mains, [revision, revision + 1]).tolist()
    settled = truth.settled
    if (settled.alike[begin:end] > 1).any():
        return None
    rows = (row for row in range(begin, end) if not settled.records.tombstone[row])
    return [KeyValue.decode(value_of(settled.files, settled.records, row)) for row in rows]


def _alike(kv: KeyValue, put: Put) -> bool:
    """Return whether damaged bytes can be all that a record differs by."""
    if kv.key == put.key or kv.value == put.value:
        return True
    if len(kv.key) != len(put.key):
        return False
    different = sum(a != b for a, b in zip(kv.key, put.key, strict=True))
    return different * _LIKE < len(put.key) and len(kv.value) == len(put.value)


def _told(truth: Truth, revision: int, put: Put, alike: KeyValue | None) -> ToldRecord:
    """Return the put as a record: numbers that damage has left come from the file."""
    create, version = 0, 0
    if alike is not None and 0 < alike.version <= revision - alike.create_revision + 1:
        create, version = alike.create_revision, alike.version
    sure = bool(version)
    if not version:
        create, version = _next_version(truth, revision, put.key)
    state = KeyState(create, revision, version, put.value, 0, sure=sure)
    return ToldRecord(place_of(revision), put.key, state, doubtful=not sure)


def _next_version(truth: Truth, revision: int, key: bytes) -> tuple[int, int]:
    """Return create revision and version as the last record of the key that is left has them."""
    settled = truth.settled
    rows = np.flatnonzero((settled.prints == print_of(key)) & (truth.mains < revision))
    if not len(rows) or settled.records.tombstone[rows[-1]]:
        return revision, 1
    before = KeyValue.decode(value_of(settled.files, settled.records, int(rows[-1])))
    return (before.create_revision, before.version + 1) if before.key == key else (revision, 1)
