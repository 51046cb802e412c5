"""Logs read from real segment bytes, whole, torn, and damaged at every record."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raft_disks import ZERO_TAIL, segments_of

from requorum.formats.raftpb import Entry, EntryType, HardState, encode_entry, encode_hard_state
from requorum.formats.source import BufferSource
from requorum.formats.wal import RecordType, read_segment
from requorum.formats.wire import field_varint
from requorum.inspection.member_log import (
    INDEX_JUMP_MAX,
    LogEnding,
    MemberLog,
    SegmentFile,
    read_member_log,
)

HEAD = 3
"""CRC, metadata and the first snapshot mark: records of each log before those of a test."""

WalRecord = tuple[RecordType, bytes]


def entry(index: int, term: int) -> WalRecord:
    """Return the record of an entry whose content tells index and term."""
    data = b"entry %d of term %d, and bytes to flip" % (index, term)
    return RecordType.ENTRY, encode_entry(Entry(EntryType.NORMAL, term, index, data))


def hard_state(term: int, commit: int) -> WalRecord:
    """Return the record of a hard state."""
    return RecordType.STATE, encode_hard_state(HardState(term, 1, commit))


def snapshot(index: int, term: int) -> WalRecord:
    """Return the mark of a snapshot."""
    return RecordType.SNAPSHOT, field_varint(1, index) + field_varint(2, term)


@dataclass
class Wal:
    """A log of some records; numbers count from the test's first record."""

    records: Sequence[WalRecord]
    cuts: Sequence[int] = ()

    def __post_init__(self) -> None:
        """Write the segments."""
        self.files = segments_of(self.records, 7, self.cuts)

    def flip(self, number: int) -> "Wal":
        """Flip a bit in the data of a record of the first segment."""
        _, end = self.files[0].frames[HEAD + number]
        self.files[0].data[end - 12] ^= 4
        return self

    def retype(self, number: int, bit: int) -> "Wal":
        """Flip a bit in a record's type, which no checksum covers."""
        start, _ = self.files[0].frames[HEAD + number]
        self.files[0].data[start + 9] ^= bit
        return self

    def wipe(self, first: int, last: int) -> "Wal":
        """Overwrite records with bytes that are none."""
        start, end = self.files[0].frames[HEAD + first][0], self.files[0].frames[HEAD + last][1]
        self.files[0].data[start:end] = b"\xff" * (end - start)
        return self

    def tear(self, number: int, *, shorter: bool) -> "Wal":
        """Zero everything from the middle of a record on, or end the file there."""
        start, end = self.files[-1].frames[HEAD + number]
        data = self.files[-1].data
        kept = (start + end) // 2
        data[kept:] = b"" if shorter else bytes(len(data) - kept)
        return self

    def read(self) -> MemberLog:
        """Read it as it is now."""
        return read_member_log(
            SegmentFile(
                f.name,
                f.sequence,
                len(f.data),
                read_segment(BufferSource(bytes(f.data)), last=f is self.files[-1]),
            )
            for f in self.files
        )


def terms(log: MemberLog) -> dict[int, int]:
    """Return index -> term."""
    return {index: e.term for index, e in log.entries.items()}


def test_a_whole_log_is_read() -> None:
    """Metadata, entries, hard state and where it stands."""
    found = Wal([hard_state(1, 0), entry(1, 1), entry(2, 2), hard_state(2, 1)]).read()
    assert found.metadata is not None
    assert (found.metadata.node_id, found.metadata.cluster_id) == (7, 77)
    assert terms(found) == {1: 1, 2: 2}
    assert (found.position, found.commit, found.committed_here) == ((2, 2), 1, 1)
    assert (found.ending, found.damages, found.starts_at_zero) == (LogEnding.CLEAN, (), True)
    assert found.term_at(2) == 2
    assert found.term_at(3) is None


def test_no_segments_are_an_absent_log() -> None:
    """Nothing was read, nothing is claimed."""
    found = read_member_log([])
    assert (found.ending, found.last_index, found.last_term) == (LogEnding.ABSENT, 0, 0)
    assert (found.missing, found.commit, found.metadata) == ((), 0, None)


def test_an_entry_replaces_those_at_its_index_and_behind() -> None:
    """As wal.ReadAll does."""
    found = Wal([entry(1, 1), entry(2, 1), entry(3, 1), entry(2, 2)]).read()
    assert terms(found) == {1: 1, 2: 2}
    assert not found.doubtful


