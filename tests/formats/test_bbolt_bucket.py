"""Look-ups, ranges and last keys; and trees that lead nowhere or in circles."""

import struct

import bbolt_builder
import pytest
from bbolt_builder import PAGE_SIZE, build
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Bucket, Database
from requorum.formats.source import BufferSource

ENTRIES = [(b"k%03d" % n, b"value %d" % n) for n in range(0, 60, 2)]


def bucket_of(built: bbolt_builder.Built, name: bytes = b"b") -> Bucket:
    """Return a bucket that must be there."""
    bucket = Database(built.source).bucket(name)
    assert bucket is not None
    return bucket


@given(st.dictionaries(st.binary(min_size=1, max_size=40), st.binary(max_size=300), max_size=60))
def test_reads_what_was_written(entries: dict[bytes, bytes]) -> None:
    """Any map comes back in order, by range and by key."""
    bucket = bucket_of(build({b"a": [(b"x", b"y")], b"b": entries.items(), b"c": []}))
    ordered = sorted(entries.items())
    assert list(bucket.items()) == ordered
    assert bucket.last() == (ordered[-1] if ordered else None)
    for key, value in ordered:
        assert bucket.get(key) == value
        assert list(bucket.items(key)) == [item for item in ordered if item[0] >= key]


def test_absent_keys() -> None:
    """Before the first, between two and after the last key there is nothing."""
    bucket = bucket_of(build({b"b": ENTRIES}))
    assert [bucket.get(key) for key in (b"a", b"k001", b"z", b"")] == [None] * 4
    assert next(bucket.items(b"k001")) == (b"k002", b"value 2")
    assert list(bucket.items(b"z")) == []


def test_absent_bucket() -> None:
    """A bucket that does not exist is None, not an error."""
    assert Database(build({b"b": ENTRIES}).source).bucket(b"c") is None


def test_inline_bucket() -> None:
    """A bucket inside its parent's leaf reads like any other."""
    inline = bbolt_builder.inline_bucket([(b"one", b"1"), (b"two", b"")])
    built = bbolt_builder.Built({2: bbolt_builder.leaf(2, [(b"b", inline)], flags=1)}, root=2)
    assert list(bucket_of(built).items()) == [(b"one", b"1"), (b"two", b"")]


def test_value_over_many_pages() -> None:
    """A value that needs overflow pages is whole, and so is what follows it."""
    entries = [(b"large", b"x" * 3 * PAGE_SIZE), (b"later", b"y")]
    bucket = bucket_of(build({b"b": entries}))
    assert bucket.get(b"large") == entries[0][1]
    assert bucket.last() == entries[1]


def test_cycle_is_refused() -> None:
    """A branch that is its own child ends in an error for every way of reading."""
    built = build({b"b": ENTRIES})
    root = built.mark - 1
    built.pages[root] = bbolt_builder.branch(root, [(b"k000", root), (b"k030", root)])
    bucket = bucket_of(built)
    for read in (bucket.last, lambda: bucket.get(b"k002"), lambda: list(bucket.items())):
        with pytest.raises(DamagedInput, match=r"cycle|referenced twice"):
            read()


def test_shared_children_do_not_explode() -> None:
    """Thirty levels of branches with two equal children are refused, not walked 2^30 times."""
    levels = 30
    pages = {2: bbolt_builder.leaf(2, [(b"b", bbolt_builder.bucket_value(3))], flags=1)}
    for number in range(3, 3 + levels):
        pages[number] = bbolt_builder.branch(number, [(b"a", number + 1), (b"b", number + 1)])
    pages[3 + levels] = bbolt_builder.leaf(3 + levels, [])
    with pytest.raises(DamagedInput, match="referenced twice"):
        list(bucket_of(bbolt_builder.Built(pages, root=2)).items())


def test_overlapping_values_do_not_explode() -> None:
    """Elements that share one large value are refused before they fill the memory."""
    count, span = 60, 16 * PAGE_SIZE
    elements = b"".join(
        struct.pack("<IIII", 0, 16 * (count - index) + index, 1, span - 4000)
        for index in range(count)
    )
    page = bbolt_builder.header(3, 2, count, 15) + elements + bytes(range(count))
    root = bbolt_builder.leaf(2, [(b"b", bbolt_builder.bucket_value(3))], flags=1)
    built = bbolt_builder.Built({2: root, 3: page.ljust(span, b"\0")}, root=2)
    with pytest.raises(DamagedInput, match="overlap"):
        list(bucket_of(built).items())


def test_pages_within_each_other_do_not_explode() -> None:
    """Each page claims all that follow it as its overflow: their sum is the file's square."""
    count = 60
    children = [(b"%02d" % number, 4 + number) for number in range(count)]
    pages = {
        2: bbolt_builder.leaf(2, [(b"b", bbolt_builder.bucket_value(3))], flags=1),
        3: bbolt_builder.branch(3, children),
    }
    for key, number in children:
        behind = 4 + count - number
        value = (behind - 1) * PAGE_SIZE
        element = struct.pack("<IIII", 0, 16, len(key), value)
        header = bbolt_builder.header(number, 2, 1, behind - 1)
        pages[number] = (header + element + key).ljust(PAGE_SIZE, b"\0")
    with pytest.raises(DamagedInput, match="overlaps others"):
        list(bucket_of(bbolt_builder.Built(pages, root=2)).items())


@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        (0, struct.pack("<Q", 9), "says that it is 9"),
        (8, struct.pack("<H", 6), "neither a branch nor a leaf"),
        (10, struct.pack("<H", 4000), "do not fit"),
        (12, struct.pack("<I", 0xFFFFFFFF), "overflow pages do not fit"),
        (20, struct.pack("<I", 5), "does not lie within the page"),
        (28, struct.pack("<I", PAGE_SIZE - 34), "does not lie within the page"),
        (24, struct.pack("<I", 0xFFFFFFFF), "does not lie within the page"),
    ],
)
def test_damaged_leaf(offset: int, data: bytes, message: str) -> None:
    """Each field of a page that lies gives an error that names the page."""
    file = bytearray(build({b"b": [(b"one", b"1")]}).data)
    file[3 * PAGE_SIZE + offset : 3 * PAGE_SIZE + offset + len(data)] = data
    with pytest.raises(DamagedInput, match=f"page 3 .*{message}"):
        get_one(Database(BufferSource(file)))


@pytest.mark.parametrize("pages", [3, 5])
def test_a_page_behind_the_end_of_a_cut_file(pages: int) -> None:
    """It is said how long the file is and should be; as much of a value as is left is none."""
    whole = build({b"b": [(b"one", b"1" * 3 * PAGE_SIZE)]}).data
    size = pages * PAGE_SIZE
    said = f"the file ends at byte {size}; its meta page says {len(whole)} bytes"
    database = Database(BufferSource(whole[:size]))
    with pytest.raises(DamagedInput, match=said):
        get_one(database)
    with pytest.raises(DamagedInput, match=said):
        database.refuse_cut()


def get_one(database: Database) -> bytes | None:
    """Look a key up in a bucket, which may be damaged at either step."""
    bucket = database.bucket(b"b")
    return None if bucket is None else bucket.get(b"one")
