"""Where a log and the history of revisions meet: behind which entry the cluster stood where.

A database says so itself: its consistent index, and its last revision. Otherwise records tell: a
put in the log and a record with the same key and value are the same event, if that makes sense for
many of them together.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.formats.requests import DeleteRange, LeaseRevoke, Put, Txn
from requorum.inspection.salvage.damaged_leaf import longest_ascending
from requorum.inspection.salvage.entry_requests import request_of
from requorum.inspection.salvage.replay.base import Truth
from requorum.inspection.salvage.user_key_column import value_of
from requorum.inspection.salvage.witness import Standing, Witness

PROBES = 2000
"""Records that are looked for in the log, spread over all of them."""
NEAR = 500
"""So many entries on both sides of a consistent index are held against the last records."""
TRIED = 64
"""So many revisions are tried, and so many entries, to find where a log goes on behind a hole."""
AGREEING_MIN = 3
"""So many probes must be found, in the right order, for an anchor."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Behind entry `index` the cluster stood at `revision`. `witness` is the database that says so.

    Without a witness both were found by comparing records.
    """

    index: int
    revision: int
    witness: Witness | None = None


def witness_anchors(truth: Truth) -> list[Anchor]:
    """Return what the databases say of themselves, in the order of the log."""
    found = [
        Anchor(witness.index, witness.last, witness)
        for witness in truth.settled.witnesses
        if witness.index and not witness.gap_at_end and witness.standing is Standing.CURRENT
    ]
    return sorted(found, key=lambda anchor: (anchor.index, anchor.revision))


def misplaced(truth: Truth, anchor: Anchor, entries: Mapping[int, Entry]) -> str | None:
    """Return why a database cannot stand where it says that it does, None where nothing says so.

    Its consistent index has no checksum. Its last records tell what the log's entries before it
    were, and that none of those behind it is in it already.
    """
    entry = entries.get(anchor.index)
    term = anchor.witness.term if anchor.witness is not None else None
    if entry is not None and term is not None and entry.term != term:
        return f"it applied entry {anchor.index} of term {term}, the log has term {entry.term}"
    window = range(anchor.index - NEAR, anchor.index + NEAR + 1)
    near = {index: entries[index] for index in window if index in entries}
    probes = _probes(truth, up_to=anchor.revision, count=NEAR)
    fitting, odd = 0, []
    for index, main in _found(near, probes).items():
        # Each entry makes one revision at most; and what is behind the index is not in it.
        furthest = anchor.revision - (anchor.index - index)
        if index <= anchor.index and main >= furthest:
            fitting += 1
        else:
            odd.append((index, main))
    if len(odd) <= fitting:
        return None  # the same content put twice makes some look odd
    index, main = odd[0]
    return (
        f"its consistent index is {anchor.index}, yet its revision {main} of "
        f"{anchor.revision} was made by entry {index}"
    )


def anchors_by_content(
    truth: Truth, entries: Mapping[int, Entry], first: int, last: int, *, probes_max: int = PROBES
) -> list[Anchor]:
    """Return where the puts among entries [first, last] are found as records, ascending.

    There may be holes between them. About `probes_max` records are looked for.

    Each entry makes at most one revision, so two anchors are never further apart in revisions than
    in entries. What does not fit to most of the others is left out.
    """
    newest = int(truth.mains[-1]) if len(truth.mains) else 0
    probes = _probes(truth, up_to=newest, probes_max=probes_max)
    among = range(first, last + 1)
    pairs = _found({index: entries[index] for index in among if index in entries}, probes)
    indexes = list(pairs)
    chain = [indexes[row] for row in longest_ascending(list(pairs.values()))]
    chosen = list(_near_enough(chain, pairs))
    if len(chosen) < min(AGREEING_MIN, len(truth.mains)):
        return []
    return [Anchor(index - 1, pairs[index] - 1) for index in chosen]


def _found(
    entries: Mapping[int, Entry], probes: Mapping[bytes, list[tuple[int, bytes]]]
) -> dict[int, int]:
    """Return the main revision of each entry whose put is the only probe that it can be."""
    pairs: dict[int, int] = {}
    times: Counter[int] = Counter()
    for index, entry in entries.items():
        put = request_of(entry)
        if isinstance(put, Put) and put.key in probes and not put.ignore_value:
            mains = [m for m, value in probes[put.key] if value == put.value]
            if len(mains) == 1:
                pairs[index] = mains[0]
                times[mains[0]] += 1
    # The same put twice: nobody knows which of the two it was.
    return {index: main for index, main in pairs.items() if times[main] == 1}


def _near_enough(chain: list[int], pairs: Mapping[int, int]) -> Iterator[int]:
    before: int | None = None
    for index in chain:
        if before is None or pairs[index] - pairs[before] <= index - before:
            yield index
            before = index


def _probes(
    truth: Truth, *, up_to: int, count: int | None = None, probes_max: int = PROBES
) -> dict[bytes, list[tuple[int, bytes]]]:
    """Return (main revision, value) of puts by key: the last `count` ones, or some of all."""
    records = truth.settled.records
    end = int(np.searchsorted(truth.mains, up_to, side="right"))
    rows = np.flatnonzero(~records.tombstone[:end] & (records.value_size[:end] > 0))
    step = 1 if count is not None else max(len(rows) // probes_max, 1)
    found: dict[bytes, list[tuple[int, bytes]]] = {}
    for row in rows[::-step][:count].tolist():
        kv = KeyValue.decode(value_of(truth.settled.files, records, row))
        found.setdefault(kv.key, []).append((int(truth.mains[row]), kv.value))
    return found


def moved_back(anchor: Anchor, entries: Mapping[int, Entry], first: int) -> Anchor:
    """Return an anchor as far before this one as the entries leave no doubt, not before `first`.

    A plain put is one revision; what changes no keys is none; anything else may be either.
    """
    index, revision = anchor.index, anchor.revision
    while index >= first and revision > 1:
        request = request_of(entries[index])
        if isinstance(request, Put):
            if request.lease or request.ignore_lease or request.ignore_value:
                break
            revision -= 1
        elif isinstance(request, DeleteRange | Txn | LeaseRevoke):
            break
        index -= 1
    return Anchor(index, revision)


def revision_before(
    truth: Truth, entries: Mapping[int, Entry], first: int, low: int, high: int
) -> int | None:
    """Return the revision in [low, high] behind which entry `first` stands, None where unclear.

    Plain puts are counted on from each, as far as no entry is in doubt; the one counts whose
    revisions hold those puts.
    """
    puts = list(_counted_puts(entries, first))
    scores = {}
    for revision in range(low, min(high, low + TRIED) + 1):
        found = [_holds(truth, revision + count, put) for count, put in puts]
        scores[revision] = found.count(True) - found.count(False)
    best = max(scores.values(), default=0)
    chosen = [revision for revision, score in scores.items() if score == best]
    return chosen[0] if best > 0 and len(chosen) == 1 else None


def _counted_puts(entries: Mapping[int, Entry], first: int) -> Iterator[tuple[int, Put]]:
    """Yield the puts from an entry on, each with how many revisions there are up to it."""
    count = 0
    for index in range(first, first + TRIED):
        request = request_of(entries[index]) if index in entries else None
        if index not in entries or isinstance(request, DeleteRange | Txn | LeaseRevoke):
            return
        if isinstance(request, Put):
            if request.lease or request.ignore_value or request.ignore_lease:
                return
            count += 1
            yield count, request


def _holds(truth: Truth, main: int, put: Put) -> bool | None:
    """Return whether a revision holds a put; None where nothing of it is left."""
    begin = int(np.searchsorted(truth.mains, main))
    end = int(np.searchsorted(truth.mains, main, side="right"))
    if begin == end:
        return None
    records = truth.settled.records
    kv = KeyValue.decode(value_of(truth.settled.files, records, begin))
    same = (kv.key, kv.value) == (put.key, put.value)
    return end - begin == 1 and not records.tombstone[begin] and same
