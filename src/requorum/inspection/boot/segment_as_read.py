"""One WAL segment as etcd's own decoder reads it: record after record, up to its first error.

`requorum.formats.wal` reads on behind damage, to save what is there. This reader stops where etcd
stops, and says with which error: on that depends whether etcd starts.
Source: etcd server/storage/wal/decoder.go.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from crc32c import crc32c

from requorum.errors import DamagedInput
from requorum.formats import wire
from requorum.formats.requests import ClusterVersionSet, Request, V2Request, decode_request
from requorum.formats.wal import RecordType
from requorum.formats.wal_end import is_torn
from requorum.formats.wal_records import WORD_LENGTH, parse_frame, read_word
from requorum.inspection.boot.record_message import DecodeError, RecordMessage, decode_record

RECORDS_MAX = 4_000_000
"""More than a segment of 64 MB can hold; reading stops there, whatever a file claims."""

_LENGTH_MASK = (1 << 56) - 1
_ENTRY_TAGS = (0x08, 0x10, 0x18)
NOTED_FIRST_BYTES = frozenset({0x08, 0x12, 0xA2})
"""What a request begins with that may be of the v2 API (its ID, or `v2`), or set the cluster
version (its header, where nothing else is). Puts and all else that is frequent begin otherwise."""


class StopKind(Enum):
    """Why decoding stops before the end of a segment."""

    CUT_WORD = "the file ends within the length of a record"
    BEYOND_FILE = "a record reaches beyond the end of the file"
    MESSAGE_EOF = "a field reaches beyond its record"
    MESSAGE = "the bytes are no record"
    CRC = "a record does not match its checksum"
    CHAIN = "a checksum record does not continue the log"
    UNREADABLE = "the disk does not give the bytes"
    TOO_MANY = "there are more records than a segment can hold"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where decoding stops. `torn`: a sector of it was never written, and it is the last segment.

    `record_bytes` is what its length word claims. `decoded_by_go`: protobuf-go, which 3.7 decodes
    with, makes a record of the bytes, whose checksum then is wrong.
    """

    offset: int
    kind: StopKind
    torn: bool = False
    record_bytes: int = 0
    decoded_by_go: bool = False


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record; what the two numbers are depends on its type.

    Entry: index, term. State: commit, term. Snapshot: index, term. Metadata: node, cluster. CRC:
    what it carries, what the chain stood at (0 at the head of a segment). None where the content
    is not of that type, which makes etcd panic.
    """

    type: int
    first: int
    second: int
    decoded: bool


@dataclass(slots=True)
class SegmentAsRead:
    """What etcd's decoder makes of a segment.

    `behind` is the checksum that it was decoded behind, which matters where its head is damaged;
    `running` the one behind its last record; `end` the byte there. `large_record` is
    the number of records before the first of 10 MB or more, None where there is none.
    `requests` are those entries, by their number among the records, that replay must look at.
    `zeroed_behind`: bytes that are not zero lie behind the end, which etcd overwrites.
    """

    name: str
    sequence: int
    index: int
    size: int
    stop: Stop | None = None
    end: int = 0
    behind: int = 0
    running: int = 0
    head_crc: int | None = None
    large_record: int | None = None
    zeroed_behind: bool = False
    requests: dict[int, Request] = field(default_factory=dict)
    _types: "array[int]" = field(default_factory=lambda: array("Q"))
    _firsts: "array[int]" = field(default_factory=lambda: array("Q"))
    _seconds: "array[int]" = field(default_factory=lambda: array("Q"))
    _undecodable: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._types)

    def records(self) -> Iterator[ReadRecord]:
        """Yield the records in order."""
        rows = zip(self._types, self._firsts, self._seconds, strict=True)
        for number, (record_type, first, second) in enumerate(rows):
            yield ReadRecord(record_type, first, second, number not in self._undecodable)

    def add(self, record_type: int, numbers: tuple[int, int] | None) -> None:
        """Append a record; without numbers its content is not of its type."""
        if numbers is None:
            self._undecodable.add(len(self._types))
        first, second = numbers or (0, 0)
        self._types.append(record_type)
        self._firsts.append(first)
        self._seconds.append(second)


def read_as_etcd(
    name: str, sequence: int, index: int, view: memoryview, *, last: bool, running: int = 0
) -> SegmentAsRead:
    """Decode a segment; `running` is the checksum that the segment before ended with.

    `last`: whether it is the last one, the only one that may end with a torn write.
    """
    found = SegmentAsRead(name, sequence, index, len(view), behind=running, running=running)
    reader = _Reader(view, found, last=last)
    reader.read()
    return found


class _Reader:
    def __init__(self, view: memoryview, found: SegmentAsRead, *, last: bool) -> None:
        self._view = view
        self._found = found
        self._last = last

    def read(self) -> None:
        while self._found.stop is None and self._step():
            if len(self._found) > RECORDS_MAX:
                self._stop(StopKind.TOO_MANY)
        self._found.zeroed_behind = self._last and any(
            self._view[self._found.end : self._found.end + _LOOK_BEHIND]
        )

    def _step(self) -> bool:
        """Take one record; False at the end, clean or not."""
        offset = self._found.end
        frame = parse_frame(self._view, offset)
        if frame is None:
            return self._step_slowly(offset)
        message = RecordMessage(frame.type, frame.crc, frame.data_start, frame.data_end)
        return self._take(message, offset, frame.end)

    def _step_slowly(self, offset: int) -> bool:
        """Take a record whose frame is not as etcd writes it, if etcd would take it."""
        left = len(self._view) - offset
        if left < WORD_LENGTH:
            if left:
                self._stop(StopKind.CUT_WORD)
            return False
        word = read_word(self._view, offset)
        if word == 0:
            return False
        length, padding = word & _LENGTH_MASK, (word >> 56 & 7) if word >> 63 else 0
        end = offset + WORD_LENGTH + length + padding
        if end > len(self._view):
            self._found.stop = Stop(offset, StopKind.BEYOND_FILE, record_bytes=length)
            return False
        start = offset + WORD_LENGTH
        message = decode_record(self._view[start : start + length])
        if isinstance(message, DecodeError):
            eof = message is DecodeError.EOF
            by_go = decode_record(self._view[start : start + length], by_protobuf_go=True)
            self._stop(
                StopKind.MESSAGE_EOF if eof else StopKind.MESSAGE,
                decoded_by_go=isinstance(by_go, RecordMessage),
            )
            return False
        place = message._replace(
            data_start=start + message.data_start, data_end=start + message.data_end
        )
        return self._take(place, offset, end)

    def _take(self, message: RecordMessage, offset: int, end: int) -> bool:
        found = self._found
        if message.type == RecordType.CRC:
            found.add(message.type, (message.crc, found.running if offset else 0))
            if offset == 0:
                found.head_crc = message.crc
            elif found.running not in (0, message.crc):
                self._stop(StopKind.CHAIN)
                return False
            found.running = message.crc
        else:
            data = self._view[message.data_start : message.data_end]
            running = crc32c(data, found.running)
            if running != message.crc:
                self._stop(StopKind.CRC)
                return False
            found.running = running
            self._add(message.type, data)
        if end - offset >= _LARGE and found.large_record is None:
            found.large_record = len(found) - 1
        found.end = end
        return True

    def _stop(self, kind: StopKind, *, decoded_by_go: bool = False) -> None:
        offset = self._found.end
        torn = self._last and kind is not StopKind.CHAIN and is_torn(self._view, offset)
        self._found.stop = Stop(offset, kind, torn=torn, decoded_by_go=decoded_by_go)

    def _add(self, record_type: int, data: memoryview) -> None:
        if record_type == RecordType.ENTRY:
            self._add_entry(data)
        elif record_type in _NUMBERS_OF:
            self._found.add(record_type, _numbers(data, *_NUMBERS_OF[record_type]))
        else:
            self._found.add(record_type, (0, 0))

    def _add_entry(self, data: memoryview) -> None:
        usual = _usual_entry(data)
        if usual is None:
            self._found.add(RecordType.ENTRY, _numbers(data, 3, 2))
            return
        is_normal, term, index, content = usual
        if is_normal and content < len(data) and data[content] in NOTED_FIRST_BYTES:
            self._note(data[content:])
        self._found.add(RecordType.ENTRY, (index, term))

    def _note(self, content: memoryview) -> None:
        try:
            request = decode_request(content)
        except DamagedInput:
            return
        if isinstance(request, V2Request | ClusterVersionSet):
            self._found.requests[len(self._found)] = request


_LARGE = 10 * 1024 * 1024
_LOOK_BEHIND = 1 << 20
_NUMBERS_OF: Mapping[int, tuple[int, int]] = {
    RecordType.METADATA: (1, 2),
    RecordType.STATE: (3, 1),
    RecordType.SNAPSHOT: (1, 2),
}
"""The numbers of the two fields that are kept, by the record's type."""


