"""What salvage believes of compactions: which numbers can be, and what outlived one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from made_crash import Records, compaction, database_of, put

from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.raftpb import Entry, EntryType, HardState
from requorum.formats.source import BufferSource
from requorum.inspection.log_content import LogEnding, MemberLog
from requorum.inspection.salvage.gather import Gathered, gather
from requorum.inspection.salvage.judge import LogKnowledge, judge
from requorum.inspection.salvage.places import place_of
from requorum.inspection.salvage.salvage import Salvaged, salvage
from requorum.inspection.salvage.settled import settle
from requorum.inspection.salvage.strays import Strays
from requorum.lab.salvage_trials.truth import Written, replay

COMPACTED = 6
FAR = 1 << 17

LOG = [
    Entry(EntryType.CONF_CHANGE, 1, 1, b"founder"),
    *(
        Entry(EntryType.NORMAL, 1, index, data)
        for index, data in enumerate(
            (
                *(put(b"key-%d" % n, b"value %d" % n) for n in range(8)),
                compaction(COMPACTED),
                put(b"key-2", b"a later value"),
                *(put(b"key-%d" % n, b"value %d" % n) for n in range(8, 12)),
            ),
            start=2,
        )
    ),
]
"""Put n makes revision 2 + n; key-2 has its first record, revision 4, before the compaction."""
TRUTH = replay(LOG)


def database(change: Callable[[Records], Records] = lambda records: records) -> bytes:
    """Return what a member has that applied the whole log; `change` takes its records."""
    return database_of(TRUTH, LOG[-1].index, change=change)


def without(*mains: int) -> Callable[[Records], Records]:
    """Return what leaves out revisions, as a flipped bit in each of their keys would."""
    return lambda records: [(at, w) for at, w in records if at.main not in mains]


def files(*databases: bytes) -> list[Gathered]:
    """Gather some files."""
    return [gather(BufferSource(data), number) for number, data in enumerate(databases)]


def with_log(*gathered: Gathered) -> Salvaged:
    """Salvage databases of members that all have the whole log."""
    log = MemberLog(
        metadata=None,
        entries={entry.index: entry for entry in LOG},
        doubtful=frozenset(),
        hard_state=HardState(1, 0, LOG[-1].index),
        snapshots=(),
        damages=(),
        ending=LogEnding.CLEAN,
        committed_here=LOG[-1].index,
        starts_at_zero=True,
    )
    return salvage(gathered, {str(number): log for number in range(len(gathered))})


def kept(salvaged: Salvaged) -> dict[int, bool]:
    """Return the main revisions that are in the result, and whether each is doubtful."""
    judgement = salvaged.judgement
    rows = np.flatnonzero(judgement.kept)
    mains = (salvaged.settled.records.place[rows] // np.uint64(place_of(1))).tolist()
    return dict(zip(mains, judgement.doubtful[rows].tolist(), strict=True))


def only_strays(gathered: Gathered) -> Gathered:
    """Return a file of which no tree is left."""
    rows = gathered.witnesses[0].rows
    strays = Strays(rows, np.zeros(len(rows), dtype=np.int64))
    return replace(gathered, witnesses=(), strays=strays)


@pytest.mark.parametrize("stale", [False, True])
def test_what_outlived_a_compaction_and_was_changed_since(*, stale: bool) -> None:
    """The log tells what was alive where the files are compacted, though all trees lack it.

    Whether a stale page has it or none.
    """
    lacking, whole = files(database(without(4)), database())
    found = kept(with_log(lacking, only_strays(whole)) if stale else with_log(lacking))
    assert found.keys() == {at.main for at in TRUTH.needed_at(COMPACTED)}
    assert [main for main, doubtful in found.items() if doubtful] == [4]


FINISHED, SCHEDULED = b"finishedCompactRev", b"scheduledCompactRev"


def noted(data: bytes, revision: int, *names: bytes) -> bytes:
    """Return a database that says otherwise how far it was compacted."""
    changed = bytearray(data)
    for name in names:
        at = data.index(name) + len(name)
        assert Revision.parse(data[at : at + 17]).main == COMPACTED
        changed[at : at + 8] = revision.to_bytes(8, "big")
    return bytes(changed)


def test_a_compaction_that_cannot_be() -> None:
    """A number behind the last revision is not believed where the other one says less."""
    finished, scheduled = (
        file.witnesses[0]
        for file in files(*(noted(database(), COMPACTED + FAR, n) for n in (FINISHED, SCHEDULED)))
    )
    assert finished.last == scheduled.last == TRUTH.revision
    assert finished.least_compact == scheduled.least_compact == COMPACTED
    assert (finished.compact, finished.finished) == (COMPACTED, -1)
    assert (scheduled.compact, scheduled.finished) == (None, COMPACTED)


def test_a_compaction_that_removed_the_last_revisions() -> None:
    """Where both numbers say so it is believed: the last changes were deletions."""
    cut = database(without(*range(TRUTH.revision - 2, TRUTH.revision + 1)))
    (file,) = files(noted(cut, TRUTH.revision, FINISHED, SCHEDULED))
    witness = file.witnesses[0]
    assert (witness.compact, witness.finished, witness.last) == (TRUTH.revision,) * 3


def moved(places: Sequence[int], main: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return places, one of them with a flipped bit in its sub revision."""
    wrong = {place_of(main): place_of(main, 1 << 16)}
    return np.array([wrong.get(place, place) for place in places], dtype=np.uint64)


def test_a_page_that_has_a_record_under_a_damaged_key_does_not_refute_it() -> None:
    """A page that no tree reaches proves by what it lacks; this one lacks nothing."""
    whole, other = files(database(), database())
    stale = only_strays(other)
    rows = replace(stale.strays.rows, place=moved(stale.strays.rows.place.tolist(), 4))
    settled = settle([whole, replace(stale, strays=replace(stale.strays, rows=rows))])
    assert place_of(4) in settled.gathered[1].strays.rows.place
    assert not judge(settled).refuted.any()


def test_a_deletion_that_is_a_guess_removes_nothing() -> None:
    """Both the last sure put and the last guessed one stay, doubtful; what is between is stated."""
    gone = TRUTH.revision - 1
    deleted = (Revision(gone), Written(KeyValue(key=b"key-2"), tombstone=True))
    settled = settle(
        files(database(lambda rs: [deleted if at.main == gone else (at, w) for at, w in rs]))
    )
    main = (settled.records.place // np.uint64(place_of(1))).tolist()
    for guessed, left in (((gone,), {10: True}), ((10, gone), {4: True, 10: True})):
        doubtful = np.array([place_of(revision) for revision in guessed], dtype=np.uint64)
        judgement = judge(settled, LogKnowledge(compact=TRUTH.revision, doubtful=doubtful))
        rows = [row for row, each in enumerate(main) if each in (4, 10, gone)]
        kept_rows = [row for row in rows if judgement.kept[row]]
        assert {main[row]: bool(judgement.doubtful[row]) for row in kept_rows} == left
        assert gone in judgement.lost_revisions
