"""The messages inside of log records, and with which error etcd refuses those that are none."""

import pytest

from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.boot.record_message import DecodeError, RecordMessage, decode_record

ENTRY = field_varint(1, 2) + field_varint(2, 77) + field_bytes(3, b"data")


def decoded(data: bytes, **options: bool) -> RecordMessage | DecodeError:
    """Return what is made of the bytes."""
    return decode_record(memoryview(data), **options)


def test_a_record_as_etcd_writes_it() -> None:
    """Type, checksum, and where the data lies."""
    found = decoded(ENTRY)
    assert isinstance(found, RecordMessage)
    assert (found.type, found.crc) == (2, 77)
    assert ENTRY[found.data_start : found.data_end] == b"data"


def test_fields_of_later_versions_are_passed_over() -> None:
    """Of every wire type, groups too."""
    later = field_varint(9, 5) + field_bytes(10, b"xy") + b"\x5d1234" + b"\x6112345678"
    group = b"\x73" + field_varint(1, 1) + b"\x74"
    found = decoded(later + group + ENTRY)
    assert isinstance(found, RecordMessage)
    assert found.crc == 77


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (ENTRY[:-1], DecodeError.EOF),
        (b"\x08", DecodeError.EOF),
        (b"\x08\x80", DecodeError.EOF),
        (b"\x1a\x7f", DecodeError.EOF),
        (b"\x5d12", DecodeError.EOF),
        (b"\x73\x08\x01", DecodeError.EOF),
        (b"\x00\x01", DecodeError.OTHER),
        (b"\x0c", DecodeError.OTHER),
        (b"\x0d1234", DecodeError.OTHER),
        (b"\x1a" + b"\xff" * 9 + b"\x01", DecodeError.OTHER),
        (b"\x08" + b"\xff" * 11, DecodeError.OTHER),
        (b"\x4f", DecodeError.OTHER),
        (b"\x73\x74\x74", DecodeError.OTHER),
    ],
)
def test_what_reaches_beyond_the_end_is_told_from_the_rest(data: bytes, error: DecodeError) -> None:
    """The first, etcd takes for a write that a crash cut short."""
    assert decoded(data) is error


def test_protobuf_go_passes_over_fields_of_another_wire_type() -> None:
    """To 3.7 they are unknown ones; the record then has no such field."""
    data = b"\x0d1234" + field_varint(2, 77)
    assert decoded(data) is DecodeError.OTHER
    assert decoded(data, by_protobuf_go=True) == RecordMessage(0, 77, 0, 0)
