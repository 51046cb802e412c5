"""What we write is what bbolt would accept: our check, our readers, and etcd's own tools."""

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Bucket, Database
from requorum.formats.bbolt.check import check
from requorum.formats.bbolt.page import Page
from requorum.formats.bbolt.writer import Entries, write_database
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.source import BufferSource

NAME = b"b"


def written(buckets: Mapping[bytes, Entries], *, page_size: int = 4096) -> BufferSource:
    """Return a whole file with the buckets in their order."""
    return BufferSource(file_of(buckets.items(), page_size=page_size))


def file_of(buckets: Iterable[tuple[bytes, Entries]], *, page_size: int = 4096) -> bytes:
    """Return the bytes of a file, its head put in place."""
    file = bytearray()
    done = write_database(file.extend, buckets, page_size=page_size)
    file[: len(done.head)] = done.head
    assert len(file) == done.size == done.page_count * page_size
    return bytes(file)


def content(source: BufferSource) -> dict[bytes, list[tuple[bytes, bytes]]]:
    """Return all buckets of a database that has no damage and no page to spare."""
    result = check(source)
    assert result.damages == ()
    assert result.metas.damages == ()
    assert result.free_pages == 0
    database = Database(source)
    return {name: list(bucket_of(database, name).items()) for name in database.bucket_names()}


def bucket_of(database: Database, name: bytes) -> Bucket:
    """Return a bucket that must be there."""
    bucket = database.bucket(name)
    assert bucket is not None
    return bucket


def pages_below(database: Database, page: Page) -> Iterator[Page]:
    """Yield a page and all below it."""
    yield page
    if not page.is_leaf:
        for index in range(page.count):
            yield from pages_below(database, database.page(page.child(index)))


def depth(database: Database, page: Page) -> int:
    """Return how many levels of branches lie above the leaves."""
    return 0 if page.is_leaf else 1 + depth(database, database.page(page.child(0)))


keys = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.binary(min_size=1, max_size=3).map(lambda start: start * 900),
)
values = st.one_of(
    st.binary(max_size=40),
    st.tuples(st.binary(max_size=5), st.integers(0, 9000)).map(lambda v: v[0].ljust(v[1], b"v")),
)
entries = st.dictionaries(keys, values, max_size=60).map(lambda some: sorted(some.items()))
buckets = st.dictionaries(st.binary(min_size=1, max_size=9), entries, max_size=12)


@given(buckets.map(lambda some: dict(sorted(some.items()))), st.sampled_from([1024, 4096, 65536]))
@settings(max_examples=60)
def test_round_trip(expected: dict[bytes, list[tuple[bytes, bytes]]], page_size: int) -> None:
    """Any buckets come back: empty ones, long keys, values over many pages, any page size."""
    assert content(written(expected, page_size=page_size)) == expected


@given(st.lists(st.integers(1, 700), min_size=1, max_size=400), st.integers(0, 1200))
@settings(max_examples=40)
def test_every_branch_has_two_children(key_sizes: list[int], value_size: int) -> None:
    """A branch with one child makes bbolt panic as soon as something below it is deleted."""
    some = [
        (b"%08d" % number + b"k" * size, b"v" * value_size) for number, size in enumerate(key_sizes)
    ]
    source = written({NAME: some}, page_size=1024)
    assert content(source) == {NAME: some}
    database = Database(source)
    for page in pages_below(database, bucket_of(database, NAME).root):
        assert page.is_leaf or page.count >= 2


@pytest.mark.parametrize(
    ("count", "levels"), [(0, 0), (1, 0), (4, 0), (5, 1), (16, 1), (17, 2), (18, 2), (300, 4)]
)
def test_levels(count: int, levels: int) -> None:
    """Trees of four keys a page grow upwards as they must; every key is found by look-up."""
    some = [(b"%0220d" % number, b"%d" % number) for number in range(count)]
    database = Database(written({NAME: some}, page_size=1024))
    bucket = bucket_of(database, NAME)
    assert list(bucket.items()) == some
    assert all(bucket.get(key) == value for key, value in some)
    assert depth(database, bucket.root) == levels


