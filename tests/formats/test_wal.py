"""Reading a segment: whole, torn, and past every kind of damage."""

import random
import time
from struct import Struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wal_data import MadeSegment, contents_of, data_start, make_segment

from requorum.formats.source import BufferSource
from requorum.formats.wal import (
    Ending,
    RecordType,
    Segment,
    WalDamageKind,
    frame,
    parse_segment_name,
    read_segment,
    segment_name,
)

WORD = Struct("<Q")
ENTRIES = [bytes([65 + number]) * (40 + number) for number in range(20)]
MIDDLE = 8


def only_damage(segment: Segment) -> tuple[WalDamageKind, int | None]:
    """Return kind and loss of the one damage that there is."""
    (damage,) = segment.damages
    return damage.kind, damage.lost


def without(made: MadeSegment, *numbers: int) -> list[bytes]:
    """Return what was written, but for some records."""
    return [content for number, content in enumerate(made.contents) if number not in numbers]


def test_whole_segment() -> None:
    """Every record is read and proven, and frames lie where they were written."""
    made = make_segment(ENTRIES)
    read = made.read()
    assert contents_of(read.records) == made.contents
    assert all(record.verified for record in read.records)
    assert [record.offset for record in read.records] == made.offsets[:-1]
    assert [record.end for record in read.records] == made.offsets[1:]
    assert (read.damages, read.ending, read.end_offset) == ([], Ending.CLEAN, made.offsets[-1])
    assert read.last_crc == read.records[-1].crc


def test_head_carries_the_running_crc() -> None:
    """A cut segment tells where the one before it ended."""
    first = make_segment(ENTRIES).read()
    second = make_segment(ENTRIES, first_crc=first.last_crc or 0).read()
    assert first.first_crc == 0
    assert second.first_crc == first.last_crc
    assert second.records[0].type == RecordType.CRC
    assert all(record.verified for record in second.records)


@pytest.mark.parametrize("last", [True, False])
def test_flipped_data(*, last: bool) -> None:
    """One record is lost; the ones behind it are proven by what it stored."""
    made = make_segment(ENTRIES)
    made.data[data_start(made, MIDDLE) + 20] ^= 1
    read = made.read(last=last)
    assert only_damage(read) == (WalDamageKind.DATA, 1)
    assert contents_of(read.records) == without(made, MIDDLE)
    assert all(record.verified for record in read.records)
    assert read.damages[0].offset == made.offsets[MIDDLE]
    assert read.damages[0].length == made.offsets[MIDDLE + 1] - made.offsets[MIDDLE]
    assert read.ending is Ending.CLEAN


def test_flipped_checksum() -> None:
    """Nothing is lost: the next record proves the data, and that the checksum is the damage."""
    made = make_segment(ENTRIES)
    made.data[made.offsets[MIDDLE] + WORD.size + 3] ^= 1
    read = made.read()
    assert only_damage(read) == (WalDamageKind.CHECKSUM, 0)
    assert contents_of(read.records) == made.contents
    assert all(record.verified for record in read.records)


