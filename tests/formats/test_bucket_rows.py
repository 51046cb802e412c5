"""Small buckets, row by row: strict without a log, and with one nothing hides the rest."""

import bbolt_builder
import pytest

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import KEPT_MAX, DamageLog
from requorum.formats.bucket_rows import BucketRows, text, u64
from requorum.formats.source import BufferSource

ROWS = [(b"a", b"1"), (b"b", b"\xff"), (b"c", b"3")]


def parse(key: bytes, value: bytes) -> tuple[bytes, str]:
    """Return a row whose value must be a text."""
    return key, text(value)


def test_without_a_log_a_malformed_row_is_an_error() -> None:
    """It names the bucket and the row."""
    database = Database(bbolt_builder.build({b"small": ROWS}).source)
    with pytest.raises(DamagedInput, match=r"bucket small: the row b'b': it is not UTF-8"):
        list(BucketRows(database, b"small").rows(parse))


def test_with_a_log_only_the_malformed_row_is_missing() -> None:
    """It is noted at the place where its key lies in the file."""
    built = bbolt_builder.build({b"small": ROWS})
    log = DamageLog()
    rows = BucketRows(Database(built.source), b"small", log)
    assert list(rows.rows(parse)) == [(b"a", "1"), (b"c", "3")]
    (damage,) = log.kept
    assert damage.page == 3
    assert built.data[damage.offset : damage.offset + 2] == b"b\xff"


def test_single_values() -> None:
    """One key is looked up; a missing one, or a missing bucket, is None."""
    database = Database(bbolt_builder.build({b"small": ROWS}).source)
    log = DamageLog()
    rows = BucketRows(database, b"small", log)
    assert (rows.value(b"a", text), rows.value(b"x", text)) == ("1", None)
    assert (rows.value(b"a", u64), log.total) == (None, 1)
    assert rows.last_key(bytes) == b"c"
    assert BucketRows(database, b"none", log).last_key(bytes) is None
    assert list(BucketRows(database, b"none", log).rows(parse)) == []


def test_a_bucket_that_cannot_be_read_to_its_end() -> None:
    """What lies before the damage is still read; strict reading stops with an error."""
    built = bbolt_builder.build({b"small": [(b"%d" % n, b"") for n in range(8)]}, per_leaf=4)
    built.pages[4] = bytes(len(built.pages[4]))
    database = Database(built.source)
    log = DamageLog()
    rows = BucketRows(database, b"small", log)
    assert len(list(rows.rows(parse))) == 4
    assert rows.value(b"7", text) is None
    assert rows.last_key(bytes) is None
    assert [damage.what[:29] for damage in log.kept] == ["bucket small cannot be read t"] * 3
    with pytest.raises(DamagedInput):
        list(BucketRows(database, b"small").rows(parse))


def test_a_root_that_cannot_be_read() -> None:
    """The bucket counts as missing, and that is noted."""
    built = bbolt_builder.build({b"small": ROWS})
    built.pages[3] = bytes(len(built.pages[3]))
    log = DamageLog()
    assert list(BucketRows(Database(built.source), b"small", log).rows(parse)) == []
    assert log.total == 1


def test_many_malformed_rows_are_counted() -> None:
    """The first ones are kept, all are counted."""
    rows = [(b"%05d" % n, b"\xff") for n in range(KEPT_MAX + 5)]
    source = BufferSource(bbolt_builder.build({b"small": rows}, per_leaf=100).data)
    log = DamageLog()
    assert list(BucketRows(Database(source), b"small", log).rows(parse)) == []
    assert (len(log.kept), log.total) == (KEPT_MAX, KEPT_MAX + 5)
