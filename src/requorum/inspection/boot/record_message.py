"""A log record as etcd's protobuf code decodes it, with the error that it gives.

Whether a record that does not decode stops etcd, or is cut off as the torn end of the log, depends
on that error: gogo/protobuf says "unexpected EOF" where a field reaches beyond the record, which
etcd takes for a write that a crash cut short.
Source: etcd 3.6.14 server/storage/wal/walpb/record.pb.go (generated).
"""

from enum import Enum
from typing import NamedTuple

_VARINT_BITS = 64
_TYPE, _CRC, _DATA = 1, 2, 3
_WIRE_TYPE_OF = {_TYPE: 0, _CRC: 0, _DATA: 2}
_GROUP_DEPTH_MAX = 100
_U32 = (1 << 32) - 1
_I64_MAX = (1 << 63) - 1


class DecodeError(Enum):
    """Why a message does not decode."""

    EOF = "unexpected EOF"
    OTHER = "it is no record"


class RecordMessage(NamedTuple):
    """walpb.Record; its data is [data_start, data_end) of what was decoded."""

    type: int
    crc: int
    data_start: int
    data_end: int


class _Failed(Exception):
    def __init__(self, reason: DecodeError) -> None:
        super().__init__(reason.value)
        self.reason = reason


def decode_record(data: memoryview, *, by_protobuf_go: bool = False) -> RecordMessage | DecodeError:
    """Return the record, or the error that etcd up to 3.6 gives for these bytes.

    `by_protobuf_go`: as 3.7, to which a field of another wire type than its own is an unknown one.
    """
    try:
        return _decode(data, by_protobuf_go=by_protobuf_go)
    except _Failed as error:
        return error.reason


def _decode(data: memoryview, *, by_protobuf_go: bool) -> RecordMessage:
    record_type = crc = data_start = data_end = offset = 0
    while offset < len(data):
        start = offset
        tag, offset = _varint(data, offset)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 4 or not 0 < number <= _U32 >> 1:
            raise _Failed(DecodeError.OTHER)
        fits = _WIRE_TYPE_OF.get(number) == wire_type
        if number not in _WIRE_TYPE_OF or (by_protobuf_go and not fits):
            offset = _skip(data, start)
        elif not fits:
            raise _Failed(DecodeError.OTHER)
        elif number == _DATA:
            data_start, data_end = _bytes_field(data, offset)
            offset = data_end
        else:
            value, offset = _varint(data, offset)
            record_type = value if number == _TYPE else record_type
            crc = value & _U32 if number == _CRC else crc
    if offset > len(data):
        raise _Failed(DecodeError.EOF)
    return RecordMessage(record_type, crc, data_start, data_end)


def _bytes_field(data: memoryview, offset: int) -> tuple[int, int]:
    length, start = _varint(data, offset)
    if start + length > _I64_MAX:
        raise _Failed(DecodeError.OTHER)
    if start + length > len(data):
        raise _Failed(DecodeError.EOF)
    return start, start + length


def _varint(data: memoryview, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _VARINT_BITS, 7):
        if offset >= len(data):
            raise _Failed(DecodeError.EOF)
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << _VARINT_BITS) - 1), offset
    raise _Failed(DecodeError.OTHER)


def _skip(data: memoryview, offset: int) -> int:
    """Return where an unknown field ends; it may be behind the end of the data."""
    depth = 0
    while offset < len(data):
        tag, offset = _varint(data, offset)
        wire_type = tag & 7
        if wire_type == 0:
            _, offset = _varint(data, offset)
        elif wire_type in (1, 5):
            offset += 8 if wire_type == 1 else 4
        elif wire_type == 2:
            length, offset = _varint(data, offset)
            if offset + length > _I64_MAX:
                raise _Failed(DecodeError.OTHER)
            offset += length
        else:
            depth = _depth(wire_type, depth)
        if depth == 0:
            if offset > len(data):
                raise _Failed(DecodeError.EOF)
            return offset
    raise _Failed(DecodeError.EOF)


def _depth(wire_type: int, depth: int) -> int:
    """Return how deep in groups the next field lies."""
    if wire_type == 3 and depth < _GROUP_DEPTH_MAX:
        return depth + 1
    if wire_type == 4 and depth > 0:
        return depth - 1
    raise _Failed(DecodeError.OTHER)
