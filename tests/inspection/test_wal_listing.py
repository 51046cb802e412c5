"""The records of a log in the order of its files, each with what it is worth."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from made_wal import MadeWal, entries, entry, mark, put, state

from requorum.formats.raftpb import EntryType
from requorum.inspection.entry_story import EntryKind, tell
from requorum.inspection.wal_listing import (
    Listed,
    ListedCrc,
    ListedEntry,
    ListedMetadata,
    ListedSnapshot,
    ListedState,
    Standing,
    list_segment,
)
from requorum.inspection.wal_survey import PlacedDamage, survey_wal


def listed(wal: MadeWal) -> list[Listed]:
    """Return everything that is listed of the log as it is now."""
    survey = survey_wal(wal.files())
    return [found for file in wal.files() for found in list_segment(survey, file)]


def listed_entries(wal: MadeWal) -> list[tuple[int, int, str, bool]]:
    """Return (index, term, standing, committed) of the entries."""
    return [
        (found.entry.index, found.entry.term, str(found.standing), found.committed)
        for found in listed(wal)
        if isinstance(found, ListedEntry)
    ]


def test_every_record_is_listed_in_order() -> None:
    """With its place: frames follow each other without a gap."""
    wal = MadeWal([mark(0, 0), entry(1), state(0), entry(2), state(1)], cuts=[3])
    found = listed(wal)
    assert [type(each) for each in found] == [
        ListedCrc, ListedMetadata, ListedSnapshot, ListedEntry, ListedState,
        ListedCrc, ListedMetadata, ListedEntry, ListedState,
    ]  # fmt: skip  # a line a segment
    places = [each.place for each in found if not isinstance(each, PlacedDamage)]
    for before, after in pairwise(places):
        if before.segment == after.segment:
            assert before.offset + before.size == after.offset
    assert [place.after_index for place in places] == [0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_content_is_that_of_the_file() -> None:
    """The second pass reads what the first one left."""
    (found,) = [e for e in listed(MadeWal([entry(1, put(b"k"))])) if isinstance(e, ListedEntry)]
    assert (found.entry.type, bytes(found.entry.data)) == (EntryType.NORMAL, put(b"k"))


def test_what_is_committed() -> None:
    """Up to the last hard state; behind it nobody knows."""
    assert listed_entries(MadeWal([entry(1), entry(2), state(1)])) == [
        (1, 2, Standing.CURRENT, True),
        (2, 2, Standing.CURRENT, False),
    ]


def test_what_was_replaced() -> None:
    """It names the term of what came in its place."""
    wal = MadeWal([entry(1), entry(2), entry(3), entry(2, term=5), state(2, 5)])
    assert listed_entries(wal) == [
        (1, 2, Standing.CURRENT, True),
        (2, 2, Standing.SUPERSEDED, False),
        (3, 2, Standing.SUPERSEDED, False),
        (2, 5, Standing.CURRENT, True),
    ]
    by = [e.superseded_by for e in listed(wal) if isinstance(e, ListedEntry)]
    assert by == [None, 5, None, None]


def test_what_is_doubtful() -> None:
    """A lost record of a later term may have replaced it; then it is not called committed."""
    records = [*entries(b"", put(b"a"), put(b"b")), entry(2, put(b"c"), term=3), state(3, 3)]
    wal = MadeWal([*records, entry(3, put(b"d"), term=3)])
    wal.segments[0].damage(3)
    assert listed_entries(wal) == [
        (1, 2, Standing.CURRENT, True),
        (2, 2, Standing.DOUBTFUL, False),
        (3, 2, Standing.SUPERSEDED, False),
        (3, 3, Standing.CURRENT, True),
    ]


def test_damage_is_listed_where_it_lies() -> None:
    """Between the records that are around it."""
    wal = MadeWal(entries(b"", put(b"a"), put(b"b")))
    start = wal.segments[0].damage(1)
    found = listed(wal)
    assert [type(each).__name__ for each in found[2:]] == [
        "ListedEntry", "PlacedDamage", "ListedEntry",
    ]  # fmt: skip  # one order
    damage = found[3]
    assert isinstance(damage, PlacedDamage)
    assert damage.offset == start


def test_a_missing_segment_is_listed_before_the_next_one() -> None:
    """It has no place of its own."""
    wal = MadeWal(entries(*[b""] * 9), cuts=[3, 6])
    del wal.segments[1]
    kinds = [type(each).__name__ for each in listed(wal)]
    assert kinds.index("PlacedDamage") == 5
    assert kinds[6] == "ListedCrc"


def test_a_record_that_is_not_believed_is_damage_only() -> None:
    """An entry of an impossible index is not listed as one."""
    wal = MadeWal([entry(1), entry(1 << 60), entry(2), state(1 << 60), state(2)])
    assert [index for index, *_ in listed_entries(wal)] == [1, 2]
    states = [each.state.commit for each in listed(wal) if isinstance(each, ListedState)]
    assert states == [2]
    assert sum(isinstance(each, PlacedDamage) for each in listed(wal)) == 2


def test_what_is_appended_meanwhile_is_left_out() -> None:
    """A running etcd writes on between the two passes."""
    wal = MadeWal([entry(1), state(0), entry(2)])
    longer = MadeWal([entry(1), state(0), entry(2), state(1), entry(3)])
    survey = survey_wal(wal.files())
    (file,) = longer.files()
    found = [e.entry.index for e in list_segment(survey, file) if isinstance(e, ListedEntry)]
    assert found == [1, 2]


@given(
    flips=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 7)), min_size=1, max_size=8),
    cut=st.integers(0, 3),
)
@settings(deadline=None, max_examples=100)
def test_hostile_bytes_never_raise(flips: list[tuple[int, int]], cut: int) -> None:
    """Whatever is damaged, what is listed is what the log took, and what is damaged is told."""
    records = [mark(0, 0), *entries(*(put(b"k%d" % n) for n in range(12))), state(12)]
    wal = MadeWal(records, cuts=[cut] if cut else [])
    for offset, bit in flips:
        data = wal.segments[offset % len(wal.segments)].data
        data[offset % (len(data) - 8)] ^= 1 << bit
    survey = survey_wal(wal.files())
    found = [each for file in wal.files() for each in list_segment(survey, file)]
    kept = [
        (e.entry.index, e.entry.term)
        for e in found
        if isinstance(e, ListedEntry) and e.standing is not Standing.SUPERSEDED
    ]
    assert kept == [(index, e.term) for index, e in survey.log.entries.items()]
    assert [e for e in found if isinstance(e, PlacedDamage)] == list(survey.damages)
    assert all(tell(e.entry).kind in EntryKind for e in found if isinstance(e, ListedEntry))
