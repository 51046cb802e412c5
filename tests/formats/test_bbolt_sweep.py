"""One pass over a file: everything once, in order, alone or in shares."""

import bbolt_builder
import pytest
from bbolt_builder import Built, branch, bucket_value, inline_bucket, leaf

from requorum.formats.bbolt import columns
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.sweep import Chunk, Sweep

ENTRIES = [(b"key-%03d" % n, b"value %d" % n) for n in range(300)]
BUCKETS = {b"a": [(b"x", b"y")], b"b": ENTRIES, b"c": []}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a chunk have a page or two."""
    monkeypatch.setattr(columns, "ELEMENTS_PER_CHUNK", 8)


def swept(built: Built, *, share: int = 0, of: int = 1) -> tuple[Sweep, list[Chunk], DamageLog]:
    """Sweep a file to its end."""
    log = DamageLog()
    database = Database(built.source)
    sweep = Sweep(FileBytes(database.source), database.meta, log, share=share, of=of)
    return sweep, list(sweep.chunks()), log


def keys(built: Built, chunks: list[Chunk]) -> list[bytes]:
    """Return the keys of rows in top-level buckets."""
    found = []
    for chunk in chunks:
        if chunk.is_leaf:
            places = zip(
                chunk.pages.tree[chunk.elements.page].tolist(),
                chunk.elements.key_offset.tolist(),
                chunk.elements.key_size.tolist(),
                strict=True,
            )
            found += [built.data[at : at + size] for tree, at, size in places if tree >= 0]
    return found


@pytest.mark.usefixtures("small_chunks")
def test_everything_once_and_in_order() -> None:
    """Each row of each bucket comes, those of one bucket by their keys."""
    built = bbolt_builder.build(BUCKETS)
    sweep, chunks, log = swept(built)
    assert (sweep.names, log.total) == ([b"a", b"b", b"c"], 0)
    assert sum(chunk.row_count for chunk in chunks) == 301
    found = keys(built, chunks)
    assert [key for key in found if key != b"x"] == [key for key, _ in ENTRIES]
    assert sweep.walk.reached_count == built.mark


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("of", [2, 3])
def test_shares(of: int) -> None:
    """Shares have no leaf in common; one behind the other, they are all, each bucket in order."""
    built = bbolt_builder.build({**BUCKETS, b"d": ENTRIES, b"e": ENTRIES[:30]})
    sweeps = [swept(built, share=share, of=of) for share in range(of)]
    assert all(sweep.names == [b"a", b"b", b"c", b"d", b"e"] for sweep, _, _ in sweeps)
    parts = [keys(built, chunks) for _, chunks, _ in sweeps]
    assert all(parts)
    whole = keys(built, swept(built)[1])
    assert sorted(key for part in parts for key in part) == sorted(whole)
    for tree in (b"b", b"d", b"e"):
        together = [key for sweep, chunks, _ in sweeps for key in of_bucket(sweep, chunks, tree)]
        assert together == sorted(together)


def of_bucket(sweep: Sweep, chunks: list[Chunk], name: bytes) -> list[int]:
    """Return where a bucket's rows lie: in the order of their keys, as the builder writes them."""
    rows = [sweep.leaves_of(name, chunk) for chunk in chunks]
    return [place for found in rows if found is not None for place in found.offset.tolist()]


def test_nested_and_inline_buckets() -> None:
    """A bucket within a bucket is a row of it; what is within that one is no row of anybody."""
    nested = inline_bucket([(b"within", b"")])
    rows = [(b"1", b""), (b"2", nested), (b"3", bucket_value(4))]
    root = [(b"a", inline_bucket([(b"k", b"v")])), (b"b", bucket_value(3))]
    pages = {2: leaf(2, root, flags=1), 4: leaf(4, [(b"deep", b"")])}
    pages[3] = leaf(3, rows, flags=lambda key: int(key > b"1"))
    built = Built(pages, root=2)
    sweep, chunks, log = swept(built)
    assert (sweep.names, log.total) == ([b"a", b"b"], 0)
    assert keys(built, chunks) == [b"k", b"1", b"2", b"3"]
    assert [chunk.row_count for chunk in chunks] == [0, 1, 3, 0, 0]
    assert [chunk.is_inline for chunk in chunks] == [False, True, False, True, False]


def test_leaves_of_a_bucket() -> None:
    """Only what belongs to the bucket of that name comes of a chunk."""
    built = bbolt_builder.build({b"a": [(b"x", b"y")], b"b": ENTRIES[:3]})
    sweep, chunks, _ = swept(built)
    found = [rows for chunk in chunks if (rows := sweep.leaves_of(b"b", chunk)) is not None]
    assert [len(rows) for rows in found] == [3]
    assert all(sweep.leaves_of(b"none", chunk) is None for chunk in chunks)


def test_leaves_at_different_depths() -> None:
    """No bbolt makes such a tree, and a pass level by level would read it out of order."""
    pages = {2: leaf(2, [(b"b", bucket_value(3))], flags=1)}
    pages[3] = branch(3, [(b"a", 4), (b"m", 5)])
    pages[4] = branch(4, [(b"a", 6)])
    pages[5], pages[6] = leaf(5, [(b"m", b"")]), leaf(6, [(b"a", b"")])
    _, _, log = swept(Built(pages, root=2))
    assert [(damage.page, damage.what) for damage in log.kept] == [
        (5, "the leaves of its bucket are at different depths")
    ]
