"""A whole log at a glance: what counts of it, what was replaced, and what is damaged."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_wal import MadeWal, WalRecord, entries, entry, lease_revoke, mark, put, state

from requorum.formats.raftpb import decode_entry
from requorum.formats.wal import RecordType
from requorum.inspection.member_log import read_member_log
from requorum.inspection.wal_survey import MissingRange, TermRange, WalSurvey, survey_wal


def survey(wal: MadeWal) -> WalSurvey:
    """Survey it as it is now."""
    return survey_wal(wal.files())


def superseded_entries(wal: MadeWal, found: WalSurvey) -> list[tuple[int, int]]:
    """Return (index, term) of the entries that the survey calls superseded."""
    return [
        (decoded.index, decoded.term)
        for file in wal.files()
        for record in file.segment.records
        if record.type == RecordType.ENTRY
        and record.offset in found.superseded.get(file.name, frozenset())
        for decoded in [decode_entry(record.data)]
    ]


def test_a_healthy_log() -> None:
    """Counts, ranges and terms."""
    records = [*entries(b"", put(b"a"), put(b"b")), state(2), *entries(b"", first=4, term=3)]
    found = survey(MadeWal(records, cuts=[2]))
    assert [s.name[:16] for s in found.segments] == ["0" * 16, "0" * 15 + "1"]
    assert [(s.records, s.entries, s.first_index, s.last_index) for s in found.segments] == [
        (4, 2, 1, 2),
        (5, 2, 3, 4),
    ]
    assert found.terms == (TermRange(2, 1, 3), TermRange(3, 4, 4))
    assert (found.superseded, found.damages, found.missing) == ({}, (), ())
    assert found.is_readable
    assert found.records == 9


def test_no_content_is_kept() -> None:
    """A log of gigabytes is surveyed in the memory of one segment."""
    log = survey(MadeWal(entries(put(b"a"), put(b"b")))).log
    assert [e.term for e in log.entries.values()] == [2, 2]
    assert all(e.data == b"" for e in log.entries.values())
    assert len({id(e) for e in log.entries.values()}) == 1


def test_entries_that_a_later_leader_replaced() -> None:
    """Those at its index and behind it; the segment does not matter."""
    records = [entry(1), entry(2), entry(3), entry(4), entry(2, term=5), entry(3, term=5)]
    wal = MadeWal(records, cuts=[4])
    found = survey(wal)
    assert superseded_entries(wal, found) == [(2, 2), (3, 2), (4, 2)]
    assert found.superseded_count == 3
    assert list(found.log.entries) == [1, 2, 3]


def test_entries_that_a_leaders_snapshot_replaced() -> None:
    """Those that were not committed before it came."""
    wal = MadeWal([entry(1), state(1), entry(2), entry(3), mark(9), state(9), entry(10)])
    found = survey(wal)
    assert superseded_entries(wal, found) == [(2, 2), (3, 2)]
    assert found.missing == (MissingRange(2, 9, snapshot=True),)


def test_lost_entries_are_missing() -> None:
    """In the middle, and behind the end where they are known to have been committed."""
    wal = MadeWal([*entries(b"", put(b"a"), put(b"b"), put(b"c")), state(4)])
    wal.segments[0].damage(1)
    assert survey(wal).missing == (MissingRange(2, 2, snapshot=False),)
    assert survey(MadeWal([entry(1), state(5)])).missing == (MissingRange(2, 5, snapshot=False),)


def test_damage_has_its_place_and_size() -> None:
    """Joined from what the segment and what the log found."""
    wal = MadeWal(entries(b"", put(b"a"), put(b"b"), put(b"c")))
    start = wal.segments[0].damage(1)
    (found,) = survey(wal).damages
    _, end = wal.segments[0].frames[1]
    assert (found.offset, found.size, found.lost, found.after_index) == (start, end - start, 1, 1)
    assert not found.refuses_record


def test_a_record_that_is_not_believed() -> None:
    """Its checksum is right, its content impossible."""
    wal = MadeWal([entry(1), entry(1 << 60), entry(2)])
    (found,) = survey(wal).damages
    assert found.refuses_record
    assert found.offset == wal.segments[0].frames[1][0]
    assert found.lost == 1


def test_a_segment_that_is_missing() -> None:
    """It has no offset; nobody knows what was in it."""
    wal = MadeWal(entries(*[b""] * 9), cuts=[3, 6])
    del wal.segments[1]
    (found,) = survey(wal).damages
    assert (found.offset, found.size, found.lost, found.after_index) == (None, None, None, 3)


@pytest.mark.parametrize(("size", "missing"), [(None, False), (1, True)])
def test_a_log_that_ends_with_a_full_segment(
    size: int | None, monkeypatch: pytest.MonkeyPatch, *, missing: bool
) -> None:
    """Another one must have followed it; a preallocated tail says that none did."""
    if size is not None:
        monkeypatch.setattr("requorum.inspection.wal_survey.SEGMENT_BYTES", size)
    wal = MadeWal(entries(b"", b""))
    assert not survey(wal).next_segment_missing
    del wal.segments[-1].data[wal.segments[-1].frames[-1][1] :]
    assert survey(wal).next_segment_missing is missing


def test_lease_revocations_are_counted() -> None:
    """So that a database is read only where there are any."""
    assert survey(MadeWal(entries(put(b"a"), lease_revoke(1)))).lease_revokes == 1


def test_nothing_readable() -> None:
    """Bytes that are no log."""
    wal = MadeWal(entries(b""))
    wal.segments[0].data[:] = random.Random(1).randbytes(len(wal.segments[0].data))
    assert not survey(wal).is_readable
    assert not survey_wal([]).is_readable


@given(
    writes=st.lists(st.tuples(st.integers(1, 8), st.integers(1, 4)), max_size=8),
    marks=st.sets(st.integers(0, 40), max_size=3),
    cut=st.integers(0, 40),
)
@settings(deadline=None, max_examples=150)
def test_what_is_superseded_is_what_the_log_does_not_hold(
    writes: list[tuple[int, int]], marks: set[int], cut: int
) -> None:
    """Whatever is overwritten, and whatever snapshots come: the rest is the log, once each."""
    records: list[WalRecord] = []
    last = 0
    for term, (wanted, length) in enumerate(writes, start=1):
        first = min(wanted, last + 1)
        records += [entry(i, b"", term=term) for i in range(first, first + length)]
        last = first + length - 1
        if len(records) in marks:
            last += 3
            records.append(mark(last, term))
    wal = MadeWal(records, cuts=[cut] if 0 < cut < len(records) else [])
    found = survey(wal)
    gone = superseded_entries(wal, found)
    kept = [(i, e.term) for i, e in read_member_log(wal.files()).entries.items()]
    written = [
        (e.index, e.term)
        for kind, data in records
        if kind is RecordType.ENTRY and data is not None
        for e in [decode_entry(data)]
    ]
    assert sorted(gone + kept) == sorted(written)