def test_pages_are_full() -> None:
    """Small records leave less than a record of each page unused."""
    record = (17 + 16, 100)
    some = [(b"%017d" % number, bytes(100)) for number in range(30_000)]
    leaves = -(-len(some) // ((4096 - 16) // sum(record)))
    assert written({NAME: some}).size < (leaves * 1.02 + 4) * 4096


def test_small_buckets_lie_in_their_parent() -> None:
    """As in bbolt: up to a quarter of a page, counted with its header."""
    fits = [(b"k", bytes(1024 - 16 - 16 - 1))]
    too_large = [(b"k", bytes(1024 - 16 - 16))]
    assert written({NAME: fits}).size == 3 * 4096
    assert written({NAME: too_large}).size == 4 * 4096
    assert content(written({NAME: too_large})) == {NAME: too_large}


def test_values_may_be_views() -> None:
    """What a mapped file holds need not be copied."""
    view = memoryview(b"mapped bytes")
    assert content(written({NAME: [(b"k", view[:6])]})) == {NAME: [(b"k", b"mapped")]}


def test_unfinished_file_is_no_database() -> None:
    """Without the head, which comes last, neither meta page is valid."""
    file = bytearray()
    write_database(file.extend, [(NAME, [(b"k", b"v")])])
    with pytest.raises(DamagedInput, match="neither meta page is valid"):
        Database(BufferSource(bytes(file)))


def test_metas_lie_where_the_next_commit_spares_the_newest() -> None:
    """Transaction T of bbolt lies on page T % 2."""
    metas = check(written({})).metas
    assert [(meta.index, meta.txid % 2) for meta in metas.valid] == [(0, 0), (1, 1)]


WRONG = [
    ([(b"", b"v")], "is empty"),
    ([(b"b", b""), (b"a", b"")], "does not come after"),
    ([(b"b", b""), (b"b", b"")], "does not come after"),
    ([(b"k" * 32769, b"")], "32768 are allowed"),
]


@pytest.mark.parametrize(("some", "why"), WRONG)
def test_keys_that_no_file_can_hold(some: list[tuple[bytes, bytes]], why: str) -> None:
    """They are refused, by bbolt too, in a bucket and as the name of one."""
    with pytest.raises(DamagedInput, match=f"bucket b'b': .*{why}"):
        written({NAME: some})
    with pytest.raises(DamagedInput, match=why):
        file_of([(key, []) for key, _ in some])


class Counted(bytes):
    """A value that knows how many of its kind are alive."""

    alive = 0

    def __init__(self, _size: int) -> None:
        Counted.alive += 1

    def __del__(self) -> None:
        Counted.alive -= 1


def test_memory_stays_small() -> None:
    """Records are not gathered: at any time, two leaves' worth is alive."""
    counts = []

    def write(_: bytes | memoryview) -> None:
        counts.append(Counted.alive)

    write_database(write, [(NAME, ((b"%09d" % n, Counted(500)) for n in range(3000)))])
    assert 8 < max(counts) < 20


def revision(main: int) -> bytes:
    """Return the key of a record."""
    return Revision(main).encode()


RECORDS: dict[str, list[tuple[bytes, bytes]]] = {
    "empty": [],
    "one": [(revision(2), KeyValue(b"k", 2, 2, 1, b"v").encode())],
    "deep": [(revision(n), KeyValue(b"k%d" % n, n, n, 1, b"v").encode()) for n in range(2, 30000)],
    "large": [(revision(n), KeyValue(b"k", 2, n, n, bytes(69000)).encode()) for n in range(2, 150)],
}


@pytest.mark.etcd
@pytest.mark.parametrize("shape", RECORDS)
def test_etcds_own_check_passes(
    etcd_minor: str, etcd_binaries: Callable[[str], Path], tmp_path: Path, shape: str
) -> None:
    """`snapshot status` runs bbolt's check over every page, and counts what is there."""
    records, path = RECORDS[shape], tmp_path / "db"
    path.write_bytes(file_of([(b"key", records), (b"meta", [])]))
    tool = etcd_binaries(etcd_minor) / ("etcdctl" if etcd_minor == "3.4" else "etcdutl")
    status = json.loads(
        subprocess.run(
            [str(tool), "snapshot", "status", str(path), "-w=json"],
            capture_output=True,
            timeout=60,
            check=True,
        ).stdout
    )
    assert status["revision"] == (2 + len(records) - 1 if records else 0)
    assert status["totalSize"] == path.stat().st_size