def _numbers(data: memoryview, first: int, second: int) -> tuple[int, int] | None:
    """Return two number fields of a message, 0 where missing; None where it does not decode."""
    numbers = {first: 0, second: 0}
    try:
        for number, wire_type, value in wire.fields(data):
            if number in numbers:
                if wire_type != wire.VARINT or not isinstance(value, int):
                    return None
                numbers[number] = value
    except DamagedInput:
        return None
    return numbers[first], numbers[second]


def _usual_entry(data: memoryview) -> tuple[bool, int, int, int] | None:
    """Return (normal, term, index, where its content begins) of an entry as etcd writes it.

    This is the way of nearly all records of a log. The content's place is the end of the data
    where it has none; None where the fields are in any other order.
    """
    offset, numbers = 0, [0, 0, 0]
    for place, tag in enumerate(_ENTRY_TAGS):
        if offset < len(data) and data[offset] == tag:
            try:
                numbers[place], offset = wire.read_varint(data, offset + 1)
            except DamagedInput:
                return None
    entry_type, term, index = numbers
    if offset == len(data):
        return entry_type == 0, term, index, offset
    if data[offset] != 0x22:
        return None
    try:
        length, content = wire.read_varint(data, offset + 1)
    except DamagedInput:
        return None
    return (entry_type == 0, term, index, content) if content + length == len(data) else None
