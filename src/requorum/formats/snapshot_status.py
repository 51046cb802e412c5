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
from requorum.formats.bbolt.sweep import Sweep
from requorum.formats.beside import Begin
from requorum.formats.content_hash import ContentSums, Sums, content_hash
from requorum.formats.live_keys import KeyPrints, live_key_count
from requorum.formats.records import BUCKET, NO_RECORD, record_kinds
from requorum.formats.snapshot_numbers import SnapshotStatus
from requorum.formats.source import Source
from requorum.formats.user_keys import user_keys

_SEMVER = re.compile(rb"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class _Share:
    """What some leaves add: all, or those of one share of a sweep."""

    sums: Sums
    rows: int
    keys: list[KeyPrints]
    revision: int


def snapshot_status(source: Source, begin: Begin | None = None) -> SnapshotStatus:
    """Return the numbers; DamagedInput for a cut file, and at the first damage met on the way.

    Every page that holds data is followed, and its elements are read; but not whether keys are in
    order, nor more of a record than its key. Reads the whole source once as one buffer: give it a
    mapping, not a file far away. `begin` begins with half of the work elsewhere.
    """
    database = Database(source)
    database.refuse_cut()
    file = FileBytes(source)
    shares = _read_shares(database, file, begin)
    keys = [part for share in shares for part in share.keys]
    revisions = [share.revision for share in shares if share.keys]
    return SnapshotStatus(
        hash=content_hash(list(database.bucket_names()), [share.sums for share in shares]),
        revision=revisions[-1] if revisions else 0,
        total_keys_all_buckets=sum(share.rows for share in shares),
        total_keys_live=live_key_count(file, keys),
        total_size=database.meta.logical_size,
        storage_version=storage_version(database),
    )


def _read_shares(database: Database, file: FileBytes, begin: Begin | None) -> list[_Share]:
    """Return all shares in order: of each bucket, what a later one has comes later."""
    if begin is None:
        return [_read_share(database, file, share=0, of=1)]
    with begin(lambda: _read_share(database, file, share=1, of=2)) as other:
        return [_read_share(database, file, share=0, of=2), other.result()]


def _read_share(database: Database, file: FileBytes, *, share: int, of: int) -> _Share:
    log, content, keys, revision = DamageLog(), ContentSums(file), [], 0
    sweep = Sweep(file, database.meta, log, share=share, of=of)
    for chunk in sweep.chunks():
        log.raise_first()
        # This comes first: it brings into the cache what is read of the keys afterwards.
        content.add(chunk)
        records = sweep.leaves_of(BUCKET, chunk)
        if records is not None and len(records):
            keys.append(_keys(file, records))
            revision = int(file.u64_big_endian(records.key_offset[-1:]).view(np.int64)[0])
    log.raise_first()
    return _Share(content.sums, content.rows, keys, revision)


def _keys(file: FileBytes, records: ElementRows) -> KeyPrints:
    tombstone, fine = record_kinds(file, records)
    if not fine.all():
        where = int(records.offset[~fine][0])
        raise DamagedInput(f"database byte {where}: {NO_RECORD}")
    return KeyPrints.of(file, user_keys(file, records), tombstone)


def storage_version(database: Database) -> str:
    """Return the version that the file says it is written in; empty where none, or no version."""
    meta = database.bucket(b"meta")
    value = meta.get(b"storageVersion") if meta is not None else None
    match = _SEMVER.fullmatch(value or b"")
    return ".".join(str(int(number)) for number in match.groups()) if match else ""
