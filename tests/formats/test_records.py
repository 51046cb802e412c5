"""Scans and look-ups of records."""

import bbolt_builder
import numpy as np
import pytest
from etcd_data import EtcdDbs
from hypothesis import given, settings
from hypothesis import strategies as st
from mvcc_builder import Event, database_of

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.records import Change, record_at, scan, scan_all
from requorum.formats.source import BufferSource

EVENTS = [
    Event(2, 0, b"a", b"1"),
    Event(3, 0, b"a", b"2"),
    Event(3, 1, b"b", b""),
    Event(4, 0, b"a", None),
    *(Event(main, 0, b"c", b"x" * 700) for main in range(5, 40)),
]


def test_scan_yields_every_record() -> None:
    """Columns hold each record's revision, kind and bytes, in order."""
    database = database_of(EVENTS)
    records = scan_all(database)
    assert records.main.tolist() == [event.main for event in EVENTS]
    assert records.sub.tolist() == [event.sub for event in EVENTS]
    assert records.tombstone.tolist() == [event.value is None for event in EVENTS]
    for row, event in enumerate(EVENTS):
        where = int(records.value_offset[row]), int(records.value_size[row])
        assert bytes(database.source.read(*where)) == event.record[1]


def test_scan_of_nothing() -> None:
    """A database without the bucket, and one with an empty bucket, have no records."""
    assert len(scan_all(database_of([]))) == 0
    assert list(scan(Database(bbolt_builder.build({b"meta": []}).source))) == []


def test_scan_of_an_inline_bucket() -> None:
    """A history so short that it lies within the root bucket is read too."""
    inline = bbolt_builder.inline_bucket(event.record for event in EVENTS[:4])
    built = bbolt_builder.Built({2: bbolt_builder.leaf(2, [(b"key", inline)], flags=1)}, root=2)
    assert scan_all(Database(built.source)).main.tolist() == [2, 3, 3, 4]


def test_record_at() -> None:
    """A revision's changes come in the order of their sub revisions."""
    database = database_of(EVENTS)
    assert record_at(database, 3) == (
        Change(Revision(3, 0), False, KeyValue(b"a", mod_revision=3, value=b"2")),  # noqa: FBT003 - a row
        Change(Revision(3, 1), False, KeyValue(b"b", mod_revision=3)),  # noqa: FBT003 - a row
    )
    assert [change.tombstone for change in record_at(database, 4)] == [True]
    assert record_at(database, 99) == record_at(database, -1) == ()


@pytest.mark.parametrize("key", [b"k", b"x" * 17, b"\0" * 8 + b"_" + b"\0" * 8 + b"x", b"x" * 19])
def test_keys_that_are_no_revisions(key: bytes) -> None:
    """What is no revision in the bucket `key` is damage."""
    database = Database(bbolt_builder.build({b"key": [(key, b"")]}).source)
    with pytest.raises(DamagedInput, match="not a revision"):
        scan_all(database)


def test_revisions_out_of_order() -> None:
    """Records that go backwards are damage, also from one page to the next."""
    pages = {2: bbolt_builder.leaf(2, [(b"key", bbolt_builder.bucket_value(3))], flags=1)}
    pages[3] = bbolt_builder.branch(3, [(b"\0", 5), (b"\1", 4)])
    pages[4] = bbolt_builder.leaf(4, [EVENTS[0].record])
    pages[5] = bbolt_builder.leaf(5, [EVENTS[1].record])
    with pytest.raises(DamagedInput, match="not greater"):
        scan_all(Database(bbolt_builder.Built(pages, root=2).source))


def test_revision_twice() -> None:
    """A put and a tombstone at one and the same revision are damage."""
    twice = [Event(2, 0, b"a", b"1"), Event(2, 0, b"a", None)]
    with pytest.raises(DamagedInput, match="not greater"):
        scan_all(database_of(twice))


SMALL = database_of(EVENTS).source
SMALL_DATA = bytes(SMALL.read(0, SMALL.size))


@given(st.lists(st.tuples(st.integers(0, len(SMALL_DATA) - 1), st.integers(1, 255)), max_size=9))
@settings(max_examples=200)
def test_flipped_bytes(flips: list[tuple[int, int]]) -> None:
    """Any flipped bytes give records or DamagedInput, from a scan and from a look-up."""
    data = bytearray(SMALL_DATA)
    for offset, mask in flips:
        data[offset] ^= mask
    for read in (scan_all, lambda database: record_at(database, 3)):
        try:
            read(Database(BufferSource(data)))
        except DamagedInput:
            continue


@pytest.mark.etcd
def test_real_records(etcd_dbs: EtcdDbs, etcd_minor: str) -> None:
    """The scan of a real db equals the bucket read key by key."""
    recorded = etcd_dbs(etcd_minor, "rich")
    database = Database(BufferSource(recorded.data))
    records = scan_all(database)
    bucket = database.bucket(b"key")
    assert bucket is not None
    keys = [RevisionKey.parse(key) for key, _ in bucket.items()]
    assert records.main.tolist() == [key.revision.main for key in keys]
    assert records.tombstone.tolist() == [key.tombstone for key in keys]
    assert np.any(records.tombstone)
    last = record_at(database, recorded.current_revision)
    assert [(change.kv.key, change.kv.value) for change in last] == [(b"/registry/after", b"2")]
