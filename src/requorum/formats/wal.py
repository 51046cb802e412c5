"""etcd's write-ahead log, one segment at a time, read past its damage.

Source: etcd server/storage/wal/{wal,decoder,util}.go. etcd itself stops at the first damage, or
cuts the log there; this reader goes on behind it, and says for each record whether the checksum
chain proves it.

    first segment   crc(0) metadata snapshot{0,0} entry state ...
    later segments  crc metadata [state] entry state ...
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from crc32c import crc32c

from requorum.formats.source import Source
from requorum.formats.wal_chain import Chain, WalDamage, WalDamageKind
from requorum.formats.wal_end import end_of_data, is_torn
from requorum.formats.wal_records import (
    RECORD_TYPES,
    WORD_LENGTH,
    Frame,
    Record,
    RecordType,
    WalMetadata,
    WalSnapshot,
    claimed_end,
    decode_metadata,
    decode_wal_snapshot,
    frame,
    parse_frame,
    parse_frame_without_length,
)
from requorum.formats.wal_resync import Resynchroniser

__all__ = [
    "Ending",
    "Record",
    "RecordType",
    "Segment",
    "WalDamage",
    "WalDamageKind",
    "WalMetadata",
    "WalSnapshot",
    "decode_metadata",
    "decode_wal_snapshot",
    "frame",
    "parse_segment_name",
    "read_segment",
    "segment_name",
]

DAMAGES_MAX = 100_000
"""How many damages of one segment are listed: behind them nothing more is looked for."""

_SEGMENT_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.wal")


def segment_name(seq: int, index: int) -> str:
    """Return the file name of segment `seq`, whose first entry is to have `index`."""
    return f"{seq:016x}-{index:016x}.wal"


def parse_segment_name(name: str) -> tuple[int, int] | None:
    """Return (seq, index of its first entry), or None for any other file of the directory."""
    found = _SEGMENT_NAME.fullmatch(name)
    return None if found is None else (int(found[1], 16), int(found[2], 16))


class Ending(Enum):
    """How a segment ends; what happened before its end is in `Segment.damages`.

    CLEAN: a zero length word with nothing behind it, or the end of the file. TORN: a write that a
    crash cut short, by etcd's own rule, or bytes behind a zero length word; only in the last
    segment, where etcd cuts it off as never acknowledged. DAMAGED: anything else, a segment
    without a single record among it.
    """

    CLEAN = "clean"
    TORN = "torn"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Segment:
    """What could be read of one segment, records and damages in the order of the file.

    `end_offset` lies behind the last record. `first_crc` is what the CRC record at the head
    carries, to be compared with the `last_crc` of the segment before; None where either is
    missing. The log is whole only if every segment's damages are empty, its ending is CLEAN (TORN
    for the last one), and these agree.
    """

    records: Sequence[Record]
    damages: list[WalDamage]
    ending: Ending
    end_offset: int
    first_crc: int | None
    last_crc: int | None


def read_segment(source: Source, *, last: bool) -> Segment:
    """Read a whole segment; damage is listed, never raised.

    `last`: whether it is the last one of its log, where a torn end is no damage. The source is
    read at once; the time needed is linear in its size, whatever it holds.
    """
    return _SegmentReader(source.read(0, source.size), last=last).read()


def _heads_segment(record: Record) -> bool:
    return record.offset == 0 and record.type == RecordType.CRC


class _SegmentReader:
    def __init__(self, view: memoryview, *, last: bool) -> None:
        self._view = view
        self._last = last
        self._chain = Chain(view)
        self._resync = Resynchroniser(view)
        self._ending = Ending.CLEAN

    def read(self) -> Segment:
        offset: int | None = 0
        while offset is not None:
            offset = self._step(self._follow(offset))
        records = self._chain.records
        head = records[0] if records else None
        return Segment(
            records=records,
            damages=sorted(self._chain.damages, key=lambda damage: damage.offset),
            ending=self._ending,
            end_offset=records[-1].end if records else 0,
            first_crc=head.crc if head and _heads_segment(head) else None,
            last_crc=records[-1].crc if records else None,
        )

    def _follow(self, offset: int) -> int:
        """Take records as long as each is proven by the one before; return where that ends.

        This is the loop that a healthy segment is read in, so it calls as little as possible.
        """
        view, records, running = self._view, self._chain.records, self._chain.running
        if running is None:
            return offset
        while True:
            found = parse_frame(view, offset)
            if found is None:
                break
            _, record_type, crc, data_start, data_end, end = found
            if record_type == RecordType.CRC or record_type not in RECORD_TYPES:
                break
            if crc32c(view[data_start:data_end], running) != crc:
                break
            records.add(found, verified=True)
            running = crc
            offset = end
        self._chain.running = running
        return offset

    def _step(self, offset: int) -> int | None:
        """Take one frame, or get over one damage; return where to go on, None at the end."""
        if self._is_end(offset):
            self._finish(offset, clean=True)
            return None
        if self._too_many_damages:
            self._finish(offset, clean=False)
            return None
        found = parse_frame(self._view, offset)
        if found is not None:
            self._chain.add(found)
            return found.end
        return self._get_over(offset)

    def _is_end(self, offset: int) -> bool:
        return offset >= self._data_end

    @cached_property
    def _data_end(self) -> int:
        return end_of_data(self._view)

    def _get_over(self, offset: int) -> int | None:
        """Go on behind a place that is no frame, by the strongest proof there is."""
        found = self._proven_without_length(offset)
        if found is not None:
            self._chain.add(found)
            self._chain.damage(found, WalDamageKind.LENGTH, lost=0)
            return found.end
        end = claimed_end(self._view, offset)
        if end is not None and self._resync.resumes_at(end):
            self._skip(offset, end, WalDamageKind.RECORD, lost=1)
            return end
        resumed = self._resync.find(offset + WORD_LENGTH)
        if resumed is None:
            self._finish(offset, clean=False)
            return None
        self._skip(offset, resumed, WalDamageKind.GAP, lost=None)
        return resumed

    def _proven_without_length(self, offset: int) -> Frame | None:
        if self._resync.gave_up:
            return None
        found = parse_frame_without_length(self._view, offset)
        if found is None or self._chain.continues_with(found):
            return found
        self._resync.failed(found.end - offset)
        return None

    def _skip(self, start: int, end: int, kind: WalDamageKind, *, lost: int | None) -> None:
        self._chain.interrupt()
        detail = f"bytes {start} to {end}: {kind.value}"
        self._chain.damages.append(WalDamage(start, end - start, kind, detail, lost))

    def _finish(self, offset: int, *, clean: bool) -> None:
        """Decide how the segment ends, where no record follows `offset` any more."""
        # Less than a length word, though it is zeros, is a cut frame to etcd.
        clean = clean and not 0 < len(self._view) - offset < WORD_LENGTH
        suspect = self._chain.suspect
        if clean and suspect is None:
            self._chain.interrupt()
        elif self._is_torn(offset if suspect is None else suspect.offset):
            self._chain.forget_suspect()
            self._ending = Ending.TORN
        else:
            self._chain.interrupt()
            self._ending = Ending.DAMAGED
            if not clean:
                self._note_tail(offset)
        if not self._chain.records and not self._chain.damages:
            # etcd names a segment only once its head is on the disk: none is ever empty.
            self._ending = Ending.DAMAGED
            self._note_tail(0)

    def _is_torn(self, offset: int) -> bool:
        return self._last and not self._gave_up and is_torn(self._view, offset)

    @property
    def _gave_up(self) -> bool:
        """Return whether there may be records that were not looked for."""
        return self._resync.gave_up or self._too_many_damages

    @property
    def _too_many_damages(self) -> bool:
        return len(self._chain.damages) >= DAMAGES_MAX

    def _note_tail(self, offset: int) -> None:
        kind = WalDamageKind.TAIL
        searched = "; the search for records was given up" if self._gave_up else ""
        detail = f"bytes from {offset} on: {kind.value}{searched}"
        self._chain.damages.append(WalDamage(offset, None, kind, detail, None))
