"""The protobuf wire format, against bytes from its own documentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats import wire

U64 = st.integers(0, (1 << 64) - 1)
NUMBERS = st.integers(1, (1 << 29) - 1)


def test_documented_example() -> None:
    """The examples of protobuf.dev: 150 in field 1, "testing" in field 2."""
    assert wire.field_varint(1, 150) == bytes.fromhex("089601")
    assert wire.field_bytes(2, b"testing") == bytes.fromhex("120774657374696e67")
    assert list(wire.fields(bytes.fromhex("089601"))) == [(1, 0, 150)]


def test_fixed_widths() -> None:
    """Fixed numbers are little-endian, of 8 and 4 bytes."""
    content = b"\x09" + bytes(range(1, 9)) + b"\x15" + bytes(range(1, 5))
    assert list(wire.fields(content)) == [(1, 1, 0x0807060504030201), (2, 5, 0x04030201)]


@given(st.lists(st.tuples(NUMBERS, st.one_of(U64, st.binary(max_size=300)))))
def test_round_trip(written: list[tuple[int, int | bytes]]) -> None:
    """What is written is read, in order."""
    content = b"".join(
        wire.field_varint(number, value)
        if isinstance(value, int)
        else wire.field_bytes(number, value)
        for number, value in written
    )
    read = [
        (number, value if isinstance(value, int) else bytes(value))
        for number, _, value in wire.fields(content)
    ]
    assert read == written


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_negative_numbers(number: int) -> None:
    """An int64 survives its two's complement."""
    value, end = wire.read_varint(wire.encode_varint(number), 0)
    assert (wire.signed(value), end) == (number, len(wire.encode_varint(number)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x08", "varint at offset 1 is cut off"),
        (b"\x08\x80", "varint at offset 1 is cut off"),
        (b"\x80", "varint at offset 0 is cut off"),
        (b"\x08" + b"\xff" * 10, "exceeds 64 bits"),
        (b"\x08" + b"\x80" * 9 + b"\x02", "exceeds 64 bits"),
        (b"\x0a\x05abc", "field 1 at offset 0 has 5 bytes, 3 are left"),
        (b"\x09\x01", "field 1 at offset 0 has 8 bytes, 1 are left"),
        (b"\x08\x01\x0b", "wire type 3 at offset 2"),
        (b"\x0c", "wire type 4 at offset 0"),
        (b"\x0f", "wire type 7 at offset 0"),
        (b"\x00\x00", "field number 0 at offset 0"),
    ],
)
def test_damage(content: bytes, message: str) -> None:
    """Each kind of damage names its place."""
    with pytest.raises(DamagedInput, match=message):
        list(wire.fields(content))


@given(st.binary(max_size=200))
def test_arbitrary_bytes(content: bytes) -> None:
    """Any bytes give fields within them, or DamagedInput."""
    try:
        read = list(wire.fields(content))
    except DamagedInput:
        return
    assert sum(len(value) for _, _, value in read if isinstance(value, memoryview)) <= len(content)


def test_kinds_of_values() -> None:
    """A number where bytes belong, and the other way round, is damage."""
    assert wire.whole_number(5, "x") == 5
    assert wire.payload(memoryview(b"a"), "x") == b"a"
    with pytest.raises(DamagedInput, match="x holds bytes"):
        wire.whole_number(memoryview(b"a"), "x")
    with pytest.raises(DamagedInput, match="x holds a number"):
        wire.payload(5, "x")


def test_no_message_has_so_many_fields() -> None:
    """A field of two bytes may take a hundred in memory, so their number ends somewhere."""
    field = wire.field_varint(1, 7)
    assert len(list(wire.fields(field * wire.FIELDS_MAX))) == wire.FIELDS_MAX
    with pytest.raises(DamagedInput, match="a message of more than 262144 fields"):
        list(wire.fields(field * (wire.FIELDS_MAX + 1)))


@pytest.mark.parametrize("content", [b"\x09" + bytes(8), b"\x0d" + bytes(4)])
def test_numbers_of_fixed_size(content: bytes) -> None:
    """They are passed over, and are damage where another number belongs: so it is in etcd."""
    ((_, _, value),) = wire.fields(content)
    assert value == 0
    with pytest.raises(DamagedInput, match="x holds a number of fixed size"):
        wire.whole_number(value, "x")
