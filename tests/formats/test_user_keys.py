"""Users' keys in columns, and the last record of each."""

import bbolt_builder
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mvcc_builder import Event, database_of

from requorum.errors import DamagedInput
from requorum.formats import user_keys as module
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import U64, FileBytes
from requorum.formats.mvcc import RevisionKey
from requorum.formats.records import scan_all
from requorum.formats.user_keys import last_of_each_key, user_keys
from requorum.formats.wire import field_bytes, field_varint

KEYS = st.lists(
    st.binary(min_size=1, max_size=3) | st.integers(0, 20).map(lambda n: b"same" * 4 + bytes(n)),
    max_size=40,
)


def expected_last(keys: list[bytes]) -> list[bool]:
    """Return the same as `last_of_each_key`, the obvious way."""
    return [key not in keys[row + 1 :] for row, key in enumerate(keys)]


def last_of(keys: list[bytes]) -> list[bool]:
    """Return what the columns say of a history with those keys."""
    database = database_of(Event(row, 0, key, b"value") for row, key in enumerate(keys))
    file = FileBytes(database.source)
    found: list[bool] = last_of_each_key(file, user_keys(file, scan_all(database))).tolist()
    return found


@given(KEYS)
def test_last_of_each_key(keys: list[bytes]) -> None:
    """For any keys the last rows are those without an equal key behind them."""
    assert last_of(keys) == expected_last(keys)


def test_keys_of_every_length() -> None:
    """Keys whose length takes one, two and three bytes are told apart by their last byte."""
    keys = [b"k" * size + end for size in (5, 126, 127, 200, 17_000) for end in (b"a", b"b", b"a")]
    assert last_of(keys) == expected_last(keys)


@given(KEYS)
def test_collisions_are_harmless(keys: list[bytes]) -> None:
    """With fingerprints that all collide the answer is the same."""

    def worthless(_file: FileBytes, found: module.UserKeys) -> U64:
        return np.zeros(len(found), dtype=np.uint64)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fingerprints", worthless)
        assert last_of(keys) == expected_last(keys)


def test_revision_bump_marker_has_an_empty_key() -> None:
    """An empty value and one without a key count as the empty key."""
    database = database_of([Event(2, 0, b"a", b"1")])
    file = FileBytes(database.source)
    records = scan_all(database)
    records.value_size[:] = 0
    assert user_keys(file, records).size.tolist() == [0]


@pytest.mark.parametrize(
    "value", [b"\x0a\x7fk", b"\x0a", field_varint(2, 1) + b"\x0a\2k", b"\x0a\xff\xff\xff"]
)
def test_malformed_values(value: bytes) -> None:
    """A key that is cut is damage."""
    with pytest.raises(DamagedInput):
        keys_of_value(value)


def test_keys_that_do_not_come_first() -> None:
    """Fields may come in any order."""
    assert keys_of_value(field_varint(2, 1) + field_bytes(1, b"k")) == [b"k"]


def keys_of_value(value: bytes) -> list[bytes]:
    """Return the keys of one record with that value."""
    name = RevisionKey.parse(b"\0" * 7 + b"\2_" + b"\0" * 8).encode()
    database = Database(bbolt_builder.build({b"key": [(name, value)]}).source)
    file = FileBytes(database.source)
    keys = user_keys(file, scan_all(database))
    places = zip(keys.offset.tolist(), keys.size.tolist(), strict=True)
    return [bytes(file.view[offset : offset + size]) for offset, size in places]
