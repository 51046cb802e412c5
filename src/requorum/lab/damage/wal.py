"""Damage to `member/wal`."""

import os
import random
from pathlib import Path

from requorum.errors import Refused
from requorum.formats.source import BufferSource
from requorum.formats.wal import Record, RecordType, parse_segment_name, read_segment
from requorum.lab.damage.bits import flip_bits

_SECTOR = 512


def segments(wal: Path) -> list[Path]:
    """Return the segments, in order; Refused when there is none."""
    found = sorted(path for path in wal.glob("*.wal") if parse_segment_name(path.name))
    if not found:
        raise Refused(f"there is no WAL segment in {wal}")
    return found


def flip_record(wal: Path, rng: random.Random) -> str:
    """Flip bits in the data of one entry in the middle of the log."""
    segment = segments(wal)[-1]
    entries = [record for record in _records(segment) if record.type == RecordType.ENTRY]
    middle = [record for record in entries[len(entries) // 4 : -len(entries) // 4] if record.data]
    if not middle:
        raise Refused(f"{segment} has too few entries to have a middle")
    record = rng.choice(middle)
    begin, end = _data_range(segment, record)
    offset, bits = flip_bits(segment, begin, end, rng)
    return f"{segment}: {bits} bits flipped in the record at {record.offset}, from {offset} on"


def tear_tail(wal: Path, rng: random.Random) -> str:
    """Make the end of the log look as if its last sector had never been written.

    Either the last sector is zeros, where that begins inside a record, or the file ends within
    the last record.
    """
    segment = segments(wal)[-1]
    records = _records(segment)
    if not records:
        raise Refused(f"{segment} has no record")
    last = records[-1]
    boundary = (_data_range(segment, last)[1] - 1) // _SECTOR * _SECTOR
    if rng.random() < 0.5 and _cuts_a_record(segment, records, boundary):
        _zero(segment, boundary, last.end)
        return f"{segment}: zeros from offset {boundary} to the end of the log at {last.end}"
    offset = rng.randrange(last.offset + 1, _data_range(segment, last)[1])
    os.truncate(segment, offset)
    return f"{segment}: cut off at offset {offset}, within the last record at {last.offset}"


def _cuts_a_record(segment: Path, records: list[Record], boundary: int) -> bool:
    """Return whether zeros from `boundary` on leave part of a record standing, and end it early."""
    cut = next((record for record in records if record.offset < boundary < record.end), None)
    if cut is None or cut.type == RecordType.CRC:
        return False
    begin, end = _data_range(segment, cut)
    return begin < boundary < end


def _zero(segment: Path, begin: int, end: int) -> None:
    with segment.open("r+b") as file:
        file.seek(begin)
        file.write(bytes(end - begin))


def _records(segment: Path) -> list[Record]:
    return list(read_segment(BufferSource(segment.read_bytes()), last=True).records)


def _data_range(segment: Path, record: Record) -> tuple[int, int]:
    """Return [begin, end) of the record's data in the file: it ends where the padding begins."""
    with segment.open("rb") as file:
        file.seek(record.offset + 7)
        (top_byte,) = file.read(1)
    end = record.end - (top_byte & 7)
    return end - len(record.data), end
