"""The numbers that `etcdutl snapshot status` prints, from one pass over the file, or two at once.

Source: etcdutl/snapshot/v3_snapshot.go `Status`.
"""

import re
from dataclasses import dataclass

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import ElementRows, FileBytes
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.sweep import Chunk, Sweep
from requorum.formats.beside import Begin
from requorum.formats.content_hash import Sum, content_hash, sums_of
from requorum.formats.live_keys import KeyPrints, live_key_count
from requorum.formats.records import BUCKET, NO_RECORD, record_kinds
from requorum.formats.snapshot_numbers import SnapshotStatus
from requorum.formats.source import Source
from requorum.formats.user_keys import user_keys

_SEMVER = re.compile(rb"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class _ChunkNumbers:
    """What one chunk of leaves adds; `keys` and `revision` where records are among them."""

    sums: tuple[Sum, ...]
    rows: int
    keys: KeyPrints | None
    revision: int


def snapshot_status(source: Source, begin: Begin | None = None) -> SnapshotStatus:
    """Return the numbers; DamagedInput at the first damage that is met on the way.

    Every page that holds data is followed, and its elements are read; but not whether keys are in
    order, nor more of a record than its key. Reads the whole source once as one buffer: give it a
    mapping, not a file far away. `begin` begins with half of the work elsewhere.
    """
    database, file = Database(source), FileBytes(source)
    numbers = _read_numbers(database, file, begin)
    keys = [found.keys for found in numbers if found.keys is not None]
    revisions = [found.revision for found in numbers if found.keys is not None]
    sums = (part for found in numbers for part in found.sums)
    return SnapshotStatus(
        hash=content_hash(list(database.bucket_names()), sums),
        revision=revisions[-1] if revisions else 0,
        total_keys_all_buckets=sum(found.rows for found in numbers),
        total_keys_live=live_key_count(file, keys),
        total_size=database.meta.logical_size,
        storage_version=storage_version(database),
    )


def _read_numbers(database: Database, file: FileBytes, begin: Begin | None) -> list[_ChunkNumbers]:
    """Return the numbers of all chunks; those of one bucket are in the order of its keys."""
    if begin is None:
        return _read_share(database, file, share=0, of=1)
    with begin(lambda: _read_share(database, file, share=1, of=2)) as other:
        return [*_read_share(database, file, share=0, of=2), *other.result()]


def _read_share(database: Database, file: FileBytes, *, share: int, of: int) -> list[_ChunkNumbers]:
    log = DamageLog()
    sweep, numbers = Sweep(file, database.meta, log, share=share, of=of), []
    for chunk in sweep.chunks():
        log.raise_first()
        if chunk.is_leaf:
            numbers.append(_chunk_numbers(file, chunk, sweep.leaves_of(BUCKET, chunk)))
    log.raise_first()
    return numbers


def _chunk_numbers(file: FileBytes, chunk: Chunk, records: ElementRows | None) -> _ChunkNumbers:
    # The sums come first: they bring into the cache what is read of the keys afterwards.
    sums, keys, revision = tuple(sums_of(file, chunk)), None, 0
    if records is not None and len(records):
        tombstone, fine = record_kinds(file, records)
        if not fine.all():
            where = int(records.offset[~fine][0])
            raise DamagedInput(f"database byte {where}: {NO_RECORD}")
        keys = KeyPrints.of(file, user_keys(file, records), tombstone)
        revision = int(file.u64_big_endian(records.key_offset[-1:]).view(np.int64)[0])
    return _ChunkNumbers(sums, chunk.row_count, keys, revision)


def storage_version(database: Database) -> str:
    """Return the version that the file says it is written in; empty where none, or no version."""
    meta = database.bucket(b"meta")
    value = meta.get(b"storageVersion") if meta is not None else None
    match = _SEMVER.fullmatch(value or b"")
    return ".".join(str(int(number)) for number in match.groups()) if match else ""
