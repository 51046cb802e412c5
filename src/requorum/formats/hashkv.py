"""The hash that a server answers to Maintenance.HashKV, computed from its file.

Source: etcd server/storage/mvcc/hash.go and key_index.go `keep`.
"""

from dataclasses import dataclass

import numpy as np
from crc32c import crc32c

from requorum.errors import UsageError
from requorum.formats.backend import read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import FileBytes, Mask
from requorum.formats.records import BUCKET, RecordBatch, scan_all
from requorum.formats.user_keys import last_of_each_key, user_keys


@dataclass(frozen=True, slots=True)
class KvHash:
    """CRC32C of the records up to `revision`. Comparable only as the whole triple."""

    hash: int
    compact_revision: int
    revision: int


def hash_kv(database: Database, revision: int = 0, compact_revision: int | None = None) -> KvHash:
    """Return the hash at a revision, 0 for the current one.

    Equals the server's answer for a revision above the last compaction; for the last ten
    compaction revisions themselves a server (3.5.5 on) answers with a hash that it cached.

    `compact_revision` hashes as if the history had been compacted there, so that files which
    are compacted to different revisions can be compared; it must not be below the file's own.
    A server skips nothing while no key is alive; with the override everything superseded is
    skipped always, since another file may have lost it already.

    Raises UsageError when the revision is compacted or in the future, DamagedInput for a cut file.
    """
    database.refuse_cut()
    state = read_backend(database)
    compacted = state.compact_revision if compact_revision is None else compact_revision
    revision = revision or state.current_revision
    _check_revision(revision, compacted, state.compact_revision, state.current_revision)
    file = FileBytes(database.source)
    records = scan_all(database, file)
    records = records.take(records.main <= revision)
    records = records.take(~_skipped(file, records, compacted, always=compact_revision is not None))
    return KvHash(_crc(file, records), compacted, revision)


def _check_revision(revision: int, compacted: int, own: int, current: int) -> None:
    if compacted < own:
        raise UsageError(f"history before revision {own} is compacted away, {compacted} asked for")
    if revision < compacted:
        raise UsageError(f"revision {revision} is compacted: the compact revision is {compacted}")
    if revision > current:
        raise UsageError(f"revision {revision} is in the future: the current one is {current}")


def _skipped(file: FileBytes, records: RecordBatch, compacted: int, *, always: bool) -> Mask:
    """Return the records that a compaction at `compacted` does not keep.

    What is kept at the hashed revision, to which `records` are cut, is the last record of each
    key unless that is a tombstone: `keep` walks generations, which comes to the same.
    """
    old = records.main <= compacted
    if not old.any():
        return old
    kept = last_of_each_key(file, user_keys(file, records)) & ~records.tombstone
    skipped: Mask = old & (records.main == compacted) & records.tombstone
    if always or kept.any():
        skipped |= old & ~kept
    return skipped


def _crc(file: FileBytes, records: RecordBatch) -> int:
    """Feed the records; those that lie next to each other, as most on a page do, at once."""
    begins, ends = records.key_offset, records.value_offset + records.value_size
    gaps = np.flatnonzero(begins[1:] != ends[:-1])
    firsts = begins[np.concatenate([[0], gaps + 1])] if len(records) else begins
    lasts = ends[np.concatenate([gaps, [-1]])] if len(records) else ends
    running = crc32c(BUCKET)
    for begin, end in zip(firsts.tolist(), lasts.tolist(), strict=True):
        running = crc32c(file.view[begin:end], running)
    return running