def test_entries_before_a_damage_are_doubtful_only_if_it_may_have_replaced_them() -> None:
    """One lost record reaches one index back; the committed and those of one term are safe."""
    lost_overwrite = Wal([entry(1, 1), entry(2, 1), entry(3, 1), entry(2, 2), entry(3, 2)]).flip(3)
    assert lost_overwrite.read().doubtful == {2}
    same_term = Wal([entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)]).flip(1)
    assert not same_term.read().doubtful
    committed = Wal([entry(1, 1), hard_state(1, 1), entry(2, 1), entry(2, 2), entry(3, 2)]).flip(2)
    assert not committed.read().doubtful


def test_a_commit_written_behind_a_damage_does_not_make_older_entries_safe() -> None:
    """They may be the ones that the lost records replaced before they were committed."""
    records = [entry(1, 1), entry(2, 1), entry(3, 1), entry(2, 2), hard_state(2, 2), entry(3, 2)]
    found = Wal(records).flip(3).read()
    assert found.commit == 2
    assert found.doubtful == {2}
    at_the_end = Wal(records[:-1]).flip(3).read()
    assert (at_the_end.commit, at_the_end.committed_here) == (2, 0)
    assert at_the_end.ending is LogEnding.DAMAGED


def test_doubt_ends_where_the_entry_is_written_again() -> None:
    """An entry that replaces a doubtful one is not doubtful itself."""
    records = [entry(1, 1), entry(2, 1), entry(1, 2), entry(2, 2), entry(1, 3)]
    found = Wal(records).flip(2).read()
    assert terms(found) == {1: 3}
    assert not found.doubtful


def test_many_lost_records_reach_as_far_back_as_they_are_many() -> None:
    """Two that were counted reach two back; bytes that cannot be counted reach to the commit."""
    written = [entry(i, 1) for i in range(1, 7)]
    again = [entry(5, 2), entry(6, 2), entry(7, 2), entry(8, 2)]
    counted = Wal([*written, *again]).flip(6)
    assert counted.read().doubtful == {5}
    uncounted = Wal([hard_state(1, 0), *written, *again]).wipe(7, 8).read()
    assert uncounted.doubtful == {1, 2, 3, 4, 5, 6, 7}, "7 has no checksum before it to prove it"
    assert uncounted.damages


def test_a_leaders_snapshot_takes_the_place_of_the_log() -> None:
    """What was not committed before it is gone, and the log stands at the snapshot."""
    records = [entry(1, 1), hard_state(1, 1), entry(2, 1), entry(3, 1), snapshot(9, 2)]
    found = Wal([*records, hard_state(2, 9)]).read()
    assert terms(found) == {1: 1}
    assert (found.position, found.commit) == ((2, 9), 9)
    further = Wal([*records, hard_state(2, 9), entry(10, 2)]).read()
    assert terms(further) == {1: 1, 10: 2}
    assert further.missing == tuple(range(2, 10))


def test_a_members_own_snapshot_changes_nothing() -> None:
    """It lies at or before the commit."""
    found = Wal([entry(1, 1), entry(2, 1), hard_state(1, 2), snapshot(1, 1), entry(3, 1)]).read()
    assert terms(found) == {1: 1, 2: 1, 3: 1}
    assert [s.index for s in found.snapshots] == [0, 1]


def test_a_hard_state_whose_type_was_damaged_is_no_entry() -> None:
    """Type 3 becomes 2 by one bit, and the checksum does not cover it."""
    found = Wal([entry(1, 1), entry(2, 1), hard_state(1, 1), entry(3, 1)]).retype(2, 1).read()
    assert terms(found) == {1: 1, 2: 1, 3: 1}
    assert len(found.damages) == 1


def test_an_entry_whose_type_was_damaged_is_no_hard_state() -> None:
    """Nothing is known to be committed by it, and the entry is missing."""
    found = Wal([hard_state(1, 0), entry(1, 1), entry(2, 1), entry(3, 1)]).retype(2, 1).read()
    assert terms(found) == {1: 1, 3: 1}
    assert found.commit == 0
    assert found.damages


@pytest.mark.parametrize("index", [0, INDEX_JUMP_MAX + 3, (1 << 64) - 1])
def test_an_impossible_index_is_damage(index: int) -> None:
    """Nobody can wait for a range of 2^64 gaps."""
    found = Wal([entry(1, 1), entry(2, 1), entry(index, 1)]).read()
    assert terms(found) == {1: 1, 2: 1}
    assert len(found.damages) == 1
    assert found.missing == ()


