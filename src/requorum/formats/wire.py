"""The protobuf wire format: fields in, fields out, no schema.

Source: protobuf.dev, "Encoding". etcd writes proto2 and proto3 messages without groups, so groups
are damage here.
"""

from collections.abc import Iterator

from requorum.errors import DamagedInput

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
FIXED32 = 5

FIELDS_MAX = 1 << 18
"""Fields of one message. etcd's greatest, a transaction, has hundreds; kept as objects, fields of
two bytes would take a hundred times the memory of the file."""

_U64_MASK = (1 << 64) - 1
_I64_SIGN = 1 << 63
_FIELD_NUMBER_MAX = (1 << 29) - 1
VARINT_BYTES_MAX = 10
_FIXED_LENGTH = {FIXED64: 8, FIXED32: 4}


class FixedNumber(int):
    """A number of wire type 1 or 5, which no message of etcd has: it refuses one with it."""


def fields(data: bytes | memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Yield (field number, wire type, value) in the order written.

    Value: u64 for wire type 0, unsigned little-endian integer for 1 and 5, a view of the bytes
    for 2. Raises DamagedInput with the offset within `data` at the first byte that is no field;
    what was yielded before it may be believed as far as the bytes may be. The same behind
    `FIELDS_MAX` fields.
    """
    view = memoryview(data)
    offset = 0
    end = len(view)
    for _ in range(FIELDS_MAX):
        if offset >= end:
            return
        start = offset
        tag = view[offset]
        offset += 1
        if tag > 0x7F:
            tag, offset = read_varint(view, start)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number <= _FIELD_NUMBER_MAX:
            raise DamagedInput(f"field number {number} at offset {start} is not a protobuf one")
        if wire_type == VARINT:
            varint, offset = read_varint(view, offset)
            yield number, wire_type, varint
            continue
        length, offset = _length_of(view, offset, wire_type, start)
        if length > end - offset:
            raise DamagedInput(
                f"field {number} at offset {start} has {length} bytes, {end - offset} are left"
            )
        content = view[offset : offset + length]
        offset += length
        if wire_type == LENGTH_DELIMITED:
            yield number, wire_type, content
        else:
            yield number, wire_type, FixedNumber.from_bytes(content, "little")
    if offset < end:
        raise DamagedInput(f"a message of more than {FIELDS_MAX} fields")


def _length_of(view: memoryview, offset: int, wire_type: int, start: int) -> tuple[int, int]:
    """Return how many bytes the value has and where they start."""
    if wire_type == LENGTH_DELIMITED:
        return read_varint(view, offset)
    if wire_type in _FIXED_LENGTH:
        return _FIXED_LENGTH[wire_type], offset
    raise DamagedInput(f"wire type {wire_type} at offset {start} is not one that etcd writes")


def read_varint(view: bytes | memoryview, offset: int) -> tuple[int, int]:
    """Return (u64 value, offset behind it); DamagedInput when it is cut or exceeds 64 bits."""
    value = shift = 0
    encoded = view[offset : offset + VARINT_BYTES_MAX]
    for byte in encoded:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if value > _U64_MASK:
                break
            return value, offset + shift // 7
    if len(encoded) < VARINT_BYTES_MAX:
        raise DamagedInput(f"the varint at offset {offset} is cut off")
    raise DamagedInput(f"the varint at offset {offset} exceeds 64 bits")


def signed(value: int) -> int:
    """Return the int64 whose two's complement is the u64 `value` (int32 fields too)."""
    return value - (1 << 64) if value & _I64_SIGN else value


def encode_varint(value: int) -> bytes:
    """Return the shortest varint; a negative value is written as its 64-bit two's complement."""
    value &= _U64_MASK
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def field_varint(number: int, value: int) -> bytes:
    """Return a whole varint field, also when the value is 0."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value)


def field_bytes(number: int, value: bytes | memoryview) -> bytes:
    """Return a whole length-delimited field, also when the value is empty."""
    return encode_varint(number << 3 | LENGTH_DELIMITED) + encode_varint(len(value)) + bytes(value)


def whole_number(value: int | memoryview, name: str) -> int:
    """Return an integer field's value; DamagedInput when anything else stands in its place."""
    if type(value) is int:
        return value
    what = "a number of fixed size" if isinstance(value, FixedNumber) else "bytes"
    raise DamagedInput(f"{name} holds {what} where a number belongs")


def payload(value: int | memoryview, name: str) -> memoryview:
    """Return a length-delimited field's bytes; DamagedInput when a number stands in its place."""
    if isinstance(value, memoryview):
        return value
    raise DamagedInput(f"{name} holds a number where bytes belong")
