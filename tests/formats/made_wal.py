"""Logs of a few requests, written as etcd would, for tests that need no etcd."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from requorum.formats.raftpb import (
    Entry,
    EntryType,
    HardState,
    decode_entry,
    encode_entry,
    encode_hard_state,
)
from requorum.formats.source import BufferSource
from requorum.formats.wal import RecordType, frame, read_segment, segment_name
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.member_log import SegmentFile

MEMBER, CLUSTER = 0x8E9E05C52164694D, 0xCDF818194E3A8C32
REQUEST_ID = 0x694D_0000_0000_0001
METADATA = field_varint(1, MEMBER) + field_varint(2, CLUSTER)
ZERO_TAIL = 4096

WalRecord = tuple[RecordType, bytes | None]


def request(number: int, content: bytes, *, user: str = "", request_id: int = REQUEST_ID) -> bytes:
    """Return an InternalRaftRequest with one field, and a header."""
    header = field_varint(1, request_id) + (field_bytes(2, user.encode()) if user else b"")
    return field_bytes(number, content) + field_bytes(100, header)


def put_fields(key: bytes, value: bytes = b"v", lease: int = 0) -> bytes:
    """Return a PutRequest."""
    return field_bytes(1, key) + field_bytes(2, value) + (field_varint(3, lease) if lease else b"")


def delete_fields(key: bytes, range_end: bytes = b"") -> bytes:
    """Return a DeleteRangeRequest; a RangeRequest begins alike."""
    return field_bytes(1, key) + (field_bytes(2, range_end) if range_end else b"")


def put(key: bytes, value: bytes = b"v", lease: int = 0) -> bytes:
    """Return the data of an entry that puts a key."""
    return request(4, put_fields(key, value, lease))


def delete(key: bytes, range_end: bytes = b"") -> bytes:
    """Return the data of an entry that deletes a key, or a range."""
    return request(5, delete_fields(key, range_end))


def op_put(key: bytes, value: bytes = b"v", lease: int = 0) -> bytes:
    """Return a RequestOp with a put."""
    return field_bytes(2, put_fields(key, value, lease))


def op_delete(key: bytes, range_end: bytes = b"") -> bytes:
    """Return a RequestOp with a delete."""
    return field_bytes(3, delete_fields(key, range_end))


def op_get(key: bytes, range_end: bytes = b"") -> bytes:
    """Return a RequestOp with a read."""
    return field_bytes(1, delete_fields(key, range_end))


def op_txn(content: bytes) -> bytes:
    """Return a RequestOp with a nested transaction."""
    return field_bytes(4, content)


def mod_equals(key: bytes, revision: int) -> bytes:
    """Return the comparison that Kubernetes makes: the key was last changed at `revision`."""
    return field_varint(2, 2) + field_bytes(3, key) + field_varint(6, revision)


def txn_fields(
    compares: Sequence[bytes], success: Sequence[bytes], failure: Sequence[bytes] = ()
) -> bytes:
    """Return a TxnRequest."""
    parts = ((1, compares), (2, success), (3, failure))
    return b"".join(field_bytes(number, each) for number, group in parts for each in group)


def txn(
    compares: Sequence[bytes], success: Sequence[bytes], failure: Sequence[bytes] = ()
) -> bytes:
    """Return the data of an entry that runs a transaction."""
    return request(6, txn_fields(compares, success, failure))


def lease_grant(lease: int, ttl: int = 60) -> bytes:
    """Return the data of an entry that grants a lease."""
    return request(8, field_varint(1, ttl) + field_varint(2, lease))


def lease_revoke(lease: int) -> bytes:
    """Return the data of an entry that revokes a lease."""
    return request(9, field_varint(1, lease))


def entry(index: int, data: bytes = b"", *, term: int = 2, kind: int = 0) -> WalRecord:
    """Return the record of an entry."""
    return RecordType.ENTRY, encode_entry(Entry(EntryType(kind), term, index, data))


def entries(*contents: bytes, first: int = 1, term: int = 2) -> list[WalRecord]:
    """Return records of entries that follow each other."""
    return [entry(index, data, term=term) for index, data in enumerate(contents, start=first)]


def state(commit: int, term: int = 2) -> WalRecord:
    """Return the record of a hard state."""
    return RecordType.STATE, encode_hard_state(HardState(term, MEMBER, commit))


def mark(index: int, term: int = 2) -> WalRecord:
    """Return the mark of a snapshot."""
    return RecordType.SNAPSHOT, field_varint(1, index) + field_varint(2, term)


@dataclass
class MadeSegment:
    """A segment's bytes; `frames` has (start, end) of each record behind its head."""

    name: str
    sequence: int
    data: bytearray = field(default_factory=bytearray)
    frames: list[tuple[int, int]] = field(default_factory=list)

    def damage(self, number: int) -> int:
        """Flip a bit in the data of a record; return the offset of its frame."""
        start, end = self.frames[number]
        self.data[(start + end) // 2 + 4] ^= 4
        return start


class MadeWal:
    """A log of some records, cut into segments before the places in `cuts`."""

    def __init__(self, records: Sequence[WalRecord], cuts: Sequence[int] = ()) -> None:
        self.segments: list[MadeSegment] = []
        crc = following = 0
        for begin, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
            sequence = len(self.segments)
            segment = MadeSegment(segment_name(sequence, following), sequence)
            head: list[WalRecord] = [(RecordType.CRC, None), (RecordType.METADATA, METADATA)]
            for number, (kind, data) in enumerate([*head, *records[begin:end]]):
                framed, crc = frame(kind, data, crc)
                if number >= len(head):
                    start = len(segment.data)
                    segment.frames.append((start, start + len(framed)))
                segment.data += framed
                if kind is RecordType.ENTRY and data is not None:
                    following = decode_entry(data).index + 1
            self.segments.append(segment)
        self.segments[-1].data += bytes(ZERO_TAIL)

    def files(self) -> list[SegmentFile]:
        """Return the segments as they are read now."""
        return [
            SegmentFile(
                segment.name,
                segment.sequence,
                len(segment.data),
                read_segment(BufferSource(bytes(segment.data)), last=segment is self.segments[-1]),
            )
            for segment in self.segments
        ]

    def write(self, directory: Path) -> Path:
        """Write it as the WAL of a data directory; return the data directory."""
        wal = directory / "member" / "wal"
        wal.mkdir(parents=True)
        for segment in self.segments:
            (wal / segment.name).write_bytes(segment.data)
        return directory
