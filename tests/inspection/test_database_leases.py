"""Which keys a database says have, or had, a lease."""

import bbolt_builder
import pytest

from requorum.errors import DamagedInput
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.source import BufferSource, Source
from requorum.inspection.database_leases import database_leases

Event = tuple[bytes, int | None]
"""(key, lease of its put), or (key, None) for its deletion."""


def database(events: list[Event], *, index: int = 42) -> Source:
    """Return a database with one revision for each event, from 2 on."""
    records = [
        (
            RevisionKey(Revision(main), tombstone=lease is None).encode(),
            KeyValue(key=key).encode() if lease is None else put_record(key, main, lease),
        )
        for main, (key, lease) in enumerate(events, start=2)
    ]
    meta = {b"consistent_index": index.to_bytes(8, "big")}
    return bbolt_builder.build({b"key": records, b"meta": meta.items()}, per_leaf=3).source


def put_record(key: bytes, main: int, lease: int) -> bytes:
    """Return the value of a put's record."""
    return KeyValue(key, main, main, 1, b"v", lease).encode()


def test_living_keys_have_the_lease_of_their_last_put() -> None:
    """An earlier one counts no more."""
    found = database_leases(database([(b"a", 5), (b"b", 5), (b"b", 6), (b"c", 5), (b"c", 0)]))
    assert (found.index, found.attached, found.deleted) == (42, {b"a": 5, b"b": 6}, {})


def test_keys_that_were_deleted_with_their_lease() -> None:
    """The history tells them, until it is compacted."""
    found = database_leases(database([(b"a", 5), (b"b", 6), (b"a", None), (b"a", 7)]))
    assert found.attached == {b"a": 7, b"b": 6}
    assert found.deleted == {5: frozenset({b"a"})}


def test_a_database_without_keys() -> None:
    """A new member's."""
    assert database_leases(database([])).attached == {}


def test_what_is_no_database() -> None:
    """It is damage, as for every reader of the format."""
    with pytest.raises(DamagedInput):
        database_leases(BufferSource(b"no database" * 1000))
