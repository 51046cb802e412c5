"""Logs that real etcd releases wrote, as they lie after a crash, and etcd's answer to damage."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from wal_data import copy_of, restarts, write_cut_log, write_small_log

from requorum.formats.raftpb import (
    ConfChangeType,
    EntryType,
    decode_conf_change,
    decode_entry,
    decode_hard_state,
    encode_entry,
    encode_hard_state,
)
from requorum.formats.requests import (
    Auth,
    ClusterVersionSet,
    Compaction,
    DeleteRange,
    LeaseGrant,
    MemberAttrSet,
    Noop,
    Put,
    Txn,
    V2Request,
    decode_request,
)
from requorum.formats.snap import parse_snap_name, read_snap
from requorum.formats.source import BufferSource
from requorum.formats.wal import (
    Ending,
    Record,
    RecordType,
    Segment,
    WalDamageKind,
    decode_metadata,
    decode_wal_snapshot,
    frame,
    parse_segment_name,
    read_segment,
)

pytestmark = pytest.mark.etcd

MINORS = ["3.4", "3.5", "3.6", "3.7"]


@dataclass
class SmallLog:
    """A crashed member with one segment."""

    minor: str
    binaries: Path
    data_dir: Path
    segment: Segment

    @property
    def wal(self) -> Path:
        """Return the one segment's path."""
        return next((self.data_dir / "member" / "wal").glob("*.wal"))

    def of_type(self, record_type: RecordType) -> list[Record]:
        """Return the records of one type."""
        return [record for record in self.segment.records if record.type == record_type]


def read_file(path: Path, *, last: bool = True) -> Segment:
    """Read a segment from disk."""
    return read_segment(BufferSource(path.read_bytes()), last=last)


@pytest.fixture(scope="module", params=MINORS)
def small_log(
    request: pytest.FixtureRequest,
    etcd_binaries: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SmallLog]:
    """Return the log that each minor leaves behind."""
    directory = tmp_path_factory.mktemp("small")
    binaries = etcd_binaries(request.param)
    data_dir = directory / "data"
    write_small_log(binaries, data_dir)
    (wal,) = (data_dir / "member" / "wal").glob("*.wal")
    yield SmallLog(request.param, binaries, data_dir, read_file(wal))
    shutil.rmtree(directory)


def test_log_is_whole_and_reproducible(small_log: SmallLog) -> None:
    """Every record is proven, and writing it again gives etcd's very bytes."""
    read = small_log.segment
    assert (read.damages, read.ending, read.first_crc) == ([], Ending.CLEAN, 0)
    assert all(record.verified for record in read.records)
    written, crc = b"", 0
    for record in read.records:
        data = None if record.type == RecordType.CRC else record.data
        framed, crc = frame(record.type, data, crc)
        written += framed
    assert written == small_log.wal.read_bytes()[: read.end_offset]


def test_entries_are_reproducible(small_log: SmallLog) -> None:
    """Decoding and encoding an entry gives etcd's very bytes; indexes are without a gap."""
    explicit = small_log.minor != "3.7"
    entries = small_log.of_type(RecordType.ENTRY)
    for record in entries:
        assert encode_entry(decode_entry(record.data), explicit_zeros=explicit) == record.data
    assert [decode_entry(record.data).index for record in entries] == list(
        range(1, len(entries) + 1)
    )


def test_hard_states_are_reproducible(small_log: SmallLog) -> None:
    """Commit never falls; a state whose numbers are all set encodes to etcd's very bytes."""
    records = small_log.of_type(RecordType.STATE)
    states = [decode_hard_state(record.data) for record in records]
    assert all(before.commit <= after.commit for before, after in pairwise(states))
    for record, state in zip(records, states, strict=True):
        explicit = small_log.minor != "3.7" or not state.vote
        assert encode_hard_state(state, explicit_zeros=explicit) == record.data


def test_marks_of_snapshots(small_log: SmallLog) -> None:
    """The log marks the empty snapshot, then each one; 3.4 without a configuration."""
    marks = [decode_wal_snapshot(record.data) for record in small_log.of_type(RecordType.SNAPSHOT)]
    assert (marks[0].index, marks[0].term, marks[0].conf_state) == (0, 0, None)
    assert len(marks) > 1
    node_id = decode_metadata(small_log.of_type(RecordType.METADATA)[0].data).node_id
    for mark in marks[1:]:
        voters = mark.conf_state and mark.conf_state.voters
        assert voters == (None if small_log.minor == "3.4" else (node_id,))


def test_requests(small_log: SmallLog) -> None:
    """Everything that was asked of etcd is found in its log, in order."""
    entries = [decode_entry(record.data) for record in small_log.of_type(RecordType.ENTRY)]
    normal = [decode_request(e.data) for e in entries if e.type is EntryType.NORMAL]
    assert [r.key for r in normal if isinstance(r, Put)] == [
        *(f"key{number}".encode() for number in range(12)),
        b"last",
    ]
    assert isinstance(normal[0], Noop)
    assert DeleteRange(b"key1", b"") in normal
    assert Compaction(revision=3, physical=False) in normal
    assert Auth("auth_role_add") in normal
    assert [r.ttl for r in normal if isinstance(r, LeaseGrant)] == [100]
    (txn,) = [r for r in normal if isinstance(r, Txn)]
    assert (txn.compare[0].key, txn.compare[0].operand) == (b"key3", 1)
    assert txn.failure == (DeleteRange(b"key5", b""),)


