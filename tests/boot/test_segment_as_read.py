"""One segment through etcd's eyes: where it stops, and with which error."""

import made_directories as made
import pytest

from requorum.formats.requests import ClusterVersionSet, V2Request
from requorum.formats.wal import RecordType
from requorum.inspection.boot import segment_as_read
from requorum.inspection.boot.segment_as_read import SegmentAsRead, StopKind, read_as_etcd

BIG = b"\x22" + b"x" * 1500
RECORDS = [
    made.mark(0, 0),
    made.entry(1, data=BIG),
    made.state(1),
    made.entry(2, data=BIG),
    made.entry(3),
]


def data_of(*records: made.Content) -> bytearray:
    """Return a segment with its zeros."""
    return bytearray(made.segment_bytes(records or RECORDS)[0] + bytes(made.ZEROS))


def read(data: bytearray, *, last: bool = True, running: int = 0) -> SegmentAsRead:
    """Read it as segment 5, which begins with entry 9."""
    return read_as_etcd("s.wal", 5, 9, memoryview(bytes(data)), last=last, running=running)


def offsets(data: bytearray) -> list[int]:
    """Return where the records begin, and where the last one ends."""
    found = [0]
    while any(data[found[-1] : found[-1] + 8]):
        length = int.from_bytes(data[found[-1] : found[-1] + 7], "little")
        found.append(found[-1] + 8 + length + -length % 8)
    return found


def test_a_whole_segment() -> None:
    """Every record with its numbers, in order."""
    found = read(data_of())
    assert found.stop is None
    assert [(r.type, r.first, r.second) for r in found.records()][1:] == [
        (RecordType.METADATA, made.MEMBER, made.CLUSTER),
        (RecordType.SNAPSHOT, 0, 0),
        (RecordType.ENTRY, 1, 2),
        (RecordType.STATE, 1, 2),
        (RecordType.ENTRY, 2, 2),
        (RecordType.ENTRY, 3, 2),
    ]
    assert found.head_crc == 0
    assert not found.zeroed_behind


@pytest.mark.parametrize(
    ("record", "byte", "mask", "kind"),
    [
        (5, 40, 1, StopKind.CRC),
        (5, 5, 0x10, StopKind.BEYOND_FILE),
        (5, 1, 0x04, StopKind.MESSAGE_EOF),
        (3, 1, 0x10, StopKind.BEYOND_FILE),
        (3, 8, 0x08, StopKind.MESSAGE),
        (1, 12, 1, StopKind.CRC),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_where_it_stops(record: int, byte: int, mask: int, kind: StopKind, *, last: bool) -> None:
    """Checksum, length, message: the stop is at the record, those before are read."""
    data = data_of()
    place = offsets(data)[record]
    data[place + byte] ^= mask
    found = read(data, last=last)
    assert found.stop is not None
    assert (found.stop.kind, found.stop.offset, found.end) == (kind, place, place)
    assert len(found) == record
    assert not found.stop.torn


@pytest.mark.parametrize("last", [True, False])
def test_a_sector_that_was_never_written(*, last: bool) -> None:
    """In the last segment it is a torn write, elsewhere damage."""
    data = data_of()
    begin = (offsets(data)[5] // 512 + 1) * 512
    data[begin : begin + 512] = bytes(512)
    found = read(data, last=last)
    assert found.stop is not None
    assert (found.stop.kind, found.stop.torn) == (StopKind.CRC, last)


def test_a_file_that_ends_within_a_length() -> None:
    """No record, and no clean end."""
    data = data_of()
    found = read(data[: offsets(data)[6] + 3])
    assert found.stop is not None
    assert found.stop.kind is StopKind.CUT_WORD


def test_a_zero_length_is_an_end_whatever_follows() -> None:
    """Etcd overwrites what lies there."""
    data = data_of()
    end = offsets(data)[-1]
    data[end + 64] = 1
    found = read(data)
    assert found.stop is None
    assert (found.end, found.zeroed_behind) == (end, True)


def test_a_checksum_record_within_a_segment_must_fit() -> None:
    """Only the one at the head stands for itself."""
    found = read(data_of(made.entry(1), (RecordType.CRC, None), made.entry(2)))
    assert found.stop is None
    data = data_of(made.entry(1), (RecordType.CRC, None), made.entry(2))
    data[offsets(data)[3] + 12] ^= 1
    broken = read(data)
    assert broken.stop is not None
    assert broken.stop.kind is StopKind.CHAIN


def test_content_of_another_type_is_noted() -> None:
    """No checksum covers the type: what does not decode then makes etcd panic."""
    found = read(data_of((RecordType.STATE, b"\x0a\xff")))
    assert [r.decoded for r in found.records()] == [True, True, False]


def test_requests_that_replay_must_look_at_are_kept() -> None:
    """Those of the v2 API, and the cluster's version; no put is among them."""
    put = b"\x22\x03\x0a\x01k"
    found = read(
        data_of(
            made.entry(1, data=put),
            made.entry(2, data=made.v2_request("/1/foo")),
            made.entry(3, data=made.version_set("3.6.0")),
        )
    )
    assert found.requests == {
        3: V2Request("PUT", "/1/foo", ""),
        4: ClusterVersionSet("3.6.0"),
    }


def test_records_of_ten_megabytes_are_noted() -> None:
    """3.4 refuses them, whatever the file's size."""
    found = read(data_of(made.entry(1), made.entry(2, data=b"\x22" + bytes(10 * 1024 * 1024))))
    assert (found.large_record, found.stop) == (3, None)


def test_reading_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile file cannot claim more records than a segment holds."""
    monkeypatch.setattr(segment_as_read, "RECORDS_MAX", 3)
    found = read(data_of())
    assert found.stop is not None
    assert found.stop.kind is StopKind.TOO_MANY
