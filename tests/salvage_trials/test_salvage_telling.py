"""What telling the log over again believes where the state before an entry is not wholly known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from made_crash import Records, database_of, put

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.source import BufferSource
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.salvage.gather import Gathered, gather
from requorum.inspection.salvage.places import mains
from requorum.inspection.salvage.replay.anchors import anchors_by_content
from requorum.inspection.salvage.replay.base import Truth, state_at
from requorum.inspection.salvage.replay.story import Teller
from requorum.inspection.salvage.replay.told import Told
from requorum.inspection.salvage.settled import settle
from requorum.inspection.salvage.strays import Strays
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
