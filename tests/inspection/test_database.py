"""What one db file proves: pages, buckets, and whether the log confirms it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import bbolt_builder
import pytest
from made import log
from mvcc_builder import Event

from requorum.formats.mvcc import Revision
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.source import BufferSource
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.database import (
    align_at,
    compare_with_log,
    content_hash,
    examine_database,
    revisions_backwards,
)
from requorum.inspection.evidence import DatabaseEvidence

PUTS = 12


def put_events(count: int) -> list[Event]:
    """Return what the puts of `log` leave: entry i makes revision i + 1."""
    return [Event(i + 1, 0, b"k", b"%d.1" % i) for i in range(1, count + 1)]


def database(
    events: Sequence[Event], index: int, *, term: int | None = None, compacted: int | None = None
) -> bytes:
    """Return the bytes of a db that stands at an index."""
    meta = {b"consistent_index": index.to_bytes(8, "big")}
    if term is not None:
        meta[b"term"] = term.to_bytes(8, "big")
    if compacted is not None:
        meta[b"finishedCompactRev"] = Revision(compacted).encode()
    buckets: Mapping[bytes, object] = {
        b"key": [e.record for e in events],
        b"meta": meta.items(),
    }
    return bbolt_builder.build(buckets).data  # type: ignore[arg-type]


def completed(terms: str = "1" * PUTS, *, first: int = 1) -> CompletedLog:
    """Return one member's log as the whole."""
    found = complete_log({"etcd1": log(terms, first=first)})
    assert found is not None
    return found


def compared(data: bytes, log: CompletedLog) -> DatabaseEvidence:
    """Examine a db and hold it against a log."""
    source = BufferSource(data)
    return compare_with_log(source, examine_database(source), log, at_most=1000)


def test_a_sound_database_agrees_with_the_log() -> None:
    """At its index, behind which the log may go on."""
    for index in range(PUTS + 1):
        found = compared(database(put_events(index), index), completed())
        assert found.problems == (), index
        assert (found.index, found.revision) == (index, index + 1)


@pytest.mark.parametrize("shift", [-3, -2, -1, 1, 2, 3])
def test_a_wrong_consistent_index_is_a_problem(shift: int) -> None:
    """Lower or higher: the last revision is not what that entry made."""
    found = compared(database(put_events(6), 6 + shift), completed())
    assert found.problems
    assert "contradicts the log" in found.problems[0]


def test_a_wrong_index_behind_the_logs_end_is_a_problem() -> None:
    """Its last revision was made where the log ends, so it stands there."""
    found = compared(database(put_events(PUTS), 999), completed())
    assert "its consistent index is 999" in found.problems[0]
    ahead = compared(database(put_events(PUTS + 3), PUTS + 3), completed())
    assert ahead.problems == (), "a log that lost its end contradicts nothing"


def test_the_term_of_the_last_entry_must_fit() -> None:
    """A database of an older term never applied what the log has there."""
    assert compared(database(put_events(6), 6, term=1), completed()).problems == ()
    found = compared(database(put_events(6), 6, term=1), completed("111112"))
    assert "it applied entry 6 of term 1, the log has term 2 there" in found.problems[0]


def test_a_changed_value_is_a_problem() -> None:
    """The pages have no checksum, the log has."""
    events = put_events(6)
    events[3] = replace(events[3], value=b"flipped")
    assert compared(database(events, 6), completed()).problems


def test_compacted_revisions_are_not_missed() -> None:
    """What lies before the compact revision is no witness of anything."""
    events = put_events(PUTS)[6:]
    assert compared(database(events, PUTS, compacted=7), completed()).problems == ()
    assert compared(database(events[2:], PUTS, compacted=7), completed()).problems


def test_a_log_that_begins_later_is_compared_from_there() -> None:
    """And one that has nothing before the index is not compared at all."""
    data = database(put_events(PUTS), PUTS)
    assert compared(data, completed("111", first=10)).problems == ()
    nothing = compared(database(put_events(5), 5), completed("111", first=10))
    assert nothing.alignment is None


def test_puts_may_have_been_refused_where_the_log_speaks_of_alarms() -> None:
    """Then a missing one proves nothing."""
    alarm = Entry(EntryType.NORMAL, 1, 3, field_bytes(10, field_varint(1, 1) + field_varint(3, 1)))
    base = completed("1111")
    alarmed = replace(base, entries={**base.entries, 3: alarm})
    assert compared(database(put_events(2), 4), alarmed).problems == ()
    assert compared(database(put_events(2), 4), base).problems


