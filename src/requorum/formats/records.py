"""Every record of the bucket `key`, in columns; and single revisions, by look-up.

Source: etcd server/storage/mvcc/revision.go.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import I64, ElementRows, FileBytes, Mask, Rows
from requorum.formats.bbolt.leaves import bucket_elements
from requorum.formats.mvcc import (
    REVISION_SIZE,
    TOMBSTONE_SIZE,
    KeyValue,
    Revision,
    RevisionKey,
)

BUCKET = b"key"


@dataclass(frozen=True, slots=True)
class RecordBatch(Rows):
    """Some records in the order of their revisions; offsets are those of `database.source`.

    `key_offset` and `key_size` name the record's key, which is its revision; the user's key is
    inside the value, see `requorum.formats.mvcc.KeyValue`.
    """

    main: I64
    sub: I64
    tombstone: Mask
    key_offset: I64
    key_size: I64
    value_offset: I64
    value_size: I64


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one revision: a put, or the tombstone of a deletion."""

    revision: Revision
    tombstone: bool
    kv: KeyValue


def scan(database: Database, file: FileBytes | None = None) -> Iterator[RecordBatch]:
    """Yield all records in order; DamagedInput at the first that is none.

    Reads the whole source once as one buffer: give it a mapping, not a file far away.
    """
    bucket = database.bucket(BUCKET)
    if bucket is None:
        return
    file = file or FileBytes(database.source)
    last = (-1, -1)
    for elements in bucket_elements(file, database.meta, bucket):
        batch = _batch(file, elements)
        if len(batch):
            _check_order(batch, last)
            last = int(batch.main[-1]), int(batch.sub[-1])
            yield batch


def scan_all(database: Database, file: FileBytes | None = None) -> RecordBatch:
    """Return all records at once: about 50 bytes of memory for each."""
    none = np.zeros(0, dtype=np.int64)
    empty = RecordBatch(none, none, none == 1, none, none, none, none)
    return RecordBatch.concatenate([empty, *scan(database, file)])


def record_at(database: Database, main: int) -> tuple[Change, ...]:
    """Return what was written at a revision, in order; empty when nothing is left of it."""
    bucket = database.bucket(BUCKET)
    if bucket is None or main < 0:
        return ()
    changes = []
    for key, value in bucket.items(Revision(main).encode()):
        parsed = RevisionKey.parse(key)
        if parsed.revision.main != main:
            break
        changes.append(Change(parsed.revision, parsed.tombstone, KeyValue.decode(value)))
    return tuple(changes)


def _batch(file: FileBytes, elements: ElementRows) -> RecordBatch:
    offset, size = elements.key_offset, elements.key_size
    tombstone = size == TOMBSTONE_SIZE
    eight = np.full(len(offset), 8, dtype=np.int64)
    main, sub = file.key_block(offset, eight), file.key_block(offset + 9, eight)
    separator, mark = _byte(file, offset + 8), _byte(file, offset + size - 1)
    bad = ~tombstone & (size != REVISION_SIZE) | (separator != ord("_"))
    bad |= tombstone & (mark != ord("t")) | (elements.word != 0)
    bad |= (main >> np.uint64(63) != 0) | (sub >> np.uint64(63) != 0)
    if bad.any():
        where = int(elements.offset[bad][0])
        raise DamagedInput(f"database byte {where}: the key of a record is not a revision")
    return RecordBatch(
        main.astype(np.int64), sub.astype(np.int64), tombstone,
        offset, size, elements.value_offset, elements.value_size,
    )  # fmt: skip  # columns in the order of their declaration


def _byte(file: FileBytes, offsets: I64) -> I64:
    one = np.ones(len(offsets), dtype=np.int64)
    return (file.key_block(offsets, one) >> np.uint64(56)).astype(np.int64)


def _check_order(batch: RecordBatch, last: tuple[int, int]) -> None:
    main = np.concatenate([[last[0]], batch.main])
    sub = np.concatenate([[last[1]], batch.sub])
    fine = (main[1:] > main[:-1]) | (main[1:] == main[:-1]) & (sub[1:] > sub[:-1])
    if not fine.all():
        where = int(batch.key_offset[~fine][0])
        raise DamagedInput(f"database byte {where}: a record's revision is not greater than before")
