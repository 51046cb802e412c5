"""Revisions and key-values, from bytes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.wire import field_bytes, field_varint

NUMBERS = st.integers(0, 2**63 - 1)
REVISION_KEYS = st.builds(RevisionKey, st.builds(Revision, NUMBERS, NUMBERS), st.booleans())


@given(REVISION_KEYS)
def test_revision_keys_round_trip(key: RevisionKey) -> None:
    """A key parses to what was encoded, in 17 bytes or 18."""
    encoded = key.encode()
    assert len(encoded) == (18 if key.tombstone else 17)
    assert RevisionKey.parse(encoded) == key


@given(REVISION_KEYS, REVISION_KEYS)
def test_bytes_sort_as_revisions(one: RevisionKey, other: RevisionKey) -> None:
    """The order of the bytes, which bbolt keeps, is the order of the revisions."""
    assert (one < other) == (one.encode() < other.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 16,
        b"\0" * 17,
        b"\0" * 8 + b"_" + b"\0" * 8 + b"x",
        b"\0" * 8 + b"_" + b"\0" * 8 + b"tt",
        b"\xff" * 8 + b"_" + b"\0" * 8,
        b"\0" * 8 + b"_" + b"\xff" * 8,
    ],
)
def test_malformed_revisions(data: bytes) -> None:
    """Wrong lengths, separators, marks and signs are damage."""
    with pytest.raises(DamagedInput):
        RevisionKey.parse(data)


def test_key_value_fields() -> None:
    """Each field number is its own attribute; unknown ones are passed over."""
    data = field_bytes(1, b"k") + field_varint(2, 3) + field_varint(3, 5) + field_varint(4, 2)
    data += field_bytes(5, b"v") + field_varint(6, -7) + field_varint(99, 1)
    assert KeyValue.decode(data) == KeyValue(b"k", 3, 5, 2, b"v", -7)


NUMBER = st.integers(-(2**63), 2**63 - 1)
KEY_VALUES = st.builds(
    KeyValue, st.binary(max_size=9), NUMBER, NUMBER, NUMBER, st.binary(max_size=9), NUMBER
)


@given(KEY_VALUES)
def test_key_values_round_trip(kv: KeyValue) -> None:
    """A message decodes to what was encoded."""
    assert KeyValue.decode(kv.encode()) == kv


def test_key_value_is_encoded_as_etcd_does() -> None:
    """Fields that are zero are left out: a tombstone is its key, a bump marker is nothing."""
    assert KeyValue(b"k", 2, 300, 1, b"v", 7).encode().hex() == "0a016b100218ac0220012a01763007"
    assert KeyValue(b"k").encode() == b"\x0a\x01k"
    assert KeyValue().encode() == b""


def test_revision_bump_marker() -> None:
    """The empty value that a bumped restore writes is a key-value with an empty key."""
    assert KeyValue.decode(b"") == KeyValue()


@pytest.mark.parametrize("data", [field_varint(1, 1), field_bytes(3, b"x"), b"\x0a\x05ab"])
def test_malformed_key_values(data: bytes) -> None:
    """Fields of the wrong type and cut ones are damage."""
    with pytest.raises(DamagedInput):
        KeyValue.decode(data)


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """Any bytes decode or are damage."""
    for parse in (KeyValue.decode, RevisionKey.parse, Revision.parse):
        try:
            parse(data)
        except DamagedInput:
            continue
