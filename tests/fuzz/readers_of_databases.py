"""Everything of requorum that reads a database, let loose on one of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from requorum.errors import DamagedInput
from requorum.formats.auth_store import read_auth_store
from requorum.formats.backend import read_backend, read_leases
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import check
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import read_metas
from requorum.formats.hashkv import hash_kv
from requorum.formats.kv_columns import kv_columns, note_odd_records
from requorum.formats.mvcc import KeyValue
from requorum.formats.records import record_at, scan
from requorum.formats.snapshot_file import split_trailer
from requorum.formats.snapshot_status import snapshot_status
from requorum.formats.source import Head, Source
from requorum.formats.user_keys import last_of_each_key, user_keys
from requorum.inspection.database import examine_database
from requorum.inspection.database_leases import database_leases
from requorum.inspection.difference.damaged_records import records_despite_damage
from requorum.inspection.file_verdict import judge_file
from requorum.inspection.largest import largest
from requorum.inspection.salvage.gather import gather


def check_pages(source: Source) -> Iterator[str]:
    """Check what each of the two meta pages reaches."""
    current = check(source)
    yield from map(str, (*current.damages, *current.metas.damages))
    previous = current.metas.previous
    if previous is not None:
        check(source, previous)


def walk_buckets(source: Source) -> Iterator[str]:
    """Read all of each bucket, through both meta pages, forwards, from within and by key."""
    for meta in read_metas(source).valid:
        database = Database(source, meta)
        for name in database.bucket_names():
            _walk(database, name)
    return iter(())


def _walk(database: Database, name: bytes) -> None:
    bucket = database.bucket(name)
    if bucket is None:
        return
    keys = [key for key, _ in bucket.items()]
    last = bucket.last()
    assert (last[0] if last else None) == bucket.last_key()
    for key in (b"", *keys[:: max(len(keys) // 9, 1)], b"\xff" * 40):
        bucket.get(key)
        next(bucket.items(key), None)


def read_small_buckets(source: Source) -> Iterator[str]:
    """Read what the database says of itself, stopping at damage and passing over it."""
    database, log = Database(source), DamageLog()
    read_backend(database, log)
    list(read_leases(database, log))
    read_auth_store(database, log)
    yield from map(str, log.kept)
    read_backend(database)
    list(read_leases(database))
    read_auth_store(database)


def read_records(source: Source) -> Iterator[str]:
    """Decode every record in both ways, which must agree."""
    database, file, log = Database(source), FileBytes(source), DamageLog()
    for batch in scan(database, file):
        columns = kv_columns(file, batch)
        note_odd_records(batch, columns, database.meta.page_size, log)
        for row in range(0, len(batch), max(len(batch) // 50, 1)):
            begin = int(batch.value_offset[row])
            value = file.view[begin : begin + int(batch.value_size[row])]
            if not columns.malformed[row]:
                assert len(KeyValue.decode(value).key) == columns.key_size[row]
        record_at(database, int(batch.main[len(batch) // 2]))
        last_of_each_key(file, user_keys(file, batch))
    yield from map(str, log.kept)


def hash_records(source: Source) -> Iterator[str]:
    """Hash at the current revision, and as if compacted there."""
    database = Database(source)
    now = hash_kv(database)
    hash_kv(database, now.revision, now.revision)
    hash_kv(database, max(now.compact_revision + 1, 1))
    return iter(())


def judge(source: Source) -> Iterator[str]:
    """Return what `inspect` calls damaged, each with its place, and what a recovery would say."""
    found = judge_file(source)
    yield from map(str, found.metas.damages)
    if found.content is not None:
        yield from map(str, found.content.damages.shown)
    if not found.restorable:
        yield from found.reasons
    yield from examine_database(Head(source, split_trailer(source).db_size)).problems


def rank_and_hash(source: Source) -> Iterator[str]:
    """Return nothing: the numbers of `snapshot status`, the largest keys, who deleted by lease."""
    database = Head(source, split_trailer(source).db_size)
    for read in (snapshot_status, database_leases, lambda found: largest(found, 5)):
        with suppress(DamagedInput):
            read(database)
    return iter(())


def salvage(source: Source) -> Iterator[str]:
    """Gather all that is left of it, and what a comparison reads in spite of damage."""
    database = Head(source, split_trailer(source).db_size)
    gathered = gather(database, 0)
    records_despite_damage(Database(database), FileBytes(database), DamageLog())
    yield from (f"page {page}: {what}" for page, what in gathered.damages)


READERS: Mapping[str, Callable[[Source], Iterator[str]]] = {
    "check": check_pages,
    "buckets": walk_buckets,
    "small buckets": read_small_buckets,
    "records": read_records,
    "hash": hash_records,
    "verdict": judge,
    "numbers": rank_and_hash,
    "salvage": salvage,
}