def test_membership_entries(small_log: SmallLog) -> None:
    """The first entry adds the member itself, a later one the learner; each publishes itself."""
    entries = [decode_entry(record.data) for record in small_log.of_type(RecordType.ENTRY)]
    changes = [decode_conf_change(e.data) for e in entries if e.type is EntryType.CONF_CHANGE]
    assert [c.type for c in changes] == [ConfChangeType.ADD_NODE, ConfChangeType.ADD_LEARNER_NODE]
    assert changes[1].context is not None
    assert changes[1].context.peer_urls == ("http://127.0.0.1:1",)
    assert changes[1].context.is_learner
    normal = [decode_request(e.data) for e in entries if e.type is EntryType.NORMAL]
    if small_log.minor in ("3.4", "3.5"):
        assert [r.method for r in normal if isinstance(r, V2Request)] == ["PUT", "PUT"]
    else:
        (published,) = [r for r in normal if isinstance(r, MemberAttrSet)]
        assert (published.member_id, published.name) == (changes[0].node_id, "one")
        assert ClusterVersionSet(f"{small_log.minor}.0") in normal


def test_snap_files(small_log: SmallLog) -> None:
    """Each .snap names its own place in the log, the member, and the cluster's version."""
    files = sorted((small_log.data_dir / "member" / "snap").glob("*.snap"))
    assert files
    node_id = decode_metadata(small_log.of_type(RecordType.METADATA)[0].data).node_id
    for file in files:
        snap = read_snap(BufferSource(file.read_bytes()))
        assert (snap.term, snap.index) == parse_snap_name(file.name)
        assert snap.conf_state.voters == (node_id,)
        assert snap.members[0].id == node_id
        assert snap.members[0].name == "one"
        assert snap.members[0].client_urls[0].startswith("http://127.0.0.1:")
        assert (snap.cluster_version, snap.has_v2_data) == (f"{small_log.minor}.0", False)


def test_etcd_cuts_where_we_see_a_torn_record(small_log: SmallLog, tmp_path: Path) -> None:
    """A zeroed sector in the last record: etcd repairs, keeping what we call the log."""
    wal = copy_of(small_log.data_dir, tmp_path / "torn")
    large = next(r for r in reversed(small_log.segment.records) if r.type == RecordType.ENTRY)
    torn = bytearray(wal.read_bytes())
    torn[large.end :] = bytes(len(torn) - large.end)
    sector = large.end // 512 * 512 - 1024
    torn[sector : sector + 512] = bytes(512)
    wal.write_bytes(torn)
    read = read_file(wal)
    assert (read.ending, read.damages, read.end_offset) == (Ending.TORN, [], large.offset)
    assert restarts(small_log.binaries, tmp_path / "torn")
    assert wal.with_suffix(".wal.broken").exists()
    repaired = wal.read_bytes()
    assert repaired[: read.end_offset] == torn[: read.end_offset]
    assert read_file(wal).damages == []


@pytest.mark.parametrize("where", ["data", "crc", "length word"])
def test_etcd_stops_where_we_go_on(small_log: SmallLog, tmp_path: Path, where: str) -> None:
    """A flip in the middle: etcd refuses, or cuts the log; we read every other record."""
    records = small_log.segment.records
    victim = small_log.of_type(RecordType.ENTRY)[-5]
    place, kind, lost = {
        "data": (victim.end - 10, WalDamageKind.DATA, 1),
        "crc": (victim.offset + 11, WalDamageKind.CHECKSUM, 0),
        "length word": (victim.offset + 1, WalDamageKind.LENGTH, 0),
    }[where]
    wal = copy_of(small_log.data_dir, tmp_path / "flipped")
    content = bytearray(wal.read_bytes())
    content[place] ^= 1
    wal.write_bytes(content)
    read = read_file(wal)
    assert [(d.offset, d.kind, d.lost) for d in read.damages] == [(victim.offset, kind, lost)]
    expected = [r.data for r in records if not lost or r.offset != victim.offset]
    assert [r.data for r in read.records] == expected
    assert all(r.verified for r in read.records)
    survived = restarts(small_log.binaries, tmp_path / "flipped")
    assert not survived or victim.data not in [r.data for r in read_file(wal).records]


@pytest.fixture(params=MINORS)
def cut_log(
    request: pytest.FixtureRequest, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> Iterator[list[Path]]:
    """Return the segments of a log of more than 64 MB."""
    data_dir = tmp_path / "data"
    yield write_cut_log(etcd_binaries(request.param), data_dir)
    shutil.rmtree(data_dir)


def test_segments_follow_each_other(cut_log: list[Path]) -> None:
    """The log is cut into files that chain: names, indexes and checksums fit.

    Without the first one, the second has no last_crc to agree with.
    """
    first_path, second_path = cut_log
    first, second = read_file(first_path, last=False), read_file(second_path)
    assert (first.damages, second.damages) == ([], [])
    assert (first.ending, second.ending) == (Ending.CLEAN, Ending.CLEAN)
    assert first.last_crc == second.first_crc
    assert second.first_crc
    assert first.end_offset == first_path.stat().st_size
    entries = [
        decode_entry(r.data)
        for r in [*first.records, *second.records]
        if r.type == RecordType.ENTRY
    ]
    assert [entry.index for entry in entries] == list(range(1, len(entries) + 1))
    first_of_second = next(r for r in second.records if r.type == RecordType.ENTRY)
    assert parse_segment_name(second_path.name) == (1, decode_entry(first_of_second.data).index)
    puts = [decode_request(e.data) for e in entries if e.type is EntryType.NORMAL]
    assert sum(isinstance(put, Put) and len(put.value) == 1_000_000 for put in puts) == 66
