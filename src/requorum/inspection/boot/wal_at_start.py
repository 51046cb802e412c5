"""What etcd's start makes of a log: which snapshots it names, and what is read behind one of them.

Source: etcd server/storage/wal/wal.go (ValidSnapshotEntries, Open, ReadAll), repair.go.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from requorum.domain.signatures import log as signatures
from requorum.domain.signatures.database import DISK_UNREADABLE
from requorum.domain.signatures.signature import Signature
from requorum.formats.requests import Request
from requorum.formats.wal import RecordType, WalMetadata
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.segment_as_read import ReadRecord, SegmentAsRead, Stop, StopKind


@dataclass(frozen=True, slots=True)
class SnapshotMark:
    """A snapshot that the log knows of."""

    index: int
    term: int


START = SnapshotMark(0, 0)
"""Where a log begins, as the first segment marks it."""


@dataclass(frozen=True, slots=True)
class WalFault:
    """Why reading stops. `eof`: etcd takes it for a torn end and tries to mend it."""

    signature: Signature
    text: str
    segment: str
    offset: int | None = None
    eof: bool = False

    @property
    def place(self) -> str:
        """Return where it is, in words."""
        return self.segment if self.offset is None else f"{self.segment} at byte {self.offset}"


@dataclass(frozen=True, slots=True)
class LogRead:
    """The log behind a snapshot, as ReadAll returns it.

    `terms` holds the term of the entry at `start.index + 1` and of those behind it. `requests` are
    the entries that replay must look at, by index.
    """

    start: SnapshotMark
    metadata: WalMetadata | None
    commit: int
    term: int
    terms: Sequence[int]
    requests: dict[int, Request]

    @property
    def last_index(self) -> int:
        """Return the index of the last entry, or of the snapshot where none follows."""
        return self.start.index + len(self.terms)


def valid_snapshots(
    segments: Sequence[SegmentAsRead], release: Release
) -> tuple[SnapshotMark, ...] | WalFault:
    """Return the snapshots that the log names and that are committed, in the order of the log."""
    walk = _Walk(segments, release)
    marks: list[SnapshotMark] = []
    commit = 0
    for _, _, record in walk.records():
        if record.type == RecordType.SNAPSHOT:
            marks.append(SnapshotMark(record.first, record.second))
        elif record.type == RecordType.STATE:
            commit = record.first
    if walk.fault is not None and not walk.fault.eof:
        return walk.fault
    return tuple(mark for mark in marks if mark.index <= commit)


def read_all(
    segments: Sequence[SegmentAsRead], start: SnapshotMark, release: Release
) -> LogRead | WalFault:
    """Read what follows a snapshot; a torn end is a fault with `eof`."""
    chosen = _segments_from(segments, start, release)
    return chosen if isinstance(chosen, WalFault) else _Reading(chosen, start, release).read()


def _segments_from(
    segments: Sequence[SegmentAsRead], start: SnapshotMark, release: Release
) -> Sequence[SegmentAsRead] | WalFault:
    """Return the segments from the last one on that may hold the start."""
    fitting = [n for n, segment in enumerate(segments) if segment.index <= start.index]
    if not fitting:
        text = f"wal: file not found which matches the snapshot index '{start.index}'"
        return _not_found(segments, text, release)
    chosen = segments[fitting[-1] :]
    before = 0
    for segment in chosen:
        # As etcd does it: behind segment 0 it takes any.
        if before and segment.sequence != before + 1:
            text = (
                f"wal: file sequence numbers (starting from {fitting[-1]}) do not increase "
                "continuously"
            )
            return _not_found((segment,), text, release)
        before = segment.sequence
    return chosen


def _not_found(segments: Sequence[SegmentAsRead], text: str, release: Release) -> WalFault:
    said = text if release.is_at_least(3, 6) else "wal: file not found"
    name = segments[0].name if segments else ""
    return WalFault(signatures.WAL_FILE_NOT_FOUND, f"failed to open WAL: {said}", name)


class _Walk:
    """Goes through the records of segments as one decoder does; `fault` says how it ended."""

    def __init__(self, segments: Sequence[SegmentAsRead], release: Release) -> None:
        self._segments = segments
        self._release = release
        self.fault: WalFault | None = None

    def records(self) -> Iterator[tuple[SegmentAsRead, int, ReadRecord]]:
        """Yield each record with its segment and its number in it, up to the first fault."""
        running = 0
        for segment in self._segments:
            self.fault = self._fault_at_head(segment, running)
            if self.fault is not None:
                return
            for number, record in enumerate(segment.records()):
                self.fault = self._fault_in(segment, number, record)
                if self.fault is not None:
                    return
                yield segment, number, record
            if segment.stop is not None:
                self.fault = fault_of(segment, segment.stop, self._release)
                return
            running = segment.running

    def _fault_at_head(self, segment: SegmentAsRead, running: int) -> WalFault | None:
        """Return whether the segment does not continue the one before."""
        if segment.head_crc is None:
            # It was decoded behind another one; alone, its first record matches nothing.
            alone = running != segment.behind and len(segment) > 0
            return _crc_fault(segment, 0, self._release, chain=False) if alone else None
        if running not in (0, segment.head_crc):
            return _crc_fault(segment, None, self._release, chain=True)
        return None

    def _fault_in(self, segment: SegmentAsRead, number: int, record: ReadRecord) -> WalFault | None:
        if number == segment.large_record and self._release.record_bytes_max is not None:
            text = "wal: max entry size limit exceeded"
            return WalFault(signatures.WAL_ENTRY_TOO_LARGE, text, segment.name)
        if not record.decoded:
            text = "unmarshal should never fail"
            return WalFault(signatures.ENTRY_UNDECODABLE, text, segment.name)
        return None


def fault_of(segment: SegmentAsRead, stop: Stop, release: Release) -> WalFault:
    """Return what etcd makes of the place where decoding a segment stops."""
    if stop.kind is StopKind.UNREADABLE:
        return WalFault(DISK_UNREADABLE, "input/output error", segment.name, stop.offset)
    if stop.kind is StopKind.BEYOND_FILE:
        return _beyond_file(segment, stop, release)
    if stop.torn or stop.kind is StopKind.CUT_WORD:
        return _cut(segment, stop)
    if stop.kind in (StopKind.CRC, StopKind.CHAIN):
        return _crc_fault(segment, stop.offset, release, chain=stop.kind is StopKind.CHAIN)
    return _no_record(segment, stop, release)


def _no_record(segment: SegmentAsRead, stop: Stop, release: Release) -> WalFault:
    """Return the fault of bytes that do not decode, which is up to the library that decodes."""
    if release.decodes_with_protobuf_go:
        if stop.decoded_by_go:
            return _crc_fault(segment, stop.offset, release, chain=False)
        text = "proto: cannot parse invalid wire-format data"
        return WalFault(signatures.WAL_NOT_A_RECORD, text, segment.name, stop.offset)
    if stop.kind is StopKind.MESSAGE_EOF:
        return _cut(segment, stop)
    text = "proto: Record: illegal tag"
    return WalFault(signatures.WAL_NOT_A_RECORD, text, segment.name, stop.offset)


def _cut(segment: SegmentAsRead, stop: Stop, detail: str = "") -> WalFault:
    """Return the fault that etcd mends where it is in the last segment, and there alone."""
    text = f"failed to read WAL, cannot be repaired: unexpected EOF{detail}"
    return WalFault(signatures.WAL_CUT_IN_THE_MIDDLE, text, segment.name, stop.offset, eof=True)


def _beyond_file(segment: SegmentAsRead, stop: Stop, release: Release) -> WalFault:
    limit = release.record_bytes_max
    if limit is not None and stop.record_bytes >= limit:
        text = "wal: max entry size limit exceeded"
        return WalFault(signatures.WAL_ENTRY_TOO_LARGE, text, segment.name, stop.offset)
    detail = ": [wal] max entry size limit exceeded" if limit is None else ""
    if limit is None and not release.mends_long_records:
        text = "failed to read WAL, cannot be repaired: wal: max entry size limit exceeded"
        return WalFault(signatures.WAL_ENTRY_TOO_LARGE, text, segment.name, stop.offset)
    return _cut(segment, stop, detail)


def _crc_fault(
    segment: SegmentAsRead, offset: int | None, release: Release, *, chain: bool
) -> WalFault:
    package = "wal" if chain and not release.is_at_least(3, 6) else "walpb"
    text = f"{package}: crc mismatch"
    return WalFault(signatures.WAL_CRC_MISMATCH, text, segment.name, offset)


def mended(segments: Sequence[SegmentAsRead], fault: WalFault) -> Sequence[SegmentAsRead] | None:
    """Return the segments as etcd's repair leaves them; None where it cannot mend the fault.

    It looks at the last segment alone, and cuts that off where a torn record begins.
    """
    last = segments[-1]
    if not fault.eof or fault.segment != last.name:
        return None
    return (*segments[:-1], replace(last, stop=None, size=last.end))


class _Reading:
    """The state of ReadAll while the records go by."""

    def __init__(
        self, segments: Sequence[SegmentAsRead], start: SnapshotMark, release: Release
    ) -> None:
        self._walk = _Walk(segments, release)
        self._start = start
        self._metadata: WalMetadata | None = None
        self._commit = self._term = 0
        self._terms: array[int] = array("Q")
        self._requests: dict[int, Request] = {}
        self._fault: WalFault | None = None

    def read(self) -> LogRead | WalFault:
        for segment, number, record in self._walk.records():
            self._take(segment, number, record)
            if self._fault is not None:
                return self._fault
        if self._walk.fault is not None:
            return self._walk.fault
        return LogRead(
            self._start, self._metadata, self._commit, self._term, self._terms, self._requests
        )

    def _take(self, segment: SegmentAsRead, number: int, record: ReadRecord) -> None:
        match record.type:
            case RecordType.ENTRY:
                self._entry(segment, record, segment.requests.get(number))
            case RecordType.STATE:
                self._commit, self._term = record.first, record.second
            case RecordType.METADATA:
                self._take_metadata(segment, WalMetadata(record.first, record.second))
            case RecordType.SNAPSHOT:
                self._snapshot(segment, record)
            case RecordType.CRC:
                return
            case _:
                text = f"unexpected block type {record.type}"
                self._fault = WalFault(signatures.WAL_UNKNOWN_RECORD, text, segment.name)

    def _entry(self, segment: SegmentAsRead, record: ReadRecord, request: Request | None) -> None:
        place = record.first - self._start.index - 1
        if place < 0:
            return
        if place > len(self._terms):
            text = (
                "wal: slice bounds out of range: entry "
                f"{self._start.index + len(self._terms) + 1} is missing before {record.first}"
            )
            self._fault = WalFault(signatures.WAL_ENTRIES_MISSING, text, segment.name)
            return
        if place < len(self._terms):
            del self._terms[place:]
            self._requests = {i: r for i, r in self._requests.items() if i < record.first}
        self._terms.append(record.second)
        if request is not None:
            self._requests[record.first] = request

    def _take_metadata(self, segment: SegmentAsRead, metadata: WalMetadata) -> None:
        if self._metadata not in (None, metadata):
            text = "wal: conflicting metadata found"
            self._fault = WalFault(signatures.WAL_FOREIGN_METADATA, text, segment.name)
        self._metadata = metadata

    def _snapshot(self, segment: SegmentAsRead, record: ReadRecord) -> None:
        if record.first == self._start.index and record.second != self._start.term:
            text = "wal: snapshot mismatch"
            self._fault = WalFault(signatures.WAL_SNAPSHOT_MISMATCH, text, segment.name)
