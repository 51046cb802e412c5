"""Sources of bytes, and how little of a database a look at its state reads."""

import bbolt_builder
import pytest
from bbolt_builder import PAGE_SIZE
from etcd_data import EtcdDbs
from mvcc_builder import Event

from requorum.errors import DamagedInput
from requorum.formats.backend import read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.source import BufferSource, CountingSource, Head


@pytest.mark.parametrize(("offset", "length"), [(0, 6), (5, 1), (-1, 1), (1, -1), (1 << 70, 1)])
def test_outside(offset: int, length: int) -> None:
    """A range that does not lie within the bytes is damage, in a head too."""
    for source in (BufferSource(b"12345"), Head(BufferSource(b"1234567"), 5)):
        with pytest.raises(DamagedInput, match="lie outside of the 5"):
            source.read(offset, length)


def test_head() -> None:
    """The first bytes of another source, or all of a shorter one."""
    source = BufferSource(b"1234567")
    assert bytes(Head(source, 5).read(3, 2)) == b"45"
    assert Head(source, 99).size == 7


def test_counting() -> None:
    """Calls and bytes are counted, those that fail are not."""
    source = CountingSource(BufferSource(b"1234567"))
    assert bytes(source.read(2, 3)) == b"345"
    assert source.read(0, source.size).readonly
    with pytest.raises(DamagedInput):
        source.read(7, 1)
    assert (source.reads, source.bytes_read) == (2, 10)


def test_state_costs_a_page_per_level() -> None:
    """What a database says of itself is a few pages, however many records there are."""
    records = [Event(main, 0, b"key", b"x" * 900).record for main in range(2, 2000)]
    meta = [(b"consistent_index", (9).to_bytes(8, "big"))]
    source = CountingSource(bbolt_builder.build({b"key": records, b"meta": meta}).source)
    state = read_backend(Database(source))
    assert (state.current_revision, state.consistent_index) == (1999, 9)
    assert source.size > 400 * PAGE_SIZE
    assert source.bytes_read < 8 * PAGE_SIZE


@pytest.mark.etcd
def test_state_of_a_real_database(etcd_dbs: EtcdDbs, etcd_minor: str) -> None:
    """The same holds for a tree of three levels that etcd made: kilobytes."""
    recorded = etcd_dbs(etcd_minor, "rich")
    source = CountingSource(BufferSource(recorded.data))
    assert read_backend(Database(source)).current_revision == recorded.current_revision
    assert source.bytes_read < 20 * PAGE_SIZE < source.size / 10
