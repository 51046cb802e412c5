"""Single frames."""

from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wal_data import contents_of, make_segment

from requorum.formats.raftpb import ConfState
from requorum.formats.wal_records import (
    RecordType,
    WalMetadata,
    WalSnapshot,
    claimed_end,
    decode_metadata,
    decode_wal_snapshot,
    frame,
    next_crc,
    parse_frame,
    parse_frame_without_length,
)
from requorum.formats.wire import field_bytes, field_varint

WORD = Struct("<Q")


def test_first_frames_of_every_log() -> None:
    """The bytes that etcd 3.5.30 begins a log with."""
    head, crc = frame(RecordType.CRC, None, 0)
    assert head == bytes.fromhex("0400000000000084 08041000 00000000")
    mark, _ = frame(RecordType.SNAPSHOT, bytes.fromhex("08001000"), crc)
    assert mark[:8] == WORD.pack(0x82 << 56 | (len(mark) - 10))


@given(st.sampled_from(RecordType), st.binary(max_size=300), st.integers(0, (1 << 32) - 1))
def test_round_trip(record_type: RecordType, content: bytes, running: int) -> None:
    """A frame is found again, with its length word and without it."""
    data = None if record_type is RecordType.CRC else content
    framed, crc = frame(record_type, data, running)
    view = memoryview(framed + b"\x1a" * 16)
    found = parse_frame(view, 0)
    assert found is not None
    assert len(framed) % 8 == 0
    assert (found.type, found.crc, found.end) == (record_type, crc, len(framed))
    assert view[found.data_start : found.data_end] == (data or b"")
    assert next_crc(view, found, running) == crc
    assert claimed_end(view, 0) == found.end
    assert parse_frame_without_length(view, 0) == found


@pytest.mark.parametrize("cut", range(1, 40))
def test_cut_frame(cut: int) -> None:
    """A frame that reaches beyond the file is none."""
    framed, _ = frame(RecordType.ENTRY, b"x" * 20, 0)
    view = memoryview(framed)[:-cut]
    assert parse_frame(view, 0) is None
    assert claimed_end(view, 0) is None
    assert parse_frame_without_length(view, 0) is None


def test_length_word_vouches_for_itself() -> None:
    """A length without the padding that it needs is not believed."""
    framed, _ = frame(RecordType.ENTRY, b"x" * 21, 0)
    for bit in (0, 1, 2, 56, 57, 58, 63):
        flipped = bytearray(framed + bytes(64))
        flipped[bit // 8] ^= 1 << bit % 8
        assert claimed_end(memoryview(flipped), 0) is None


@given(st.binary(max_size=64), st.integers(0, 64))
def test_arbitrary_bytes(content: bytes, offset: int) -> None:
    """Any bytes at any place are a frame within them, or none."""
    view = memoryview(content)
    for parse in (parse_frame, parse_frame_without_length):
        found = parse(view, offset)
        assert found is None or found.data_end <= found.end <= len(content)


def test_contents_of_the_logs_own_records() -> None:
    """Metadata and snapshot marks; 3.4 writes the mark without a configuration."""
    assert decode_metadata(field_varint(1, 1 << 63) + field_varint(2, 5)) == WalMetadata(1 << 63, 5)
    mark = field_varint(1, 9) + field_varint(2, 2)
    assert decode_wal_snapshot(mark) == WalSnapshot(9, 2, None)
    with_voters = mark + field_bytes(3, field_varint(1, 7))
    assert decode_wal_snapshot(with_voters) == WalSnapshot(9, 2, ConfState(voters=(7,)))


def test_records_are_made_when_they_are_asked_for() -> None:
    """They read like a list of what was added."""
    made = make_segment([b"a", b"bb", b"ccc"])
    records = made.read().records
    assert len(records) == 5
    assert list(records) == [records[number] for number in range(5)]
    assert (records[-1], records[1:3]) == (list(records)[4], list(records)[1:3])
    assert [record.end for record in records] == made.offsets[1:]
    assert contents_of(records) == made.contents
    with pytest.raises(IndexError):
        records[5]
