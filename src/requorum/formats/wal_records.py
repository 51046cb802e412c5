"""Single records of etcd's write-ahead log: frame, checksum, and what only the WAL puts in them.

Source: etcd server/storage/wal/{encoder,decoder}.go and walpb/record.proto.

A frame is a u64 length word (little-endian), the record, and zeros up to a multiple of 8. The low
56 bits of the word are the record's bytes; with padding, its top byte is 0x80 | padding, so that
the word vouches for itself. The record is a protobuf message {type = 1, crc = 2, data = 3} that
etcd always writes in this one way. `crc` is the CRC32C of this record's data chained to the crc
of the record before it, so any record can be checked with nothing but its neighbour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Any, NamedTuple, overload

from crc32c import crc32c

from requorum.formats import wire
from requorum.formats.message import Message
from requorum.formats.raftpb import ConfState, decode_conf_state

WORD_LENGTH = 8

_WORD = Struct("<Q")
_LENGTH_MASK = (1 << 56) - 1
_PADDING_FLAG = tuple(0x80 | (8 - rest) if rest else 0 for rest in range(8))
"""The top byte of the length word, by the record's length modulo 8."""

_RECORD_LENGTH_MIN = 4
_VARINT_BYTES_MAX = 8  # 56 bits, as many as the length word has
_CRC_MAX = (1 << 32) - 1
_TYPE_TAG, _CRC_TAG, _DATA_TAG = 0x08, 0x10, 0x1A


class RecordType(IntEnum):
    """What a record's data is: WalMetadata, raftpb Entry, HardState, nothing, WalSnapshot."""

    METADATA = 1
    ENTRY = 2
    STATE = 3
    CRC = 4
    SNAPSHOT = 5


RECORD_TYPES = frozenset(int(record_type) for record_type in RecordType)


class Record(NamedTuple):
    """A record read from a segment.

    `type` is a RecordType's number; `data` is a view of the segment, not a copy,
    empty where there is none; `crc` is the checksum as
    stored. The frame occupies [offset, end) of its file, padding included. `verified`: the
    checksum chain proves the data; where it is False the bytes have the form of a record, but
    damage before it leaves its content unproven.
    """

    type: int
    data: bytes | memoryview
    crc: int
    offset: int
    end: int
    verified: bool


class Frame(NamedTuple):
    """Where the parts of a frame lie; nothing is said of its checksum yet."""

    offset: int
    type: int
    crc: int
    data_start: int
    data_end: int
    end: int


_PACKED = Struct("<qqqIB?")