def test_damage_is_evidence_and_no_error() -> None:
    """Whatever the bytes are."""
    sound = database(put_events(PUTS), PUTS)
    for data in (b"", b"\0" * 8192, sound[:5000], sound[:-4096]):
        found = examine_database(BufferSource(data))
        assert found.problems
        assert not found.readable
        assert compare_with_log(BufferSource(data), found, completed(), at_most=9) == found


def test_many_damages_are_counted_and_not_all_listed() -> None:
    """Five, and how many more."""
    data = bytearray(database(put_events(200), 200))
    for page in range(3, 40):
        data[page * 4096 + 8 : page * 4096 + 10] = b"\xff\xff"
    found = examine_database(BufferSource(bytes(data)))
    assert len(found.damages) <= 6


def test_another_programs_database_is_not_etcds() -> None:
    """It is a sound bbolt file without the buckets."""
    data = bbolt_builder.build({b"other": [(b"a", b"b")]}).data
    found = examine_database(BufferSource(data))
    assert found.problems == ("it is a bbolt file, but holds no etcd buckets",)


def test_revisions_come_newest_first_in_groups() -> None:
    """All changes of a main revision together, in order, and no more than asked for."""
    events = [Event(2, 0, b"a", b"1"), Event(3, 0, b"a", None), Event(3, 1, b"b", b"2")]
    source = BufferSource(database([*events, Event(4, 0, b"c", b"3")], 3))
    found = list(revisions_backwards(source, above=1, at_most=10))
    assert [(g.revision, [(c.key, c.value) for c in g.changes]) for g in found] == [
        (4, [(b"c", b"3")]),
        (3, [(b"a", None), (b"b", b"2")]),
        (2, [(b"a", b"1")]),
    ]
    assert [g.revision for g in revisions_backwards(source, above=2, at_most=10)] == [4, 3]
    assert [g.revision for g in revisions_backwards(source, above=1, at_most=1)] == [4]
    empty = BufferSource(database([], 1))
    assert list(revisions_backwards(empty, above=1, at_most=1)) == []


def test_the_content_hash_tells_databases_apart() -> None:
    """Equal up to a revision, whatever came later; different for one other byte."""

    def hashed(events: Sequence[Event]) -> int:
        return content_hash(
            BufferSource(database(events, len(events))), compact_revision=-1, revision=6
        )

    events = put_events(5)
    assert hashed(events) == hashed(put_events(9))
    assert hashed(events) != hashed([replace(events[0], value=b"x"), *events[1:]])


def test_only_so_many_entries_are_compared() -> None:
    """The newest ones: what is older is covered by the members' hashes."""
    events = put_events(PUTS)
    events[2] = replace(events[2], value=b"flipped")
    source = BufferSource(database(events, PUTS))
    examined = examine_database(source)
    assert compare_with_log(source, examined, completed(), at_most=PUTS - 4).problems == ()
    assert compare_with_log(source, examined, completed(), at_most=PUTS).problems


def test_an_image_is_held_against_the_whole_log() -> None:
    """At the log's last entry, whatever index the staging member gave it."""
    source = BufferSource(database(put_events(PUTS), 40))
    state = examine_database(source).state
    assert state is not None
    found = align_at(source, state, completed(), PUTS, at_most=1000)
    assert found is not None
    assert found.agrees
    assert found.revisions == PUTS
    missing = BufferSource(database(put_events(PUTS - 1), 40))
    found = align_at(missing, state, completed(), PUTS, at_most=1000)
    assert found is not None
    assert not found.agrees


def test_a_database_of_a_later_term_supersedes_the_log() -> None:
    """What it applied is committed; a log of earlier terms that differs there is a loser's tail."""
    events = [*put_events(PUTS - 1), Event(PUTS + 1, 0, b"k", b"%d.3" % PUTS)]
    found = compared(database(events, PUTS, term=3), completed("1" * (PUTS - 1) + "2"))
    assert found.supersedes_log
    assert not found.problems


def test_a_damaged_term_supersedes_nothing() -> None:
    """Where the content is the log's all the same, it is the database's own term that is wrong."""
    found = compared(database(put_events(PUTS), PUTS, term=3), completed())
    assert not found.supersedes_log
    assert "of term 3" in found.problems[0]


def test_a_log_that_went_on_in_that_term_is_not_superseded() -> None:
    """A leader of the database's term has its entries: then one of the two is damaged."""
    events = [*put_events(PUTS - 1), Event(PUTS + 1, 0, b"k", b"%d.3" % PUTS)]
    found = compared(database(events, PUTS, term=3), completed("1" * PUTS + "33"))
    assert not found.supersedes_log
    assert found.problems
