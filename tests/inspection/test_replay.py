"""The records that make a staging member replay another cluster's log."""

import json
from dataclasses import replace

from made import log, put_entry
from test_membership import added

from requorum.formats.raftpb import Entry, EntryType, decode_entry, decode_hard_state
from requorum.formats.source import BufferSource
from requorum.formats.wal import Record, RecordType, frame, read_segment
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.replay import TRAILING_EMPTY_ENTRIES, Replay, replay_onto


def completed(terms: str, *others: Entry) -> CompletedLog:
    """Return a log with some entries exchanged."""
    own = log(terms)
    found = complete_log(
        {"etcd1": replace(own, entries={**own.entries, **{e.index: e for e in others}})}
    )
    assert found is not None
    return found


def records(source: CompletedLog, *, after: int) -> tuple[Replay, list[Record]]:
    """Return the replay onto a staging member at index 5, term 2, and its records read back."""
    head, crc = frame(RecordType.CRC, None, 0)
    metadata, crc = frame(RecordType.METADATA, b"\x08\x01\x10\x02", crc)
    replay = replay_onto(source, after=after, staged_index=5, staged_term=2, running_crc=crc)
    segment = read_segment(
        BufferSource(head + metadata + replay.wal_suffix + bytes(512)), last=True
    )
    assert not segment.damages
    return replay, segment.records[2:]


def test_the_log_is_renumbered_behind_the_staging_members_own() -> None:
    """Contiguous, in terms that never fall, committed to its end."""
    replay, found = records(completed("11133"), after=2)
    entries = [decode_entry(r.data) for r in found if r.type == RecordType.ENTRY]
    assert [e.index for e in entries] == list(range(6, 6 + 3 + TRAILING_EMPTY_ENTRIES))
    assert [e.term for e in entries] == [2, 3, 3, *[3] * TRAILING_EMPTY_ENTRIES]
    assert [e.data for e in entries[:3]] == [
        put_entry(i, t).data for i, t in ((3, 1), (4, 3), (5, 3))
    ]
    assert all(e.data == b"" for e in entries[3:])
    assert (replay.last_real_index, replay.last_index) == (8, 8 + TRAILING_EMPTY_ENTRIES)
    state = decode_hard_state(found[-1].data)
    assert (state.term, state.vote, state.commit) == (3, 0, replay.last_index)


def test_a_gap_is_replayed_as_an_empty_entry() -> None:
    """Each index once, so that what follows keeps its place."""
    _, found = records(completed("1.1"), after=0)
    entries = [decode_entry(r.data) for r in found[:3]]
    assert [bool(e.data) for e in entries] == [True, False, True]


def test_nothing_behind_the_database_leaves_only_the_trailing_entries() -> None:
    """The staging member is still made to commit its backend."""
    replay, found = records(completed("111"), after=3)
    assert len(found) == TRAILING_EMPTY_ENTRIES + 1
    assert replay.last_real_index == 5


def test_nothing_about_members_and_versions_is_replayed() -> None:
    """The image gets members and a version of its own; etcd would panic on the old ones."""
    attributes = field_varint(1, 9) + field_bytes(2, field_bytes(1, b"etcd1"))
    v2 = field_bytes(2, b"PUT") + field_bytes(3, b"/0/members/9/attributes")
    v2 += field_bytes(4, json.dumps({"name": "etcd1"}).encode())
    contents = [
        field_bytes(1300, field_bytes(1, b"3.5.0")),
        field_bytes(1301, attributes),
        field_bytes(1302, field_varint(1, 1)),
        v2,
    ]
    entries = [Entry(EntryType.NORMAL, 1, i, data) for i, data in enumerate(contents, start=2)]
    _, found = records(completed("1111111", added(1, 9), *entries), after=0)
    kept = [decode_entry(r.data) for r in found[:7]]
    assert all(e.type is EntryType.NORMAL for e in kept)
    assert [bool(e.data) for e in kept] == [False] * 5 + [True, True]
