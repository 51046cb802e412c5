"""What salvage believes where files and logs do not agree; each belief by itself, without etcd."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from made_crash import MadeCrash, Records, database_of, grant, put

from requorum.formats.backend import Lease
from requorum.formats.backend_file import lease_row
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.mvcc import Revision
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.source import BufferSource
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.salvage import leases
from requorum.inspection.salvage.decided_by_puts import decided_by_puts
from requorum.inspection.salvage.false_ends import without_false_ends
from requorum.inspection.salvage.gather import Gathered, gather
from requorum.inspection.salvage.places import mains, place_of
from requorum.inspection.salvage.replay.anchors import Anchor
from requorum.inspection.salvage.replay.base import Truth, rows_at, state_at
from requorum.inspection.salvage.replay.placed import counted_puts, placed_records
from requorum.inspection.salvage.settled import Settled, settle
from requorum.inspection.salvage.user_key_column import user_key, value_of
from requorum.lab.salvage_trials.truth import replay

INDEX = 398


def log_of(*requests: bytes) -> dict[int, Entry]:
    """Return entries by index, from 1 on."""
    return {n: Entry(EntryType.NORMAL, 1, n, data) for n, data in enumerate(requests, start=1)}


def files(*databases: bytes) -> list[Gathered]:
    """Gather some files."""
    return [gather(BufferSource(data), number) for number, data in enumerate(databases)]


def settled_of(*databases: bytes) -> Settled:
    """Put some files together."""
    return settle(files(*databases))


@pytest.fixture
def whole(crash: MadeCrash) -> bytes:
    """Return the database that a member has behind entry 398."""
    return database_of(replay(crash.recorded.log[:INDEX]), INDEX)


def changed(crash: MadeCrash, change: Callable[[Records], Records]) -> bytes:
    """Return the same database, its records changed."""
    return database_of(replay(crash.recorded.log[:INDEX]), INDEX, change=change)


def last_put(crash: MadeCrash) -> Revision:
    """Return a revision of which the database holds a put that no other entry looks like."""
    truth = replay(crash.recorded.log[:INDEX])
    mains_told_apart = {truth.revision_of[i] for i in crash.recorded.told_apart if i <= INDEX}
    return max(at for at, w in truth.records.items() if at.main in mains_told_apart and w.kv.value)


def with_value(at: Revision, value: bytes) -> Callable[[Records], Records]:
    """Return what gives one record another value."""

    def change(records: Records) -> Records:
        return [
            (r, replace(w, kv=replace(w.kv, value=value)) if r == at else w) for r, w in records
        ]

    return change


def row_of(settled: Settled, at: Revision) -> int:
    """Return the row of a record."""
    return int(np.searchsorted(settled.records.place, place_of(at.main, at.sub)))


def test_how_many_files_hold_a_record_alike(crash: MadeCrash, whole: bytes) -> None:
    """Two equal files do, three where one differs do not, and a single one never."""
    at = last_put(crash)
    other = changed(crash, with_value(at, b"damaged"))
    assert set(settled_of(whole, whole).alike.tolist()) == {2}
    assert set(settled_of(whole).alike.tolist()) == {1}
    three = settled_of(whole, other, whole)
    assert three.alike[row_of(three, at)] == 2
    assert np.count_nonzero(three.alike == 3) == len(three.alike) - 1


def test_a_put_in_the_log_decides_between_copies(crash: MadeCrash, whole: bytes) -> None:
    """Whichever file comes first: nobody ever asked for what damage has crash."""
    at = last_put(crash)
    damaged = changed(crash, with_value(at, b"damaged"))
    entries = {entry.index: entry for entry in crash.recorded.log}
    true = crash.truth.records[at].kv
    for pair, right in (((damaged, whole), 1), ((whole, damaged), 0)):
        decided = decided_by_puts(settled_of(*pair), entries)
        row = row_of(decided, at)
        assert true.encode() == bytes(value_of(decided.files, decided.records, row))
        (conflict,) = decided.conflicts
        assert (conflict.believed, conflict.others) == ((right,), (1 - right,))
        assert conflict.settled


def test_what_the_log_does_not_ask_for_stays_open(crash: MadeCrash, whole: bytes) -> None:
    """Without the entry nothing is decided."""
    at = last_put(crash)
    entries = {
        e.index: e for e in crash.recorded.log if crash.truth.revision_of.get(e.index) != at.main
    }
    decided = decided_by_puts(settled_of(whole, changed(crash, with_value(at, b"x"))), entries)
    assert [c.settled for c in decided.conflicts] == [False]


def test_a_tree_that_ends_too_early_proves_nothing(crash: MadeCrash, whole: bytes) -> None:
    """It claims the same index as another one that holds more: what it lacks is no evidence."""
    small = changed(crash, lambda records: list(records)[:3])
    alone, beside = files(small)[0], without_false_ends(files(small, whole))
    assert alone.witnesses[0].whole
    assert not beside[0].witnesses[0].whole
    assert beside[0].witnesses[0].gap_at_end
    assert beside[1].witnesses[0].whole
    kept = without_false_ends(files(whole, database_of(replay(crash.recorded.log[:380]), 380)))
    assert all(each.witnesses[0].whole for each in kept)


def test_no_revision_is_without_a_record_above_the_compaction(
    crash: MadeCrash, whole: bytes
) -> None:
    """Where a tree has none, records are missing, though every page of it may be fine."""
    (last,) = files(changed(crash, lambda records: list(records)[-1:]))
    assert last.witnesses[0].whole
    assert without_false_ends([last])[0].witnesses[0].gap_before.tolist() == [True]
    assert without_false_ends(files(whole))[0].witnesses[0].whole


def test_a_tree_lacks_no_more_revisions_than_entries(crash: MadeCrash, whole: bytes) -> None:
    """Where another one has applied a few entries more, it may lack as many revisions, no more."""
    log = crash.recorded.log
    behind = database_of(replay(log[: INDEX - 5]), INDEX - 5)
    small = database_of(replay(log[: INDEX - 40]), INDEX - 5)
    assert without_false_ends(files(behind, whole))[0].witnesses[0].whole
    assert not without_false_ends(files(small, whole))[0].witnesses[0].whole


def test_plain_puts_are_counted_from_an_anchor() -> None:
    """Both ways, across what changes no key, up to what may or may not change one."""
    delete = field_varint(1, 7) + field_bytes(5, field_bytes(1, b"k"))
    entries = log_of(
        put(b"a", b"1"), delete, put(b"b", b"1"), grant(5, 60), put(b"c", b"1"), delete
    )
    found = counted_puts(entries, [Anchor(4, 11)], [(1, 6)])
    assert {revision: request.key for revision, request in found.items()} == {
        11: b"b",
        12: b"c",
    }
    assert counted_puts(entries, [Anchor(4, 11)], [(5, 6)]).keys() == {12}
    assert not counted_puts(entries, [Anchor(4, 11), Anchor(3, 12)], [(3, 3)])


def test_a_placed_put_corrects_what_damage_has_made(crash: MadeCrash) -> None:
    """With the numbers that the file still has; what is nothing like it stays."""
    at = last_put(crash)
    index = next(i for i, main in crash.truth.revision_of.items() if main == at.main)
    entries = {entry.index: entry for entry in crash.recorded.log}
    puts = counted_puts(entries, [Anchor(index, at.main)], [(index, index)])
    truth = Truth(settled_of(changed(crash, with_value(at, b"damaged"))), entries)
    (record,) = placed_records(truth, puts)
    true = crash.truth.records[at].kv
    assert record.state is not None
    assert (record.key, record.state.value) == (true.key, true.value)
    assert (record.state.create_revision, record.state.version) == (
        true.create_revision,
        true.version,
    )
    assert not record.doubtful

    def other(records: Records) -> Records:
        return [
            (r, replace(w, kv=replace(w.kv, key=b"another", value=b"0")) if r == at else w)
            for r, w in records
        ]

    assert placed_records(Truth(settled_of(changed(crash, other)), entries), puts) == []


def test_two_files_outweigh_a_count(crash: MadeCrash) -> None:
    """No two files are damaged alike, so the count must be wrong."""
    at = last_put(crash)
    index = next(i for i, main in crash.truth.revision_of.items() if main == at.main)
    entries = {entry.index: entry for entry in crash.recorded.log}
    puts = counted_puts(entries, [Anchor(index, at.main)], [(index, index)])
    other = changed(crash, with_value(at, b"damaged"))
    assert placed_records(Truth(settled_of(other, other), entries), puts) == []


def test_files_that_hold_everything_together(crash: MadeCrash, whole: bytes) -> None:
    """One whole file knows all up to its end, and nobody knows what comes behind it."""
    truth = Truth(settled_of(whole), {})
    last = truth.settled.witnesses[0].last
    assert truth.knows_all_until(last)
    assert not truth.knows_all_until(last + 1)


def test_keys_behind_a_hole_in_the_log(crash: MadeCrash, whole: bytes) -> None:
    """What files say of the time behind it counts more than what the log said of that before."""
    truth = Truth(settled_of(whole), {})
    last = truth.settled.witnesses[0].last
    newest = int(np.flatnonzero(~truth.settled.records.tombstone)[-1])
    key = user_key(truth.settled.files, truth.settled.records, newest)
    main = int(mains(truth.settled.records.place)[newest])
    before = state_at(truth, index=1, revision=main - 1).keys
    before.delete(key)
    later = before.later(rows_at(truth, last), since=main - 1)
    found = later.get(key)
    assert found is not None
    assert found.mod_revision == main
    unsure = before.later(rows_at(truth, last), since=main)
    assert unsure.get(key) is None


ROWS = dict(lease_row(Lease(number, 60, 0)) for number in (7, 1 << 60, -5))


def lease_file(*parts: bytes) -> list[FileBytes | None]:
    """Return a file that holds these bytes, and nothing that is a page."""
    return [FileBytes(BufferSource(b"\xff" * 64 + b"\xff".join(parts) + b"\xff" * 64))]


def joined(rows: dict[bytes, bytes]) -> Sequence[bytes]:
    """Return rows as they lie on a page."""
    return [key + value for key, value in rows.items()]


def test_leases_that_no_tree_reaches() -> None:
    """A row says its ID twice, so it is known wherever it lies; one that differs is none."""
    assert leases.with_stray_leases({}, lease_file(*joined(ROWS)), {}) == ROWS
    key, value = lease_row(Lease(8, 60, 0))
    assert leases.with_stray_leases({}, lease_file(bytes(8) + value), {}) == {}
    revoke = field_varint(1, 7) + field_bytes(9, field_varint(1, 8))
    assert leases.with_stray_leases({}, lease_file(key + value), log_of(revoke)) == {}


def test_leases_of_the_log() -> None:
    """Granted and revoked behind the entry that the rows stand at."""
    revoke = field_varint(1, 7) + field_bytes(9, field_varint(1, 7))
    entries = log_of(grant(7, 60), grant(9, 30), revoke)
    nine = dict([lease_row(Lease(9, 30, 0))])
    assert leases.with_log({}, entries, after=0) == nine
    assert leases.with_log(ROWS, entries, after=3) == ROWS
    assert leases.with_log(ROWS, entries, after=2).keys() == ROWS.keys() - {
        lease_row(Lease(7, 1, 0))[0]
    }
