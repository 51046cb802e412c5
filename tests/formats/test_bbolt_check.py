"""The integrity check finds each kind of damage at its place, and nothing in a sound file."""

import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import bbolt_builder
import pytest
from bbolt_builder import PAGE_SIZE, Built, branch, bucket_value, build, leaf
from etcd_data import EtcdDbs
from hypothesis import given, settings
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import CheckResult, check
from requorum.formats.bbolt.damage import KEPT_MAX
from requorum.formats.source import BufferSource

ENTRIES = [(b"key-%03d" % n, b"value %d" % n) for n in range(40)]
BUCKETS = {b"a": [(b"x", b"y")], b"b": ENTRIES, b"c": []}
# Pages of build(BUCKETS): 2 root, 3 bucket a, 4 to 13 leaves of b, 14 branch of b.
FIRST_LEAF, LAST_LEAF, BRANCH = 4, 13, 14


def findings(built: Built) -> list[tuple[int, str]]:
    """Return (page, what) for each finding, which must be all there are."""
    result = check(built.source)
    assert result.damage_count == len(result.damages)
    assert result.intact == (not result.damages)
    return [(damage.page, damage.what) for damage in result.damages]


def with_bytes(built: Built, page: int, offset: int, data: bytes) -> Built:
    """Return the file with some bytes of a page replaced."""
    old = built.pages[page]
    built.pages[page] = old[:offset] + data + old[offset + len(data) :]
    return built


def test_sound_file() -> None:
    """A sound file has no findings, and every page of it is reached."""
    result = check(build(BUCKETS).source)
    assert result.intact
    assert (result.reachable_pages, result.free_pages) == (15, 0)


@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=3).map(lambda key: key * 9)
        | st.binary(min_size=1, max_size=30)
        | st.integers(0, 40).map(lambda zeros: b"same" + bytes(zeros)),
        st.binary(max_size=100),
        min_size=2,
        max_size=60,
    ),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_order_is_checked_to_the_last_byte(
    entries: dict[bytes, bytes], per_leaf: int, chance: random.Random
) -> None:
    """Any ascending keys pass; any two of them exchanged do not."""
    keys = sorted(entries)
    assert findings(build({b"b": entries.items()}, per_leaf=per_leaf)) == []
    one, other = sorted(chance.sample(range(len(keys)), 2))
    keys[one], keys[other] = keys[other], keys[one]
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1)}
    pages[3] = leaf(3, [(key, b"") for key in keys])
    assert findings(Built(pages, root=2))


@pytest.mark.parametrize(
    ("page", "offset", "data", "what"),
    [
        (5, 0, struct.pack("<Q", 77), "page says that it is page 77"),
        (5, 8, struct.pack("<H", 0), "neither a branch nor a leaf"),
        (5, 8, struct.pack("<H", 3), "neither a branch nor a leaf"),
        (5, 8, struct.pack("<H", 4), "neither a branch nor a leaf"),
        (5, 10, struct.pack("<H", 300), "300 elements do not fit"),
        (5, 12, struct.pack("<I", 50), "50 overflow pages do not fit"),
        (5, 12, struct.pack("<I", 0xFFFFFFFF), "overflow pages do not fit"),
        (5, 16, struct.pack("<I", 4), "element has flags 4"),
        (5, 20, struct.pack("<I", 3), "data does not lie within its page"),
        (5, 24, struct.pack("<I", 0), "zero-length key"),
        (5, 28, struct.pack("<I", 0xFFFFFFFF), "data does not lie within its page"),
        (BRANCH, 10, struct.pack("<H", 0), "branch has 0 elements"),
        (BRANCH, 12, struct.pack("<I", 1), "1 overflow pages do not fit"),
        (2, 16, struct.pack("<I", 0), "a plain key in the root bucket"),
    ],
)
def test_each_field(page: int, offset: int, data: bytes, what: str) -> None:
    """Each field of a page that lies is found, with its page."""
    found = findings(with_bytes(build(BUCKETS), page, offset, data))
    assert any(where == page and what in text for where, text in found), found