@pytest.mark.parametrize("bit", range(64))
def test_flipped_length_word(bit: int) -> None:
    """Nothing is lost: the record tells its own length, its checksum proves it."""
    made = make_segment(ENTRIES)
    made.data[made.offsets[MIDDLE] + bit // 8] ^= 1 << bit % 8
    read = made.read()
    assert only_damage(read) == (WalDamageKind.LENGTH, 0)
    assert contents_of(read.records) == made.contents


def test_lost_length_word_of_the_last_record() -> None:
    """A length word of zeros in front of a provable record does not end the log."""
    made = make_segment(ENTRIES)
    WORD.pack_into(made.data, made.offsets[-2], 0)
    read = made.read()
    assert only_damage(read) == (WalDamageKind.LENGTH, 0)
    assert contents_of(read.records) == made.contents


def test_frame_without_a_record() -> None:
    """An intact frame of garbage is one lost record; the next one anchors the chain unproven."""
    made = make_segment(ENTRIES)
    start = made.offsets[MIDDLE] + WORD.size
    made.data[start : start + 12] = b"\xff" * 12
    read = made.read()
    assert only_damage(read) == (WalDamageKind.RECORD, 1)
    assert contents_of(read.records) == without(made, MIDDLE)
    assert [number for number, record in enumerate(read.records) if not record.verified] == [MIDDLE]


@pytest.mark.parametrize("garbage", [bytes(200), random.Random(3).randbytes(200)])
def test_overwritten_bytes_are_a_gap(garbage: bytes) -> None:
    """Reading resumes behind what was overwritten; how many records that cost is unknown."""
    made = make_segment(ENTRIES)
    start = made.offsets[MIDDLE]
    made.data[start : start + len(garbage)] = garbage
    read = made.read()
    assert only_damage(read) == (WalDamageKind.GAP, None)
    assert contents_of(read.records)[:MIDDLE] == made.contents[:MIDDLE]
    resumed = contents_of(read.records)[MIDDLE:]
    assert resumed == made.contents[-len(resumed) :]
    assert len(resumed) >= len(made.contents) - MIDDLE - 4
    assert not read.records[MIDDLE].verified
    assert all(record.verified for record in read.records[MIDDLE + 1 :])


def test_two_damages() -> None:
    """Each damage is listed, and what lies between them is read."""
    made = make_segment(ENTRIES)
    for number in (4, 15):
        made.data[data_start(made, number) + 10] ^= 4
    read = made.read()
    assert [damage.offset for damage in read.damages] == [made.offsets[4], made.offsets[15]]
    assert contents_of(read.records) == without(made, 4, 15)


def test_neighbours_damaged() -> None:
    """Behind two damaged records in a row the third is readable, but unproven."""
    made = make_segment(ENTRIES)
    for number in (MIDDLE, MIDDLE + 1):
        made.data[data_start(made, number) + 10] ^= 4
    read = made.read()
    assert [damage.lost for damage in read.damages] == [1]
    assert contents_of(read.records[:MIDDLE]) == made.contents[:MIDDLE]
    assert contents_of([r for r in read.records if r.verified]) == without(made, MIDDLE, MIDDLE + 1)
    assert not read.records[MIDDLE].verified


def test_damaged_head_checksum() -> None:
    """A head that does not lead to the second record leaves both unproven, and says so."""
    made = make_segment(ENTRIES, first_crc=0xFFFFFFFF)
    made.data[WORD.size + 3] ^= 1
    read = made.read(last=False)
    assert only_damage(read) == (WalDamageKind.EITHER, 0)
    assert contents_of(read.records) == made.contents
    assert [record.verified for record in read.records[:3]] == [False, False, True]


def test_unknown_type_is_not_handed_out() -> None:
    """A record of a later etcd's type is listed as damage; its neighbours are proven."""
    first, crc = frame(RecordType.CRC, None, 0)
    second, crc = frame(9, b"new", crc)
    third, crc = frame(RecordType.METADATA, b"\x08\x01", crc)
    read = read_segment(BufferSource(first + second + third), last=True)
    assert only_damage(read) == (WalDamageKind.UNKNOWN_TYPE, 1)
    assert contents_of(read.records) == [b"", b"\x08\x01"]
    assert all(record.verified for record in read.records)


@pytest.mark.parametrize("missing", range(1, 60))
def test_truncated(missing: int) -> None:
    """A record that the file ends within is torn in the last segment, damage in any other."""
    made = make_segment(ENTRIES, zeros=0)
    del made.data[-missing:]
    torn, damaged = made.read(last=True), made.read(last=False)
    assert contents_of(torn.records) == made.contents[:-1]
    assert torn.end_offset == made.offsets[-2]
    assert (torn.ending, torn.damages) == (Ending.TORN, [])
    assert damaged.ending is Ending.DAMAGED
    assert only_damage(damaged) == (WalDamageKind.TAIL, None)


def test_truncated_at_a_record() -> None:
    """A file that ends between two records ends clean: only the next segment can tell."""
    made = make_segment(ENTRIES)
    del made.data[made.offsets[-2] :]
    read = made.read(last=False)
    assert (read.ending, read.damages) == (Ending.CLEAN, [])
    assert contents_of(read.records) == made.contents[:-1]


def large_last() -> MadeSegment:
    """Return a segment whose last record spans several sectors."""
    return make_segment([*ENTRIES, b"z" * 3000])


def test_zeroed_sector_in_the_last_record() -> None:
    """By etcd's own rule a sector of zeros in the last record was never written."""
    made = large_last()
    sector = made.offsets[-1] // 512 * 512 - 1024
    made.data[sector : sector + 512] = bytes(512)
    torn, damaged = made.read(last=True), made.read(last=False)
    assert (torn.ending, torn.damages) == (Ending.TORN, [])
    assert torn.end_offset == made.offsets[-2]
    assert damaged.ending is Ending.DAMAGED
    assert only_damage(damaged) == (WalDamageKind.DATA, 1)


def test_zeros_across_a_sector_boundary_are_not_torn() -> None:
    """As many zeros that fill no sector are damage: a torn write loses whole sectors."""
    made = large_last()
    middle = made.offsets[-1] // 512 * 512 - 1024
    made.data[middle - 200 : middle + 300] = bytes(500)
    read = made.read(last=True)
    assert read.ending is Ending.DAMAGED
    assert only_damage(read) == (WalDamageKind.DATA, 1)


def test_zeroed_sector_with_records_behind_is_damage() -> None:
    """Proven records behind such a sector show that it is damage, though etcd would cut there."""
    made = make_segment([*ENTRIES, b"z" * 3000, b"behind", b"it"])
    sector = made.offsets[-3] // 512 * 512 - 1024
    made.data[sector : sector + 512] = bytes(512)
    read = made.read(last=True)
    assert read.ending is Ending.CLEAN
    assert only_damage(read) == (WalDamageKind.DATA, 1)
    assert contents_of(read.records)[-2:] == made.contents[-2:]


def test_flip_in_the_last_record() -> None:
    """A last record that does not match, without a zero sector, is damage as for etcd."""
    made = make_segment(ENTRIES)
    made.data[made.offsets[-1] - 10] ^= 1
    read = made.read()
    assert read.ending is Ending.DAMAGED
    assert only_damage(read) == (WalDamageKind.DATA, 1)


@pytest.mark.parametrize("content", [b"", bytes(4096), random.Random(7).randbytes(4096)])
@pytest.mark.parametrize("last", [True, False])
def test_no_segment_is_empty(content: bytes, *, last: bool) -> None:
    """A file without a single record is damage, also at the end of the log."""
    read = read_segment(BufferSource(content), last=last)
    assert (len(read.records), read.ending, read.end_offset) == (0, Ending.DAMAGED, 0)
    assert only_damage(read) == (WalDamageKind.TAIL, None)


def test_names() -> None:
    """Names give sequence and first index; spare and broken files are none of the log."""
    assert segment_name(3, 0x1F) == "0000000000000003-000000000000001f.wal"
    assert parse_segment_name("0000000000000003-000000000000001f.wal") == (3, 0x1F)
    for name in ("0.tmp", segment_name(0, 0) + ".broken", "0-0.wal", segment_name(0, 0).upper()):
        assert parse_segment_name(name) is None


@pytest.mark.parametrize(
    "content",
    [
        bytes(64_000_000),
        random.Random(5).randbytes(16_000_000) * 4,
        b"\x08\x02\x10\x05" * 4_000_000,
    ],
    ids=["zeros", "random", "heads"],
)
def test_garbage_is_read_quickly(content: bytes) -> None:
    """Files that hold nothing take about a second, whatever they look like."""
    begin = time.process_time()
    read = read_segment(BufferSource(content), last=False)
    assert time.process_time() - begin < 4
    assert not read.records


def test_hostile_lengths_are_read_quickly() -> None:
    """Records that each claim the rest of the file do not make the reader check it each time."""
    size = 16_000_000
    claim = b"\x08\x02\x10\x05\x1a" + bytes([0x80, 0x80, 0x80, 0x07])
    pair = frame(RecordType.CRC, None, 7)[0] * 2
    unit = (b"\xff" * 8 + claim).ljust(24, b"\0") + pair
    content = (unit * (size // len(unit))).ljust(size + (1 << 24), b"\1")
    begin = time.process_time()
    read = read_segment(BufferSource(content), last=True)
    assert time.process_time() - begin < 8
    assert read.ending is Ending.DAMAGED


@given(st.binary(max_size=2000), st.booleans())
def test_arbitrary_bytes(content: bytes, last: bool) -> None:  # noqa: FBT001 - hypothesis fills it
    """Any bytes give records and damages, and never more than there are."""
    read = read_segment(BufferSource(content), last=last)
    assert read.end_offset <= len(content)
    assert all(damage.offset <= len(content) for damage in read.damages)


@settings(max_examples=300)
@given(
    st.lists(st.binary(max_size=300), max_size=12),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=40)), max_size=4),
    st.booleans(),
)
def test_verified_records_are_as_written(
    entries: list[bytes],
    damages: list[tuple[int, bytes]],
    last: bool,  # noqa: FBT001 - hypothesis fills it
) -> None:
    """Whatever is overwritten: a verified record was written so, and records keep their order."""
    made = make_segment(entries, zeros=64)
    pristine = bytes(made.data)
    for place, content in damages:
        start = place % len(made.data)
        made.data[start : start + len(content)] = content[: len(made.data) - start]
    read = made.read(last=last)
    written = set(made.contents)
    assert all(bytes(record.data) in written for record in read.records if record.verified)
    ends = [record.end for record in read.records]
    assert ends == sorted(ends)
    lost_some = len(read.records) < len(made.contents)
    whole = not read.damages and read.ending is Ending.CLEAN
    if made.data == pristine:
        assert whole
        assert not lost_some
    if whole and lost_some:
        # Only zeros from the beginning of a record on can hide it: an end like any other.
        assert not any(made.data[read.end_offset :])


@pytest.mark.parametrize("last", [True, False])
def test_less_than_a_length_word_at_the_end(*, last: bool) -> None:
    """To etcd it is a cut frame: the log's last segment is cut there, another one is refused."""
    made = make_segment([b"a"] * 3, zeros=0)
    made.data += bytes(3)
    read = made.read(last=last)
    assert read.ending is (Ending.TORN if last else Ending.DAMAGED)
    assert len(read.records) == 5


def test_damages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind so many nothing more is looked for, and that is said."""
    monkeypatch.setattr("requorum.formats.wal.DAMAGES_MAX", 3)
    made = make_segment([b"entry"] * 40)
    for number in range(4, 40, 4):
        made.data[data_start(made, number)] ^= 1
    read = made.read()
    assert [damage.kind for damage in read.damages] == [WalDamageKind.DATA] * 3 + [
        WalDamageKind.TAIL
    ]
    assert "given up" in read.damages[-1].detail
    assert read.ending is Ending.DAMAGED
