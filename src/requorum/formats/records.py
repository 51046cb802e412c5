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
NO_RECORD = "the key of a record is not a revision"

_REVISION_MAX = np.uint64((1 << 63) - 1)


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
    batch, fine = record_rows(file, elements)
    if not fine.all():
        where = int(elements.offset[~fine][0])
        raise DamagedInput(f"database byte {where}: {NO_RECORD}")
    return batch


def record_rows(file: FileBytes, elements: ElementRows) -> tuple[RecordBatch, Mask]:
    """Return what every element says as a record, and which of them are records indeed."""
    tombstone, fine = record_kinds(file, elements)
    offset = _where_fine(elements, fine)
    main, sub = file.u64_big_endian(offset), file.u64_big_endian(offset + 9)
    fine &= (main | sub) <= _REVISION_MAX
    fine &= file.byte(offset + 8) == ord("_")
    return RecordBatch(
        main.view(np.int64), sub.view(np.int64), tombstone,
        elements.key_offset, elements.key_size, elements.value_offset, elements.value_size,
    ), fine  # fmt: skip  # columns in the order of their declaration


def record_kinds(file: FileBytes, elements: ElementRows) -> tuple[Mask, Mask]:
    """Return which records are tombstones, and which elements may be records by their size."""
    tombstone = elements.key_size == TOMBSTONE_SIZE
    fine = elements.sound & (elements.word == 0)
    fine &= tombstone | (elements.key_size == REVISION_SIZE)
    marked = np.flatnonzero(tombstone & fine)
    fine[marked] = file.byte(elements.key_offset[marked] + REVISION_SIZE) == ord("t")
    return tombstone, fine


def _where_fine(elements: ElementRows, fine: Mask) -> I64:
    """Return the keys' places; that of other elements may be anywhere, so they get the first."""
    return elements.key_offset if fine.all() else np.where(fine, elements.key_offset, 0)


def _check_order(batch: RecordBatch, last: tuple[int, int]) -> None:
    fine = following(batch, last)
    if not fine.all():
        where = int(batch.key_offset[~fine][0])
        raise DamagedInput(f"database byte {where}: a record's revision is not greater than before")


def following(batch: RecordBatch, last: tuple[int, int]) -> Mask:
    """Return which records have a greater revision than the one before; `last` is before all."""
    main = np.concatenate([[last[0]], batch.main])
    sub = np.concatenate([[last[1]], batch.sub])
    greater: Mask = (main[1:] > main[:-1]) | (main[1:] == main[:-1]) & (sub[1:] > sub[:-1])
    return greater
