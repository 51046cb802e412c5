"""Which keys two databases do not hold alike, each at one of its revisions."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from requorum.formats.bbolt.columns import I64, FileBytes, Mask, Rows
from requorum.formats.kv_columns import kv_columns
from requorum.formats.records import RecordBatch
from requorum.formats.user_keys import UserKeys
from requorum.inspection.difference.matched_keys import matched_keys
from requorum.inspection.difference.readable import CHUNK_SIZE, Readable
from requorum.inspection.difference.same_bytes import Ranges, same_bytes
from requorum.inspection.difference.shared_records import SharedRecords

NO_ROW = -1


class Kind(IntEnum):
    """What became of a key from A to B.

    REWRITTEN: the same value, but its revisions, its version or its lease differ. UNKNOWN: what
    can be read differs, but a record that was lost with a damaged page may say otherwise.
    """

    ADDED = 0
    REMOVED = 1
    CHANGED = 2
    REWRITTEN = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class DifferingKeys(Rows):
    """A row for each key; the rows of its records in A and B, NO_ROW where it has none."""

    kind: I64
    a_row: I64
    b_row: I64


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys are compared: those that begin with `prefix`, and with none of `excluded`."""

    prefix: bytes = b""
    excluded: tuple[bytes, ...] = ()

    def passes(self, file: FileBytes, keys: UserKeys) -> Mask:
        """Return which keys are compared."""
        wanted = _begins_with(file, keys, self.prefix)
        for prefix in self.excluded:
            wanted &= ~_begins_with(file, keys, prefix)
        return wanted


ALL_KEYS = KeyFilter()


def _begins_with(file: FileBytes, keys: UserKeys, prefix: bytes) -> Mask:
    begins: Mask = keys.size >= len(prefix)
    for at in range(0, len(prefix), 8):
        part = prefix[at : at + 8]
        size = np.where(begins, len(part), 0)
        word = np.uint64(int.from_bytes(part, "little"))
        begins &= file.word(keys.offset + at, size) == word
    return begins


@dataclass(frozen=True, slots=True)
class ComparedKeys:
    """The keys that differ, and how many were alive on each side and compared."""

    differing: DifferingKeys
    a_count: int
    b_count: int


def compare_keys_at(
    a: Readable,
    b: Readable,
    shared: SharedRecords,
    *,
    a_revision: int,
    b_revision: int,
    wanted: KeyFilter,
) -> ComparedKeys:
    """Compare what is alive in A at one revision with what is alive in B at another."""
    a_alive = _wanted(a, a.alive_at(a_revision), wanted)
    b_alive = _wanted(b, b.alive_at(b_revision), wanted)
    alike = shared.equal & a_alive[shared.a_rows] & b_alive[shared.b_rows]
    a_left, b_left = a_alive.copy(), b_alive.copy()
    a_left[shared.a_rows[alike]] = False
    b_left[shared.b_rows[alike]] = False
    a_rows, b_rows, a_only, b_only = matched_keys(
        a, np.flatnonzero(a_left), b, np.flatnonzero(b_left)
    )
    other = ~_same_messages(a, a_rows, b, b_rows)
    a_rows, b_rows = a_rows[other], b_rows[other]
    value = _same_values(a, a_rows, b, b_rows)
    found = DifferingKeys.concatenate(
        [
            _rows(np.where(value, Kind.REWRITTEN, Kind.CHANGED), a_rows, b_rows),
            _rows(np.full(len(a_only), Kind.REMOVED), a_only, np.full(len(a_only), NO_ROW)),
            _rows(np.full(len(b_only), Kind.ADDED), np.full(len(b_only), NO_ROW), b_only),
        ]
    )
    unknown = _unknown(found, a, a_revision, b, b_revision)
    kind = np.where(unknown, Kind.UNKNOWN, found.kind)
    differing = DifferingKeys(kind, found.a_row, found.b_row)
    return ComparedKeys(differing, int(a_alive.sum()), int(b_alive.sum()))


def _wanted(side: Readable, alive: Mask, wanted: KeyFilter) -> Mask:
    if wanted == ALL_KEYS:
        return alive
    rows = np.flatnonzero(alive)
    passing = np.zeros_like(alive)
    passing[rows[wanted.passes(side.file, side.keys.take(rows))]] = True
    return passing


def _rows(kind: I64, a_row: I64, b_row: I64) -> DifferingKeys:
    return DifferingKeys(kind.astype(np.int64), a_row, b_row)


def _same_messages(a: Readable, a_rows: I64, b: Readable, b_rows: I64) -> Mask:
    """Return which rows are alike in all that a client sees.

    So are two changes of one revision that differ in their place in it alone. Other revisions
    make other messages, and those at the same place were compared before.
    """
    same: Mask = a.records.main[a_rows] == b.records.main[b_rows]
    same &= a.records.sub[a_rows] != b.records.sub[b_rows]
    ours, theirs = _messages(a, a_rows[same]), _messages(b, b_rows[same])
    same[same] = same_bytes(a.file, ours, b.file, theirs)
    return same


def _messages(side: Readable, rows: I64) -> Ranges:
    return Ranges(side.records.value_offset[rows], side.records.value_size[rows])


def _same_values(a: Readable, a_rows: I64, b: Readable, b_rows: I64) -> Mask:
    parts = [np.zeros(0, dtype=np.bool_)]
    for at in range(0, len(a_rows), CHUNK_SIZE):
        few = slice(at, at + CHUNK_SIZE)
        ours, theirs = a.records.take(a_rows[few]), b.records.take(b_rows[few])
        parts.append(_same_value(a.file, ours, b.file, theirs))
    return np.concatenate(parts)


def _same_value(a: FileBytes, ours: RecordBatch, b: FileBytes, theirs: RecordBatch) -> Mask:
    return same_bytes(a, _values(a, ours), b, _values(b, theirs))


def _values(file: FileBytes, records: RecordBatch) -> Ranges:
    kv = kv_columns(file, records)
    return Ranges(kv.value_offset, kv.value_size)


def _unknown(
    found: DifferingKeys, a: Readable, a_revision: int, b: Readable, b_revision: int
) -> Mask:
    """Return which differences a lost record could explain.

    A key that one side lacks may be in any page it lost. One that it has may have been written
    again, or deleted, at a later revision that it lost.
    """
    unknown = np.zeros(len(found), dtype=np.bool_)
    for side, rows, revision in ((a, found.a_row, a_revision), (b, found.b_row, b_revision)):
        # The state at the end is that before whatever was lost behind it, too.
        lost = side.lost.up_to(revision) if revision < side.current_revision else side.lost
        if not lost:
            continue
        there = rows != NO_ROW
        unknown |= ~there
        unknown[there] |= lost.beyond(side.records.main[rows[there]])
    return unknown
