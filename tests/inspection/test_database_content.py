"""One pass over a database file: pages, records, hash and state."""

from dataclasses import replace

import bbolt_builder
import pytest
from bbolt_builder import PAGE_SIZE, Built
from mvcc_builder import Event

from requorum.errors import DamagedInput
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.snapshot_status import snapshot_status
from requorum.formats.source import BufferSource
from requorum.inspection.database_content import DatabaseContent, examine_content

META = [(b"consistent_index", (7).to_bytes(8, "big"))]


def put(main: int, sub: int = 0, **fields: int) -> tuple[bytes, bytes]:
    """Return the record of a first put; `fields` of its message may be set to something else."""
    numbers = {"create_revision": main, "mod_revision": main, "version": 1} | fields
    return Revision(main, sub).encode(), KeyValue(b"k%d" % main, value=b"v", **numbers).encode()


def built(records: list[tuple[bytes, bytes]]) -> Built:
    """Return a file with those records: page 3 and on, four on each."""
    return bbolt_builder.build({b"key": records, b"meta": META})


def content(records: list[tuple[bytes, bytes]]) -> DatabaseContent:
    """Return what is read of those records."""
    return examine_content(built(records).source)


def words(found: DatabaseContent) -> list[str]:
    """Return the damages, without their places."""
    assert found.damages.count == len(found.damages.shown)
    return [damage.what for damage in found.damages.shown]


RECORDS = [put(main) for main in range(2, 32)]


def test_sound() -> None:
    """All is counted, and the numbers are those that a quick look gives."""
    source = built(RECORDS).source
    found = examine_content(source)
    assert (words(found), found.contradictions.count) == ([], 0)
    assert (found.records, found.undecoded_records) == (30, 0)
    assert found.status == snapshot_status(source)
    assert found.state is not None
    assert (found.state.consistent_index, found.state.current_revision) == (7, 31)
    assert found.reachable_pages + found.free_pages == found.meta.high_water_mark
    assert found.bytes_in_use == found.reachable_pages * PAGE_SIZE


@pytest.mark.parametrize("damaged", [False, True])
def test_without_the_numbers_all_else_is_the_same(damaged: bool) -> None:  # noqa: FBT001  # parametrised
    """They are left out where nobody asks for them; no finding goes with them."""
    file = built([*RECORDS, (Revision(50).encode(), b"\x07")] if damaged else RECORDS)
    found = examine_content(file.source)
    assert found.status is not None
    assert examine_content(file.source, with_status=False) == replace(found, status=None)


def test_records_that_do_not_decode() -> None:
    """All of them are listed; the others are counted, but which keys live is not known."""
    records = [
        *RECORDS[:20],
        (Revision(22).encode(), b"\x0a\x7f"),
        (Revision(23).encode(), b"\x07"),
    ]
    found = content([*records, *RECORDS[22:]])
    assert words(found) == ["the record is not a key-value message"] * 2
    assert found.undecoded_records == 2
    assert found.status is not None
    assert (found.status.total_keys_all_buckets, found.status.total_keys_live) == (31, None)


def test_keys_that_are_no_revisions() -> None:
    """They are listed; nobody's numbers are to be believed then."""
    begin = Revision(31).encode()[:8]
    found = content([*RECORDS, (begin + b"x" * 9, b""), (begin + b"x" * 10, b""), put(40)])
    assert words(found) == ["the key of a record is not a revision"] * 2
    assert (found.undecoded_records, found.status) == (2, None)


def test_put_and_tombstone_of_one_revision() -> None:
    """The pages' order allows both; no etcd writes them."""
    tombstone = Event(31, 0, b"k", None).record
    assert words(content([*RECORDS, tombstone])) == ["the revision comes twice"]


def test_records_that_contradict_themselves() -> None:
    """They are no damage: etcd serves them."""
    found = content([*RECORDS, put(40, mod_revision=41), put(42, version=0)])
    assert words(found) == []
    assert [damage.what for damage in found.contradictions.shown] == [
        "the record says revision 41",
        "the record says it is version 0",
    ]


def test_every_kind_at_once() -> None:
    """Pages, records and rows: none hides another, and they come by their places."""
    file = bbolt_builder.build(
        {b"key": [*RECORDS, (Revision(50).encode(), b"\x07")], b"meta": [(b"term", b"short")]}
    )
    file.pages[5] = bytes(PAGE_SIZE)
    found = examine_content(file.source)
    assert [text.split(":")[0] for text in words(found)] == [
        "page says that it is page 0",
        "the record is not a key-value message",
        "bucket meta",
    ]
    assert (found.records, found.undecoded_records, found.status) == (27, 1, None)
    places = [damage.offset for damage in found.damages.shown]
    assert places == sorted(places)


def test_another_bbolt_file() -> None:
    """Without etcd's buckets there is no state."""
    found = examine_content(bbolt_builder.build({b"other": [(b"k", b"v")]}).source)
    assert (words(found), found.state) == ([], None)


def test_neither_meta_page() -> None:
    """Nothing says where to begin."""
    with pytest.raises(DamagedInput, match="neither meta page is valid"):
        examine_content(BufferSource(bytes(3 * PAGE_SIZE)))


def test_unsound_elements_are_counted_once() -> None:
    """An element that lies is a finding of its page; as a record it is one that cannot be read."""
    file = built(RECORDS)
    page = bytearray(file.pages[4])
    page[20:24] = (1 << 30).to_bytes(4, "little")
    file.pages[4] = bytes(page)
    found = examine_content(file.source)
    assert words(found) == ["data does not lie within its page"]
    assert (found.records, found.undecoded_records) == (30, 1)


def test_deleted_keys() -> None:
    """A key whose last record is a tombstone does not live."""
    name = RevisionKey(Revision(60), tombstone=True).encode()
    found = content([*RECORDS, (name, KeyValue(b"k5").encode())])
    assert found.status is not None
    assert found.status.total_keys_live == 29
