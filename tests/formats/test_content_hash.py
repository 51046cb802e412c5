"""The hash over all buckets, against one that is fed row by row."""

import bbolt_builder
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.bbolt import columns
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.sweep import Sweep
from requorum.formats.content_hash import ContentSums, Sums, content_hash

BUCKETS = st.dictionaries(
    st.binary(min_size=1, max_size=5),
    st.dictionaries(st.binary(min_size=1, max_size=9), st.binary(max_size=5000), max_size=12),
    min_size=1,
    max_size=4,
)


def fed_row_by_row(database: Database) -> int:
    """Return what etcdutl computes, the way it does."""
    running = 0
    for name in database.bucket_names():
        running = crc32c(name, running)
        bucket = database.bucket(name)
        assert bucket is not None
        for key, value in bucket.items():
            running = crc32c(value, crc32c(key, running))
    return running


@given(BUCKETS, st.integers(1, 5), st.sampled_from([1, 7, 1 << 13]))
def test_content_hash(
    buckets: dict[bytes, dict[bytes, bytes]], per_leaf: int, per_chunk: int
) -> None:
    """Whatever the pages and chunks, the sums are those of the rows in order."""
    named = {name: rows.items() for name, rows in buckets.items()}
    database = Database(bbolt_builder.build(named, per_leaf=per_leaf).source)
    file = FileBytes(database.source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "ELEMENTS_PER_CHUNK", per_chunk)
        shares = [swept(file, database, share, of=2) for share in range(2)]
    assert content_hash(list(database.bucket_names()), shares) == fed_row_by_row(database)


def swept(file: FileBytes, database: Database, share: int, *, of: int) -> Sums:
    """Return the sums of one share."""
    log, content = DamageLog(), ContentSums(file)
    for chunk in Sweep(file, database.meta, log, share=share, of=of).chunks():
        content.add(chunk)
    assert log.total == 0
    return content.sums


def test_unsound_elements_are_left_out() -> None:
    """An element may claim gigabytes: where damage was noted nothing is followed."""
    built = bbolt_builder.build({b"b": [(b"a", b"1"), (b"b", b"2")]})
    page = bytearray(built.pages[3])
    page[28:32] = b"\xff\xff\xff\xff"
    built.pages[3] = bytes(page)
    database = Database(built.source)
    file, log = FileBytes(database.source), DamageLog()
    content = ContentSums(file)
    for chunk in Sweep(file, database.meta, log).chunks():
        content.add(chunk)
    assert log.total == 1
    assert [size for _, size in content.sums.values()] == [2]