@pytest.mark.parametrize(
    ("children", "where", "what"),
    [
        ([(b"key-000", 4), (b"key-004", 99)], BRANCH, "refers to page 99"),
        ([(b"key-000", 4), (b"key-004", 1)], BRANCH, "refers to page 1"),
        ([(b"key-000", 4), (b"key-004", 2**64 - 1)], BRANCH, "refers to page 18446744073709551615"),
        ([(b"key-000", 4), (b"key-004", 4)], BRANCH, "page 4 is referenced twice"),
        ([(b"key-000", 4), (b"key-004", 3)], BRANCH, "page 3 is referenced twice"),
        ([(b"key-000", BRANCH), (b"key-004", 5)], BRANCH, "page 14 is referenced twice"),
        ([(b"key-0001", 4), (b"key-004", 5)], 4, "key is less than its parent's"),
        ([(b"key-000", 4), (b"key-003", 5)], 4, "key is not less than the next page's"),
        ([(b"key-004", 5), (b"key-000", 4)], BRANCH, "key is not greater than the one before it"),
    ],
)
def test_branches(children: list[tuple[bytes, int]], where: int, what: str) -> None:
    """Children that do not exist, come twice or do not fit between their neighbours are found."""
    built = build(BUCKETS)
    built.pages[BRANCH] = branch(BRANCH, children)
    assert (where, what) in findings(built)


def test_bounds_hold_over_two_levels() -> None:
    """The last child of a branch must stay below its parent's next sibling too."""
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1)}
    pages[3] = branch(3, [(b"a", 4), (b"m", 5)])
    pages[4] = branch(4, [(b"a", 6), (b"c", 7)])
    pages[5] = branch(5, [(b"m", 8)])
    pages[6], pages[7] = leaf(6, [(b"a", b"")]), leaf(7, [(b"c", b""), (b"n", b"")])
    pages[8] = leaf(8, [(b"m", b"")])
    assert findings(Built(pages, root=2)) == [(7, "key is not less than the next page's")]


def test_overflow_page_referenced_as_a_page() -> None:
    """A page within another one's overflow pages is referenced twice."""
    pages = {2: leaf(2, [(b"a", bucket_value(3)), (b"b", bucket_value(5))], flags=1)}
    pages[3] = leaf(3, [(b"k", b"x" * 3 * PAGE_SIZE)])
    built = Built(pages, root=2)
    built = with_bytes(built, 3, 2 * PAGE_SIZE, leaf(5, [(b"k", b"")])[:PAGE_SIZE])
    assert findings(built) == [(2, "page 5 is referenced twice")]


def test_inline_and_nested_buckets() -> None:
    """Inline buckets are checked in place, nested ones followed."""
    inner = bbolt_builder.inline_bucket([(b"b", b""), (b"a", b"")])
    outer = leaf(3, [(b"inline", inner), (b"nested", bucket_value(4))], flags=1)
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1), 3: outer}
    pages[4] = leaf(4, [(b"y", b""), (b"x", b"")])
    wrong = "key is not greater than the one before it"
    assert sorted(findings(Built(pages, root=2))) == [(3, wrong), (4, wrong)]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (b"short", "bucket has no header"),
        (bucket_value(0), "inline bucket has no page"),
        (bucket_value(0) + leaf(7, [], padded=False), "inline bucket is not a leaf page"),
        (bbolt_builder.inline_bucket([(b"k", b"")], flags=1), "flags 1 in an inline bucket"),
    ],
)
def test_damaged_bucket_values(value: bytes, what: str) -> None:
    """Bucket headers that are none are found."""
    assert findings(Built({2: leaf(2, [(b"b", value)], flags=1)}, root=2)) == [(2, what)]


def test_file_cut_short() -> None:
    """A file that ends before the high water mark is damaged, also where nothing is missed."""
    result = check(BufferSource(build(BUCKETS).data[:-PAGE_SIZE]))
    assert [damage.what for damage in result.damages] == [
        f"the file ends at byte {14 * PAGE_SIZE}; its meta page says {15 * PAGE_SIZE} bytes",
        "refers to page 14, behind the end of the file",
    ]


