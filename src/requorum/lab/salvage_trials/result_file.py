"""What a salvaged file holds, read by its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from requorum.formats.backend import BackendState, Lease, read_backend, read_leases
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import check
from requorum.formats.hashkv import hash_kv
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.snapshot_file import split_trailer, trailer_matches
from requorum.formats.source import BufferSource, Head
from requorum.lab.salvage_trials.truth import Written


@dataclass(frozen=True)
class ResultFile:
    """A file that must be whole: `troubles` says what is wrong with it."""

    data: bytes

    @cached_property
    def database(self) -> Database:
        """Return the database in it."""
        source = BufferSource(self.data)
        return Database(Head(source, split_trailer(source).db_size))

    @cached_property
    def troubles(self) -> tuple[str, ...]:
        """Return what is wrong with pages and trailer; nothing, if all is as it must be."""
        damages = [str(damage) for damage in check(self.database.source).damages]
        if trailer_matches(BufferSource(self.data)) is not True:
            damages.append("its SHA-256 is missing or wrong")
        return tuple(damages)

    @cached_property
    def records(self) -> Mapping[Revision, Written]:
        """Return the records in order."""
        bucket = self.database.bucket(b"key")
        found = {}
        for key, value in bucket.items() if bucket is not None else ():
            parsed = RevisionKey.parse(key)
            found[parsed.revision] = Written(KeyValue.decode(value), parsed.tombstone)
        return found

    @cached_property
    def leases(self) -> Mapping[int, Lease]:
        """Return the leases by id."""
        return {lease.id: lease for lease in read_leases(self.database)}

    def rows(self, name: bytes) -> Mapping[bytes, bytes]:
        """Return the rows of a small bucket."""
        bucket = self.database.bucket(name)
        return dict(bucket.items()) if bucket is not None else {}

    @cached_property
    def state(self) -> BackendState:
        """Return what it says of itself."""
        return read_backend(self.database)

    @cached_property
    def hash(self) -> int:
        """Return the hash that a server of it must answer."""
        return hash_kv(self.database).hash


def state_at(records: Mapping[Revision, Written], main: int) -> dict[bytes, KeyValue]:
    """Return what was alive at a revision, by key; `records` are in order."""
    alive: dict[bytes, KeyValue] = {}
    for at, written in records.items():
        if at.main <= main:
            _apply(alive, written)
    return alive


def _apply(alive: dict[bytes, KeyValue], written: Written) -> None:
    if written.tombstone:
        alive.pop(written.kv.key, None)
    elif written.kv.key:
        alive[written.kv.key] = written.kv
