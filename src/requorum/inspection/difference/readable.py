"""What one database, sound or damaged, still says of its keys' history."""

from dataclasses import dataclass, field

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.backend import BackendState, read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import check
from requorum.formats.bbolt.columns import FileBytes, Mask
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import read_metas
from requorum.formats.bucket_rows import BucketRows
from requorum.formats.kv_columns import KvColumns, kv_columns, note_odd_records
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.records import RecordBatch, scan
from requorum.formats.source import Source
from requorum.formats.user_keys import UserKeys, last_of_each_key
from requorum.inspection.difference.damaged_records import no_records, records_despite_damage
from requorum.inspection.difference.lost_revisions import LostRevisions

CHUNK_SIZE = 1 << 17
"""Records at a time: decoding takes some hundred bytes for each."""

_SALVAGE_HINT = "`requorum salvage` gets out of it what can still be proven."


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """All records that can be read, in the order of their revisions, each once.

    `keys` are the users' keys, row by row. `compact_revision` is -1 where nothing was compacted,
    and None where the database does not say any more. `current_revision` is the greatest that can
    be read; there was a greater one where `lost` goes beyond it. `damages` are the first thousand
    findings of `damage_count`.
    """

    file: FileBytes
    records: RecordBatch
    keys: UserKeys
    state: BackendState
    compact_revision: int | None
    current_revision: int
    lost: LostRevisions
    damages: tuple[str, ...] = ()
    damage_count: int = 0
    database: Database = field(repr=False)

    @property
    def cut(self) -> str | None:
        """Return in words that the file ends before its pages do, None where it does not."""
        return self.database.meta.cut_at(self.database.source.size)

    def alive_at(self, revision: int) -> Mask:
        """Return which records are a key's newest at a revision, and no deletion.

        The marker that a bumped revision leaves is of no key.
        """
        reached = int(np.searchsorted(self.records.main, revision, side="right"))
        alive = np.zeros(len(self.records), dtype=np.bool_)
        if reached:
            alive[:reached] = last_of_each_key(self.file, self.keys.take(slice(0, reached)))
        return alive & ~self.records.tombstone & (self.records.value_size > 0)

    def message(self, row: int) -> KeyValue:
        """Return one record's content."""
        begin, size = int(self.records.value_offset[row]), int(self.records.value_size[row])
        return KeyValue.decode(self.file.view[begin : begin + size])

    def key(self, row: int) -> bytes:
        """Return one record's key, the user's."""
        begin, size = int(self.keys.offset[row]), int(self.keys.size[row])
        return bytes(self.file.view[begin : begin + size])


def read_readable(source: Source) -> Readable:
    """Read all records; DamagedInput where none can be read, or where it is no etcd database.

    Every page is checked and every record decoded. Reads the whole source as one buffer: give it
    a mapping, not a file far away. Memory: about 70 bytes for each record.
    """
    try:
        return _read(source)
    except DamagedInput as error:
        raise DamagedInput(_cut(source) or error.message, hint=_SALVAGE_HINT) from error


def _cut(source: Source) -> str | None:
    """Return in words that the file is cut: then that is why nothing can be read."""
    metas = read_metas(source)
    return metas.current.cut_at(source.size) if metas.valid else None


def _read(source: Source) -> Readable:
    checked, log = check(source), DamageLog()
    database = Database(source, checked.meta)
    if database.bucket(b"key") is None or _lacks(database, b"meta"):
        raise DamagedInput("it is a bbolt file, but holds no etcd buckets")
    file = FileBytes(source)
    records, lost = _records(database, file, log)
    keys, malformed = _decoded(file, records, checked.meta.page_size, log)
    mains = records.main[malformed]
    lost = LostRevisions.of([*lost.ranges, *((main, main) for main in mains.tolist())])
    records, keys = records.take(~malformed), keys.take(~malformed)
    state, compacted = _state(database, log)
    last = int(records.main[-1]) if len(records) else 0
    if lost and not len(records):
        raise DamagedInput("none of its records can be read")
    return Readable(
        file=file,
        records=records,
        keys=keys,
        state=state,
        compact_revision=compacted,
        current_revision=max(1, last, -1 if compacted is None else compacted),
        lost=lost,
        damages=tuple(map(str, [*checked.damages, *log.kept])),
        damage_count=checked.damage_count + log.total,
        database=database,
    )


def _lacks(database: Database, name: bytes) -> bool:
    """Return whether a bucket is not there; one that is damaged is."""
    try:
        return database.bucket(name) is None
    except DamagedInput:
        return False


def _records(
    database: Database, file: FileBytes, log: DamageLog
) -> tuple[RecordBatch, LostRevisions]:
    try:
        return RecordBatch.concatenate([no_records(), *scan(database, file)]), LostRevisions.of([])
    except DamagedInput:
        return records_despite_damage(database, file, log)


def _decoded(
    file: FileBytes, records: RecordBatch, page_size: int, log: DamageLog
) -> tuple[UserKeys, Mask]:
    """Return the users' keys, and which records do not decode."""
    none = np.zeros(0, dtype=np.int64)
    keys, malformed = [UserKeys(none, none)], [none == 1]
    for at in range(0, len(records), CHUNK_SIZE):
        some = records.take(slice(at, at + CHUNK_SIZE))
        kv = kv_columns(file, some)
        note_odd_records(some, kv, page_size, log)
        keys.append(UserKeys(kv.key_offset, kv.key_size))
        malformed.append(kv.malformed | _keyless(some, kv))
    return UserKeys.concatenate(keys), np.concatenate(malformed)


def _keyless(records: RecordBatch, kv: KvColumns) -> Mask:
    keyless: Mask = (kv.key_size == 0) & (records.value_size > 0)
    return keyless


def _state(database: Database, log: DamageLog) -> tuple[BackendState, int | None]:
    """Return what the small buckets say, and the compact revision, None where that is damaged."""
    state, found = read_backend(database, log), DamageLog()
    meta = BucketRows(database, b"meta", found)
    for name in (b"finishedCompactRev", b"scheduledCompactRev"):
        meta.value(name, Revision.parse)
    return state, None if found.total else state.compact_revision