def test_metadata_whose_type_was_damaged_is_no_snapshot() -> None:
    """A member's id is no index: what was read before it is not thrown away."""
    metadata = RecordType.METADATA, field_varint(1, 1 << 60) + field_varint(2, 1 << 61)
    found = Wal([entry(1, 1), metadata, entry(2, 1)]).retype(1, 4).read()
    assert terms(found) == {1: 1, 2: 1}
    assert found.last_index == 2
    assert len(found.damages) == 1


def test_the_first_entry_may_have_any_index() -> None:
    """Older segments are purged."""
    found = Wal([entry(5_000_000_000, 9)]).read()
    assert (found.first_index, found.last_index, found.missing) == (
        5_000_000_000,
        5_000_000_000,
        (),
    )


@pytest.mark.usefixtures("small_segments")
def test_segments_continue_each_other() -> None:
    """A log of three segments is one log."""
    found = Wal([entry(i, 1) for i in range(1, 10)], cuts=[3, 6]).read()
    assert terms(found) == dict.fromkeys(range(1, 10), 1)
    assert not found.damages


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize(("gone", "left"), [(0, range(4, 10)), (1, [1, 2, 3, 7, 8, 9])])
def test_a_missing_segment_is_a_gap(gone: int, left: Sequence[int]) -> None:
    """In the middle it is damage; the first ones are purged in a healthy log, too."""
    wal = Wal([entry(i, 1) for i in range(1, 10)], cuts=[3, 6])
    del wal.files[gone]
    found = wal.read()
    assert list(found.entries) == list(left)
    assert bool(found.damages) == (gone == 1)
    assert found.starts_at_zero == (gone != 0)
    assert found.ending is LogEnding.CLEAN


@pytest.mark.usefixtures("small_segments")
def test_a_missing_last_segment_is_noticed() -> None:
    """A segment that was cut has no preallocated tail, so another one followed it."""
    wal = Wal([entry(i, 1) for i in range(1, 10)], cuts=[3, 6])
    del wal.files[2]
    found = wal.read()
    assert (found.last_index, found.ending) == (6, LogEnding.DAMAGED)


@pytest.mark.usefixtures("small_segments")
def test_a_segment_of_another_log_is_damage() -> None:
    """The checksum chain goes from one segment to the next."""
    wal, other = (Wal([entry(i, t) for i in range(1, 7)], cuts=[3]) for t in (1, 2))
    wal.files[1] = other.files[1]
    assert any("does not continue" in d.what for d in wal.read().damages)


def test_metadata_of_another_member_is_damage() -> None:
    """The first one counts."""
    wal = Wal([entry(1, 1), (RecordType.METADATA, field_varint(1, 8) + field_varint(2, 77))])
    found = wal.read()
    assert found.metadata is not None
    assert found.metadata.node_id == 7
    assert len(found.damages) == 1


@pytest.mark.parametrize("torn", range(5))
@pytest.mark.parametrize(
    ("shorter", "ending"), [(True, LogEnding.TORN), (False, LogEnding.DAMAGED)]
)
def test_a_torn_log_ends_before_the_torn_record(
    torn: int, ending: LogEnding, *, shorter: bool
) -> None:
    """Nothing of it is believed. To etcd it is torn beyond the file, or by whole sectors."""
    found = Wal([entry(i, 1) for i in range(1, 6)]).tear(torn, shorter=shorter).read()
    assert terms(found) == dict.fromkeys(range(1, torn + 1), 1)
    assert found.ending is ending


@given(
    overwritten=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), max_size=6),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 7)), max_size=4),
    commit=st.integers(0, 3),
)
@settings(deadline=None, max_examples=300)
def test_what_is_called_committed_was_written_last(
    overwritten: list[tuple[int, int]], flips: list[tuple[int, int]], commit: int
) -> None:
    """Whatever is damaged: entries up to `committed_here` that are not doubtful are the true ones.

    The log overwrites its tail again and again, with rising terms, above what is committed.
    """
    records, true, term = [hard_state(1, 0)], {}, 1
    for first, length in overwritten:
        start = max(min(first, len(true) + 1), commit + 1 if len(true) > commit else 1)
        term += 1
        true = {i: t for i, t in true.items() if i < start}
        for index in range(start, start + length):
            true[index] = term
            records.append(entry(index, term))
        if len(true) > commit:
            records.append(hard_state(term, commit))
    wal = Wal(records)
    data = wal.files[0].data
    for offset, bit in flips:
        data[offset % max(len(data) - ZERO_TAIL, 1)] ^= 1 << bit
    found = wal.read()
    assert found.commit in (0, commit)
    for index, e in found.entries.items():
        if index <= found.committed_here and index not in found.doubtful:
            assert e.term == true[index]
            assert (RecordType.ENTRY, encode_entry(e)) == entry(index, true[index])


