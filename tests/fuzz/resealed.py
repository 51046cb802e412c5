"""Damage that the checksums vouch for: what a hostile writer, or an etcd gone wrong, leaves.

A flipped byte in a WAL or a .snap is found by its checksum, and what is behind that is never
read. Here the content is changed first and sealed afterwards, so that every reader gets to see it.
"""

import hashlib
import random
import struct

from crc32c import crc32c
from mutations import mutate

from requorum.formats.bbolt.meta import fnv1a_64
from requorum.formats.message import Message
from requorum.formats.raftpb import decode_entry
from requorum.formats.source import BufferSource
from requorum.formats.wal import Record, RecordType, frame, read_segment
from requorum.formats.wire import field_bytes, field_varint

_PAGE = 4096
_META_NUMBERS = {"page size": (8, 4), "root": (16, 8), "freelist": (32, 8)}
_META_NUMBERS |= {"high water mark": (40, 8), "txid": (48, 8)}
_META_CHECKED = 56


def reseal_snap(data: bytes, rng: random.Random, donor: bytes) -> tuple[bytes, str]:
    """Change what a .snap file holds, under a checksum that is right."""
    content = Message(data).content(2)
    inner = Message(content)
    if rng.random() < 0.7:
        store, what = mutate(inner.content(1), rng, Message(donor).content(2))
        content = field_bytes(1, store) + field_bytes(2, inner.content(2))
    else:
        content, what = mutate(content, rng, donor)
    envelope = field_varint(1, crc32c(content)) + field_bytes(2, content)
    return envelope, f"sealed: {what}"


def reseal_wal(data: bytes, rng: random.Random, donor: bytes) -> tuple[bytes, str]:
    """Change one record of a whole segment, repeat or leave one out; chain all that follows."""
    segment = read_segment(BufferSource(data), last=True)
    written = [(record.type, bytes(record.data)) for record in segment.records]
    what = _edit(written, rng, donor)
    out, crc = bytearray(), segment.first_crc or 0
    for record_type, content in written:
        framed, crc = frame(record_type, None if record_type == RecordType.CRC else content, crc)
        out += framed
    return bytes(out.ljust(len(data), b"\0")), f"sealed: {what}"


def _edit(written: list[tuple[int, bytes]], rng: random.Random, donor: bytes) -> str:
    number = rng.randrange(1, len(written))
    record_type, content = written[number]
    match rng.randrange(8):
        case 0:
            del written[number]
            return f"record {number} left out"
        case 1:
            written.insert(rng.randrange(1, len(written)), written[number])
            return f"record {number} repeated"
        case 2:
            other = rng.randrange(1, len(written))
            written[number], written[other] = written[other], written[number]
            return f"records {number} and {other} swapped"
        case 3:
            changed = rng.choice((0, 1, 2, 3, 5, 6, 127))
            written[number] = changed, content
            return f"record {number} made one of type {changed}"
        case _:
            changed_content, what = mutate(content, rng, donor)
            written[number] = record_type, changed_content
            return f"in record {number}: {what}"


def reseal_db(data: bytes, rng: random.Random, _donor: bytes) -> tuple[bytes, str]:
    """Change one number of both meta pages, or of one, under checksums that are right."""
    changed = bytearray(data)
    name = rng.choice(list(_META_NUMBERS))
    place, size = _META_NUMBERS[name]
    pages = len(data) // _PAGE
    number = rng.choice((0, 1, 2, 3, rng.randrange(pages), pages, 1 << 31, 1 << 40, (1 << 63) - 1))
    number &= (1 << 8 * size) - 1
    slots = rng.choice(((0,), (1,), (0, 1)))
    for slot in slots:
        body = slot * _PAGE + 16
        changed[body + place : body + place + size] = number.to_bytes(size, "little")
        seal = fnv1a_64(bytes(changed[body : body + _META_CHECKED]))
        changed[body + _META_CHECKED : body + _META_CHECKED + 8] = struct.pack("<Q", seal)
    return bytes(changed), f"sealed: {name} of meta pages {slots} set to {number:#x}"


def reseal_snapshot(data: bytes, rng: random.Random, donor: bytes) -> tuple[bytes, str]:
    """Change a saved snapshot's database, under a SHA-256 that is right."""
    changed, what = mutate(data[: -hashlib.sha256().digest_size], rng, donor)
    return changed + hashlib.sha256(changed).digest(), f"sealed: {what}"


def split_log(data: bytes, rng: random.Random, parts: int) -> list[tuple[int, bytes]]:
    """Return one segment's records in so many segments, each with the head that a cut writes.

    With each comes the index that belongs into its name: that of the next entry.
    """
    records = list(read_segment(BufferSource(data), last=True).records)
    metadata = next(record for record in records if record.type == RecordType.METADATA)
    cuts = sorted(rng.sample(range(4, len(records) - 4), parts - 1))
    segments = [(0, data[: records[cuts[0] - 1].end])]
    crc = records[cuts[0] - 1].crc
    for begin, end in zip(cuts, [*cuts[1:], len(records)], strict=True):
        before = records[:begin]
        out, crc = frame(RecordType.CRC, None, crc)
        for record in (metadata, _last(before, RecordType.STATE), *records[begin:end]):
            framed, crc = frame(record.type, record.data, crc)
            out += framed
        index = decode_entry(_last(before, RecordType.ENTRY).data).index + 1
        segments.append((index, out))
    index, last = segments[-1]
    return [*segments[:-1], (index, last + bytes(_PAGE))]


def _last(records: list[Record], kind: RecordType) -> Record:
    return [record for record in records if record.type == kind][-1]