def test_overflow_pages_cut_off() -> None:
    """They are told from those of a page that says it has more than there ever were."""
    value = bytes(3 * PAGE_SIZE)
    whole = build({b"b": [(b"k%d" % n, value) for n in range(3)]}).data
    (cut,) = [
        damage.what
        for damage in check(BufferSource(whole[:-PAGE_SIZE])).damages
        if "overflow" in damage.what
    ]
    assert cut.endswith("overflow pages lie in part behind the end of the file")


def test_findings_are_bounded() -> None:
    """All findings are counted, the first thousand are kept."""
    children = [(b"%05d" % number, 10_000 + number) for number in range(1500)]
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1), 3: branch(3, children)}
    result = check(Built(pages, root=2).source)
    assert (result.damage_count, len(result.damages)) == (1500, KEPT_MAX)


def test_equal_keys() -> None:
    """A key that comes twice on a page is out of order."""
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1)}
    pages[3] = leaf(3, [(b"k", b"1"), (b"k", b"2")])
    assert findings(Built(pages, root=2)) == [(3, "key is not greater than the one before it")]


def test_elements_that_share_bytes() -> None:
    """Elements that cannot all have bytes of their own are one finding, and not compared."""
    count, size = 100, 2000
    elements = b"".join(
        struct.pack("<IIII", 0, 16 * (count - index), size, 0) for index in range(count)
    )
    page = bbolt_builder.header(3, 2, count) + elements + b"k" * size
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1), 3: page.ljust(PAGE_SIZE, b"\0")}
    assert findings(Built(pages, root=2)) == [(3, "elements overlap")]


def test_key_longer_than_bbolt_allows() -> None:
    """Keys over 32 KiB are damage, not something to compare for minutes."""
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1)}
    pages[3] = leaf(3, [(b"k" * 32768, b""), (b"k" * 32769, b"")])
    assert findings(Built(pages, root=2)) == [(3, "key of more than 32768 bytes")]


def test_endless_depth() -> None:
    """A chain of a thousand branches ends the check with a finding."""
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1)}
    pages |= {number: branch(number, [(b"k", number + 1)]) for number in range(3, 1003)}
    assert "levels deep" in findings(Built(pages, root=2))[-1][1]


FREELIST = 15


@pytest.mark.parametrize("count_follows", [False, True])
@pytest.mark.parametrize(
    ("freed", "expected"),
    [
        ([16, 17], []),
        ([16, 16, 17], ["frees page 16 twice"]),
        ([16, 17, 5], ["frees page 5, which is in use"]),
        ([16], ["page 17 is neither in use nor free"]),
        ([16, 17, 900], ["frees page 900, which does not exist"]),
    ],
)
def test_freelist(freed: list[int], expected: list[str], *, count_follows: bool) -> None:
    """A persisted freelist must name exactly the pages that nothing reaches."""
    built = build(BUCKETS)
    built.pages[FREELIST] = bbolt_builder.freelist(FREELIST, freed, count_follows=count_follows)
    built.pages[17] = bytes(PAGE_SIZE)
    built.freelist_page = FREELIST
    assert findings(built) == [(FREELIST, what) for what in expected]


def test_previous_transaction_can_be_checked() -> None:
    """The meta to follow can be chosen: reverting one transaction needs its own check."""
    data = bytearray(build(BUCKETS).data)
    previous = bbolt_builder.meta(1, root=99, mark=15, txid=7)
    data[PAGE_SIZE : 2 * PAGE_SIZE] = previous
    source = BufferSource(data)
    metas = check(source).metas
    assert check(source).intact
    assert metas.previous is not None
    assert [damage.what for damage in check(source, metas.previous).damages] == [
        "refers to page 99"
    ]