class Records(Sequence[Record]):
    """The records of one segment, each made when it is asked for.

    Until then it is 30 bytes: a segment may hold four million, and as objects they would take
    twenty times the memory of what they describe.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._packed = bytearray()

    def add(self, found: Frame, *, verified: bool) -> None:
        """Add a record of a known type, behind those that are there."""
        self._packed += _PACKED.pack(
            found.offset, found.data_start, found.data_end, found.crc, found.type, verified
        )

    def __len__(self) -> int:
        return len(self._packed) // _PACKED.size

    def __iter__(self) -> Iterator[Record]:
        return map(self._unpacked, _PACKED.iter_unpack(self._packed))

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        place = range(len(self))[index]
        if isinstance(place, range):
            return [self[number] for number in place]
        return self._unpacked(_PACKED.unpack_from(self._packed, place * _PACKED.size))

    def _unpacked(self, packed: tuple[Any, ...]) -> Record:
        offset, data_start, data_end, crc, record_type, verified = packed
        end = data_end + (offset - data_end) % WORD_LENGTH
        return Record(record_type, self._view[data_start:data_end], crc, offset, end, verified)


@dataclass(frozen=True, slots=True)
class WalMetadata:
    """Whose log it is; the same in every segment. Source: etcdserverpb.Metadata."""

    node_id: int
    cluster_id: int


@dataclass(frozen=True, slots=True)
class WalSnapshot:
    """The mark that a snapshot was saved; `conf_state` is None as 3.4 writes it.

    Source: walpb.Snapshot.
    """

    index: int
    term: int
    conf_state: ConfState | None


def frame(record_type: int, data: bytes | memoryview | None, running_crc: int) -> tuple[bytes, int]:
    """Return the frame as etcd writes it, and the crc for the next record.

    `data` None is written as no data at all, b"" as an empty one. A CRC record carries
    `running_crc` itself and no data.
    """
    crc = crc32c(data or b"", running_crc)
    record = wire.field_varint(1, record_type) + wire.field_varint(2, crc)
    if data is not None:
        record += wire.field_bytes(3, data)
    return _WORD.pack(_length_word(len(record))) + record + bytes(-len(record) % 8), crc


def _length_word(length: int) -> int:
    return _PADDING_FLAG[length % 8] << 56 | length


def read_word(view: memoryview, offset: int) -> int:
    """Return the length word; the caller has made sure that 8 bytes are there."""
    word: int = _WORD.unpack_from(view, offset)[0]
    return word


def claimed_end(view: memoryview, offset: int) -> int | None:
    """Return where the frame at `offset` ends if its length word is intact, else None."""
    if offset + WORD_LENGTH > len(view):
        return None
    word = read_word(view, offset)
    length = word & _LENGTH_MASK
    if length < _RECORD_LENGTH_MIN or word >> 56 != _PADDING_FLAG[length & 7]:
        return None
    end = offset + WORD_LENGTH + length + (-length & 7)
    return end if end <= len(view) else None


def parse_frame(view: memoryview, offset: int) -> Frame | None:
    """Return the frame at `offset`, None unless its length word and its record agree."""
    end = claimed_end(view, offset)
    head = None if end is None else _parse_head(view, offset + WORD_LENGTH)
    if end is None or head is None:
        return None
    record_type, crc, data_start = head
    record_end = offset + WORD_LENGTH + (read_word(view, offset) & _LENGTH_MASK)
    if data_start != record_end:
        data = _parse_data(view, data_start)
        if data is None or data[1] != record_end:
            return None
        data_start = data[0]
    return Frame(offset, record_type, crc, data_start, record_end, end)


def parse_frame_without_length(view: memoryview, offset: int) -> Frame | None:
    """Return the frame at `offset` as long as its record says that it is, whatever the word says.

    No data belongs to a CRC record and some to every other, as etcd writes them.
    """
    start = offset + WORD_LENGTH
    head = _parse_head(view, start)
    if head is None:
        return None
    record_type, crc, data_end = head
    data_start = data_end
    if record_type != RecordType.CRC:
        data = _parse_data(view, data_end)
        if data is None:
            return None
        data_start, data_end = data
    end = data_end + (start - data_end) % 8
    return Frame(offset, record_type, crc, data_start, data_end, end) if end <= len(view) else None


def _parse_head(view: memoryview, start: int) -> tuple[int, int, int] | None:
    """Return (type, crc, offset behind them), None where no record starts."""
    if start + _RECORD_LENGTH_MIN > len(view):
        return None
    if view[start] != _TYPE_TAG or view[start + 1] > 0x7F or view[start + 2] != _CRC_TAG:
        return None
    crc, offset = _varint(view, start + 3)
    return (view[start + 1], crc, offset) if crc <= _CRC_MAX else None


def _parse_data(view: memoryview, offset: int) -> tuple[int, int] | None:
    """Return [start, end) of the data field's bytes, None where there is no such field."""
    if offset >= len(view) or view[offset] != _DATA_TAG:
        return None
    length, start = _varint(view, offset + 1)
    return (start, start + length) if start + length <= len(view) else None


def _varint(view: memoryview, offset: int) -> tuple[int, int]:
    """Return (value, offset behind it); a value beyond every limit where there is no varint.

    As `wire.read_varint`, without its error: garbage is usual here, and read a million times.
    """
    value = shift = 0
    for byte in view[offset : offset + _VARINT_BYTES_MAX]:
        offset += 1
        if byte < 0x80:
            return value | byte << shift, offset
        value |= (byte & 0x7F) << shift
        shift += 7
    return _LENGTH_MASK, offset


def next_crc(view: memoryview, found: Frame, running_crc: int) -> int:
    """Return the running crc behind `found`: it is intact if and only if it stores the same."""
    if found.type == RecordType.CRC:
        return running_crc
    return crc32c(view[found.data_start : found.data_end], running_crc)


def decode_metadata(data: bytes | memoryview) -> WalMetadata:
    """Decode the data of a METADATA record; DamagedInput where it is none."""
    message = Message(data)
    return WalMetadata(message.unsigned(1), message.unsigned(2))


def decode_wal_snapshot(data: bytes | memoryview) -> WalSnapshot:
    """Decode the data of a SNAPSHOT record; DamagedInput where it is none."""
    message = Message(data)
    conf_states = message.messages(3)
    conf_state = decode_conf_state(conf_states[-1]) if conf_states else None
    return WalSnapshot(message.unsigned(1), message.unsigned(2), conf_state)