@given(st.binary(max_size=600), st.integers(0, 700))
@settings(deadline=None, max_examples=200)
def test_hostile_bytes_never_raise(garbage: bytes, offset: int) -> None:
    """Whatever a segment holds, reading it ends with what is believed and what is damaged."""
    wal = Wal([entry(i, 1) for i in range(1, 12)])
    wal.files[0].data[offset : offset + len(garbage)] = garbage
    found = wal.read()
    assert found.last_index <= 11 or found.damages


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("first", [3, 5, 0])
def test_a_segment_of_the_wrong_name_is_damage(first: int) -> None:
    """By the names etcd looks for entries: it would begin to read elsewhere, or refuse."""
    wal = Wal([entry(i, 1) for i in range(1, 7)], cuts=[3])
    wal.files[1].first = first
    found = wal.read()
    assert [d.what for d in found.damages] == ["its name should say that entry 4 is next"]
    assert terms(found) == dict.fromkeys(range(1, 7), 1)


def test_the_first_segment_under_another_name_is_damage() -> None:
    """Only 0-0 begins with the mark of no snapshot; etcd finds no file to begin with."""
    wal = Wal([entry(1, 1)])
    wal.files[0].sequence = 0x7780
    (damage,) = wal.read().damages
    assert damage.what == "it begins the log, its name says that another one does"


@pytest.mark.parametrize(
    ("indexes", "what"),
    [
        ([1, 2, 5, 3, 4, 5], ["entry 5 follows 2"]),
        ([2, 3], ["entry 2 follows 0"]),
        ([7, 1, 2], ["entry 7 follows 0"]),
        ([1, 2, 3, 2, 3], []),
    ],
)
def test_an_entry_out_of_order_is_damage(indexes: list[int], what: list[str]) -> None:
    """A log with a gap is refused by etcd, though what follows may fill it."""
    found = Wal([entry(i, 1) for i in indexes]).read()
    assert [d.what for d in found.damages] == what


def test_an_entry_before_a_leaders_snapshot_is_damage() -> None:
    """What the snapshot stands for was committed: nobody writes it again."""
    found = Wal([entry(1, 1), snapshot(18, 2), entry(2, 2)]).read()
    assert [d.what for d in found.damages] == ["entry 2 follows 18"]


def test_jumps_back_and_forth_take_no_time() -> None:
    """A crafted log that jumps millions of entries ahead and back is read as fast as any."""
    wal = Wal([entry(i, 1) for i in [1, 3_900_000] * 3000])
    begin = time.process_time()
    found = wal.read()
    assert list(found.entries) == [1, 3_900_000]
    assert time.process_time() - begin < 5


def test_missing_entries_are_bounded() -> None:
    """Neither many jumps nor a snapshot far away make us list billions of gaps."""
    jumps = Wal([entry(1 + 3_000_000 * i, 1) for i in range(400)]).read()
    assert list(jumps.entries) == [1, 3_000_001]
    far = Wal([entry(1, 1), snapshot(1 << 40, 2), entry(2, 1), hard_state(2, 1 << 41)]).read()
    assert far.last_index == 1 << 40
    assert len(far.missing) == 4_000_000


def test_many_losses_among_many_entries_take_no_time() -> None:
    """Each loss makes entries doubtful; each of them is looked at only so often."""
    wal = Wal([entry(index, 1 + index // 15_000) for index in range(1, 30_000)])
    for number in range(10, 29_000, 20):
        wal.wipe(number, number + 1)
    begin = time.process_time()
    found = wal.read()
    assert time.process_time() - begin < 10
    assert len(found.damages) > 1000
    assert len(found.entries) > 25_000
    assert {i for i in found.entries if i < 15_000} <= found.doubtful


def test_damages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are not listed are counted."""
    monkeypatch.setattr("requorum.inspection.member_log.DAMAGES_MAX", 2)
    found = Wal([(RecordType.ENTRY, b"\xff")] * 5).read()
    assert len(found.damages) == 3
    assert found.damages[-1].what == "and 3 more damaged places behind"