SMALL = build(BUCKETS).data


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(1, 255)), max_size=12))
@settings(max_examples=400)
def test_flipped_bytes(flips: list[tuple[int, int]]) -> None:
    """Any flipped bytes give findings or DamagedInput; what passes can be read to its end."""
    data = bytearray(SMALL)
    for offset, mask in flips:
        data[offset] ^= mask
    source = BufferSource(data)
    try:
        result = check(source)
    except DamagedInput:
        return
    if result.intact:
        assert_readable(Database(source))


@pytest.mark.slow
@given(st.binary(max_size=200), st.integers(0, 14), st.integers(0, 300))
@settings(max_examples=300)
def test_overwritten_headers(noise: bytes, page: int, offset: int) -> None:
    """Noise over a header and its elements gives findings or DamagedInput, nothing else."""
    data = bytearray(SMALL)
    begin = page * PAGE_SIZE + offset
    data[begin : begin + len(noise)] = noise
    source = BufferSource(bytes(data[: len(SMALL)]))
    try:
        if check(source).intact:
            assert_readable(Database(source))
    except DamagedInput:
        return


def assert_readable(database: Database) -> None:
    """Assert that every bucket yields ascending keys without an error."""
    for name in database.bucket_names():
        bucket = database.bucket(name)
        assert bucket is not None
        keys = [key for key, _ in bucket.items()]
        assert keys == sorted(set(keys))
        assert [bucket.get(key) is not None for key in keys] == [True] * len(keys)


@pytest.mark.etcd
@pytest.mark.parametrize("kind", ["rich", "empty", "all_deleted"])
def test_real_files_are_intact(etcd_dbs: EtcdDbs, etcd_minor: str, kind: str) -> None:
    """Nothing is found in what a real etcd wrote."""
    result = check(BufferSource(etcd_dbs(etcd_minor, kind).data))
    assert result.damages == ()
    assert result.metas.damages == ()
    assert result.reachable_pages + result.free_pages == result.meta.high_water_mark


def swap_pages(data: bytearray, result: CheckResult, chance: random.Random) -> None:
    """Exchange two pages, as a misdirected write does."""
    one, other = chance.sample(range(2, result.meta.high_water_mark), 2)
    size = result.meta.page_size
    first = data[one * size : (one + 1) * size]
    data[one * size : (one + 1) * size] = data[other * size : (other + 1) * size]
    data[other * size : (other + 1) * size] = first


def zero_page(data: bytearray, result: CheckResult, chance: random.Random) -> None:
    """Clear a page, as a lost write on a new file does."""
    page, size = chance.randrange(2, result.meta.high_water_mark), result.meta.page_size
    data[page * size : (page + 1) * size] = bytes(size)


def noise_in_header(data: bytearray, result: CheckResult, chance: random.Random) -> None:
    """Write noise over a header and the first elements."""
    begin = chance.randrange(2, result.meta.high_water_mark) * result.meta.page_size
    data[begin : begin + 64] = chance.randbytes(64)


def flip_in_elements(data: bytearray, result: CheckResult, chance: random.Random) -> None:
    """Flip one bit among the elements and keys of a page."""
    begin = chance.randrange(2, result.meta.high_water_mark) * result.meta.page_size
    data[begin + chance.randrange(400)] ^= 1 << chance.randrange(8)


@pytest.mark.etcd
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("damage", [swap_pages, zero_page, noise_in_header, flip_in_elements])
def test_finds_what_etcdutl_finds(
    etcd_dbs: EtcdDbs,
    etcd_binaries: Callable[[str], Path],
    tmp_path: Path,
    damage: Callable[[bytearray, CheckResult, random.Random], None],
    seed: int,
) -> None:
    """A damaged file that etcd's own check refuses is refused here too."""
    data = bytearray(etcd_dbs("3.5", "rich").data)
    damage(data, check(BufferSource(data)), random.Random(seed))
    path = tmp_path / "db"
    path.write_bytes(data)
    theirs = subprocess.run(
        [str(etcd_binaries("3.5") / "etcdutl"), "snapshot", "status", str(path)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    if theirs.returncode != 0:
        assert not check(BufferSource(data)).intact, theirs.stderr
