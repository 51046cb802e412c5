"""A log as etcd's start reads it: which snapshots count, and what follows one of them."""

from collections.abc import Sequence

import made_directories as made
import pytest

from requorum.formats.requests import V2Request
from requorum.formats.source import BufferSource
from requorum.formats.wal import read_segment
from requorum.inspection.boot.directory import LogFacts
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.wal_at_start import (
    START,
    LogRead,
    SnapshotMark,
    WalFault,
    mended,
    read_all,
    valid_snapshots,
)

OLD, NEW = Release.parse("3.4"), Release.parse("3.6")
THREE = (
    [made.entry(1), made.state(1)],
    [made.state(1), made.entry(2), made.state(2), made.mark(2)],
    [made.state(2), made.entry(3), made.entry(4), made.state(3)],
)


def fault(found: object) -> str:
    """Return the signature of a fault."""
    assert isinstance(found, WalFault), found
    return found.signature.id


def log_read(log: LogFacts, start: SnapshotMark = START, release: Release = NEW) -> LogRead:
    """Return what is read, which must be without a fault."""
    found = read_all(log.segments, start, release)
    assert isinstance(found, LogRead), found
    return found


def without(log: LogFacts, *numbers: int) -> Sequence[object]:
    """Return the segments but for some."""
    return [s for number, s in enumerate(log.segments) if number not in numbers]


def test_marks_count_up_to_the_commit() -> None:
    """A snapshot that was marked and not yet committed is passed over."""
    log = made.log_of([made.entry(1), made.mark(1), made.state(1), made.mark(5)])
    assert valid_snapshots(log.segments, NEW) == (START, SnapshotMark(1, 2))


def test_all_behind_the_start_is_read() -> None:
    """From the last segment on that may hold the start."""
    log = made.log_of(*THREE)
    found = log_read(log)
    assert (found.last_index, found.commit, found.term, list(found.terms)) == (4, 3, 2, [2] * 4)
    behind = log_read(log, SnapshotMark(2, 2))
    assert (behind.last_index, list(behind.terms)) == (4, [2, 2])


def test_an_entry_replaces_what_lies_at_its_index_and_behind() -> None:
    """With the requests that were noted there."""
    replaced = made.entry(2, data=made.v2_request("/1/old"))
    log = made.log_of([made.entry(1), replaced, made.entry(3), made.entry(2, term=3)])
    found = log_read(log)
    assert list(found.terms) == [2, 3]
    assert not found.requests
    kept = made.log_of([made.entry(1), replaced])
    assert log_read(kept).requests == {2: V2Request("PUT", "/1/old", "")}


@pytest.mark.parametrize("release", [OLD, NEW])
def test_missing_segments(release: Release) -> None:
    """In the middle, at the beginning, behind the first: each with etcd's own error."""
    log = made.log_of(*THREE)
    assert fault(valid_snapshots(without(log, 1), release)) == "wal-crc-mismatch"
    assert fault(read_all(without(log, 0), START, release)) == "wal-file-not-found"
    assert not isinstance(read_all(without(log, 0), SnapshotMark(2, 2), release), WalFault)
    four = made.log_of(*THREE, [made.state(3), made.entry(5)])
    start = SnapshotMark(1, 2)
    assert fault(read_all(without(four, 2), start, release)) == "wal-file-not-found"


def test_behind_segment_zero_any_segment_is_taken() -> None:
    """As etcd's own check does; what then is missing is an entry."""
    log = made.log_of(*THREE)
    found = read_all(without(log, 1), START, NEW)
    assert fault(found) == "wal-crc-mismatch"


def test_a_gap_between_entries() -> None:
    """Also where every checksum is right."""
    log = made.log_of([made.entry(1), made.entry(3)])
    assert fault(read_all(log.segments, START, NEW)) == "wal-entries-missing"


def test_other_faults_have_their_names() -> None:
    """Of records that are sound by themselves."""
    foreign = (made.RecordType.METADATA, b"\x08\x05\x10\x06")
    for records, signature in (
        ([foreign], "wal-foreign-metadata"),
        ([made.mark(0, 5)], "wal-snapshot-mismatch"),
        ([(19, b"")], "wal-unknown-record"),
        ([(made.RecordType.STATE, b"\x0a\xff")], "entry-undecodable"),
    ):
        log = made.log_of([made.entry(1), *records])  # type: ignore[list-item]
        assert fault(read_all(log.segments, START, NEW)) == signature


def test_a_torn_end_is_mended_and_nothing_else() -> None:
    """The last segment is cut where the torn record begins."""
    files = made.log_files([made.mark(0, 0), *THREE[0]], *THREE[1:])
    name, data = files[-1]
    files[-1] = (name, data[: len(data) - made.ZEROS - 3])
    segments = made.read(files).segments
    torn = read_all(segments, START, NEW)
    assert isinstance(torn, WalFault)
    assert torn.eof
    whole = mended(segments, torn)
    assert whole is not None
    found = read_all(whole, START, NEW)
    assert isinstance(found, LogRead)
    assert (found.last_index, found.commit) == (4, 2)

    files = made.log_files([made.mark(0, 0), *THREE[0]], *THREE[1:])
    files[0] = (files[0][0], files[0][1][:-3])
    segments = made.read(files).segments
    cut = read_all(segments, START, NEW)
    assert fault(cut) == "wal-cut-in-the-middle"
    assert isinstance(cut, WalFault)
    assert mended(segments, cut) is None


@pytest.mark.parametrize(
    ("version", "signature"),
    [
        ("3.4", "wal-entry-too-large"),
        ("3.5.4", "wal-entry-too-large"),
        ("3.5.6", "wal-entry-too-large"),
        ("3.5.7", None),
        ("3.6", None),
        ("3.7", None),
    ],
)
def test_an_enormous_length_at_the_end(version: str, signature: str | None) -> None:
    """From 3.5.7 on it is a torn end."""
    files = made.log_files([made.mark(0, 0), *THREE[0], *THREE[1]])
    name, data = files[0]
    last = read_segment(BufferSource(bytes(data)), last=True).records[-1]
    data[last.offset + 5] ^= 0x10
    found = read_all(made.read([(name, data)]).segments, START, Release.parse(version))
    assert isinstance(found, WalFault)
    assert found.eof is (signature is None)
    if signature is not None:
        assert found.signature.id == signature


def test_a_segment_whose_head_is_damaged_does_not_stand_alone() -> None:
    """Behind the one before it is read on, as the first one its records match nothing."""
    files = made.log_files([made.mark(0, 0), *THREE[0]], *THREE[1:])
    data = files[2][1]
    data[9] = 0x05  # the type of the checksum record
    segments = made.read(files).segments
    assert fault(read_all(segments[2:], SnapshotMark(3, 2), NEW)) == "wal-crc-mismatch"
