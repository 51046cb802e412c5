"""What telling the log over again believes where the state before an entry is not wholly known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from made_crash import Records, database_of, put

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.source import BufferSource
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.salvage.gather import Gathered, gather
from requorum.inspection.salvage.judge import LogKnowledge, judge
from requorum.inspection.salvage.places import mains, place_of
from requorum.inspection.salvage.replay.anchors import anchors_by_content
from requorum.inspection.salvage.replay.base import Truth, state_at
from requorum.inspection.salvage.replay.story import Teller
from requorum.inspection.salvage.replay.told import Told, ToldRecord, told_revisions
from requorum.inspection.salvage.salvage import with_log
from requorum.inspection.salvage.settled import settle
from requorum.inspection.salvage.strays import Strays
from requorum.inspection.salvage.user_key_column import print_of
from requorum.lab.salvage_trials.truth import replay


def delete(key: bytes) -> bytes:
    """Return a request to delete one key."""
    return field_varint(1, 7) + field_bytes(5, field_bytes(1, key))


LOG = [
    Entry(EntryType.CONF_CHANGE, 1, 1, b"founder"),
    *(
        Entry(EntryType.NORMAL, 1, index, data)
        for index, data in enumerate(
            (
                *(put(b"key-%d" % n, b"value %d" % n) for n in range(4)),
                delete(b"key-0"),
                put(b"key-9", b"the end"),
            ),
            start=2,
        )
    ),
]
"""Each makes a revision, from 2 on."""
LOST = 4
DELETED = 6
TRUTH = replay(LOG)


def leaves(change: Callable[[Records], Records]) -> Gathered:
    """Return a file of which stray leaves are left, and revision `LOST` is not."""

    def without_lost(records: Records) -> Records:
        return change([(at, w) for at, w in records if at.main != LOST])

    data = database_of(TRUTH, LOG[-1].index, change=without_lost)
    gathered = gather(BufferSource(data), 0)
    rows = gathered.witnesses[0].rows
    run = (mains(rows.place) > LOST).astype(np.int64)
    return replace(gathered, witnesses=(), strays=Strays(rows, run))


def told(change: Callable[[Records], Records] = lambda records: records) -> Told:
    """Tell the entries behind the lost revision to what is left."""
    entries = {entry.index: entry for entry in LOG}
    truth = Truth(settle([leaves(change)]), entries)
    teller = Teller(truth, state_at(truth, index=DELETED - 1, revision=DELETED - 1))
    teller.tell(entries, DELETED, LOG[-1].index)
    return teller.finish()


def deleting(key: bytes) -> Callable[[Records], Records]:
    """Return what gives the deletion another key."""
    return lambda records: [
        (at, replace(w, kv=KeyValue(key=key)) if at.main == DELETED else w) for at, w in records
    ]


def test_a_deletion_of_what_nothing_else_names_is_damaged() -> None:
    """Though the key may have been changed in the lost revision: nobody deletes what never was."""
    assert told().corrected == []
    found = told(deleting(b"kei-0"))
    assert found.stopped is None
    assert [(r.key, r.state) for r in found.corrections] == [(b"key-0", None)]


def test_a_deletion_of_another_key_is_no_damage() -> None:
    """It was put, and its name differs by one byte: then the state is not what we think."""
    assert told(deleting(b"key-3")).stopped is not None


def test_a_record_between_two_holes_is_an_anchor() -> None:
    """The other records of the log bear it out, whatever is lost between."""
    entries = {entry.index: entry for entry in LOG if entry.index not in (4, 6)}
    truth = Truth(settle([leaves(lambda records: records)]), entries)
    found = anchors_by_content(truth, entries, 1, LOG[-1].index)
    assert (4, 4) in [(anchor.index, anchor.revision) for anchor in found]
    assert not anchors_by_content(truth, entries, 5, 5)


def test_two_wrong_guesses_that_make_up_for_each_other() -> None:
    """A beginning that is one too far, and a deletion that is taken for none: nothing is known."""
    entries = {entry.index: entry for entry in LOG}
    begun = DELETED - 2

    def knows_the_one_between(*, beginning_is_a_guess: bool) -> bool:
        truth = Truth(settle([last_only()]), entries)
        state = state_at(truth, index=begun, revision=begun + 1)
        teller = Teller(truth, state, unproven=beginning_is_a_guess)
        teller.tell(entries, begun + 1, LOG[-1].index)
        found = teller.finish()
        assert (found.stopped, found.checked) == (None, 1)
        return begun + 2 in told_revisions([found])

    assert knows_the_one_between(beginning_is_a_guess=False)
    assert not knows_the_one_between(beginning_is_a_guess=True)


def last_only() -> Gathered:
    """Return a file of which the last record is left, on a leaf that nothing leads to."""
    data = database_of(TRUTH, LOG[-1].index, change=lambda records: list(records)[-1:])
    gathered = gather(BufferSource(data), 0)
    rows = gathered.witnesses[0].rows
    return replace(gathered, witnesses=(), strays=Strays(rows, np.zeros(len(rows), dtype=np.int64)))


@pytest.mark.parametrize(("applied", "ended"), [(DELETED - 1, 2), (DELETED, 0)])
def test_what_a_deletion_surely_came_behind(applied: int, ended: int) -> None:
    """A put that a database holds which has not applied the deletion, whatever its revision is."""
    entries = {entry.index: entry for entry in LOG}
    data = database_of(replay(LOG[: DELETED - 1]), applied)
    truth = Truth(settle([gather(BufferSource(data), 0)]), entries)
    state = state_at(truth, index=DELETED - 1, revision=DELETED - 1)
    teller = Teller(truth, state, unproven=True)
    teller.tell(entries, DELETED, DELETED)
    deleted = [(r.key, r.state, r.doubtful, r.ended) for r in teller.finish().records]
    assert deleted == [(b"key-0", None, True, ended)]


@pytest.mark.parametrize("ended", [0, 2])
def test_what_was_surely_deleted_does_not_come_back(ended: int) -> None:
    """Though the place of the deletion in history is a guess."""
    data = database_of(replay(LOG[: DELETED - 1]), DELETED - 1)
    deleted = ToldRecord(place_of(DELETED), b"key-0", None, doubtful=True, ended=ended)
    settled = with_log(settle([gather(BufferSource(data), 0)]), [deleted], [])
    log = LogKnowledge(
        compact=DELETED,
        doubtful=np.array([deleted.place], dtype=np.uint64),
        ended={print_of(b"key-0"): ended},
    )
    kept = mains(settled.records.place[judge(settled, log).kept]).tolist()
    assert (2 in kept) is (ended == 0)


def test_a_deletion_came_behind_the_put_that_was_told_before() -> None:
    """Wherever both stand in history."""
    entries = {entry.index: entry for entry in LOG}
    truth = Truth(settle([last_only()]), entries)
    teller = Teller(truth, state_at(truth, index=1, revision=1), unproven=True)
    teller.tell(entries, 2, DELETED)
    assert [r.ended for r in teller.finish().records if r.state is None] == [2]
