"""HashKV from a file: equal to the server's, and comparable across compactions."""

from collections.abc import Iterable

import pytest
from crc32c import crc32c
from etcd_data import EtcdDbs
from hypothesis import given
from hypothesis import strategies as st
from mvcc_builder import Event, database_of

from requorum.errors import UsageError
from requorum.formats.bbolt.bucket import Database
from requorum.formats.hashkv import KvHash, hash_kv
from requorum.formats.source import BufferSource

EVENTS = [
    Event(2, 0, b"a", b"1"),
    Event(3, 0, b"b", b"1"),
    Event(4, 0, b"a", b"2"),
    Event(5, 0, b"b", None),
    Event(6, 0, b"c", b"1"),
    Event(7, 0, b"a", b"3"),
]


def fed(events: Iterable[Event]) -> int:
    """Return the hash of exactly these records."""
    running = crc32c(b"key")
    for event in events:
        running = crc32c(b"".join(event.record), running)
    return running


def test_without_compaction_everything_counts() -> None:
    """Every record up to the revision is fed; the current revision is the default."""
    database = database_of(EVENTS)
    assert hash_kv(database) == KvHash(fed(EVENTS), -1, 7)
    assert hash_kv(database, 4) == KvHash(fed(EVENTS[:3]), -1, 4)


def test_superseded_records_are_skipped() -> None:
    """Below the compact revision only what is alive at the hashed revision counts."""
    database = database_of(EVENTS, compacted=6)
    assert hash_kv(database, 6) == KvHash(fed([EVENTS[2], EVENTS[4]]), 6, 6)
    assert hash_kv(database, 7) == KvHash(fed([EVENTS[4], EVENTS[5]]), 6, 7)


def test_tombstone_at_the_compact_revision_is_skipped() -> None:
    """A tombstone that compaction retains does not count."""
    database = database_of(EVENTS, compacted=5)
    assert hash_kv(database, 6) == KvHash(fed([EVENTS[2], EVENTS[4]]), 5, 6)


def test_nothing_alive() -> None:
    """A server skips nothing superseded then, but still the tombstone it was compacted at."""
    events = [Event(2, 0, b"a", b"1"), Event(3, 0, b"a", None)]
    database = database_of(events, compacted=3)
    assert hash_kv(database) == KvHash(fed(events[:1]), 3, 3)
    assert hash_kv(database, compact_revision=3) == KvHash(fed([]), 3, 3)


@pytest.mark.parametrize("revision", [4, 8, -1])
def test_revisions_out_of_reach(revision: int) -> None:
    """Compacted and future revisions are refused by name."""
    with pytest.raises(UsageError, match=r"is compacted|in the future"):
        hash_kv(database_of(EVENTS, compacted=5), revision)


def test_override_below_the_files_own_compaction() -> None:
    """History that is gone cannot be hashed."""
    with pytest.raises(UsageError, match="compacted away"):
        hash_kv(database_of(EVENTS, compacted=5), 7, compact_revision=3)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Return a history as etcd writes one: no deletion of a key that is not there."""
    events: list[Event] = []
    alive: set[bytes] = set()
    for main in range(2, 2 + draw(st.integers(1, 30))):
        key = draw(st.sampled_from([b"a", b"b", b"c"]))
        delete = key in alive and draw(st.booleans())
        alive ^= {key} if delete or key not in alive else set()
        events.append(Event(main, 0, key, None if delete else b"v%d" % main))
    return events


def compacted_at(events: list[Event], revision: int) -> list[Event]:
    """Return what a physical compaction leaves: the obvious way, with tombstones at it kept."""
    last = {event.key: event for event in events if event.main <= revision}
    return [
        event
        for event in events
        if event.main > revision
        or (last[event.key] is event and (event.value is not None or event.main == revision))
    ]


@given(histories(), st.data())
def test_comparable_across_compactions(events: list[Event], data: st.DataObject) -> None:
    """Files compacted to different revisions hash alike at one common pair of revisions."""
    current = events[-1].main
    common = data.draw(st.integers(2, current))
    own = data.draw(st.integers(2, common))
    revision = data.draw(st.integers(common, current))
    hashes = {
        hash_kv(database_of(left, compacted=at), revision, compact_revision=common)
        for left, at in (
            (events, None),
            (compacted_at(events, own), own),
            (compacted_at(events, common), common),
        )
    }
    assert len(hashes) == 1


@pytest.mark.etcd
@pytest.mark.parametrize("kind", ["rich", "empty", "all_deleted"])
def test_equals_the_servers(etcd_dbs: EtcdDbs, etcd_minor: str, kind: str) -> None:
    """At every revision above the compaction the file gives what the server answered."""
    recorded = etcd_dbs(etcd_minor, kind)
    database = Database(BufferSource(recorded.data))
    assert recorded.hashes
    ours = {revision: hash_kv(database, revision) for revision in recorded.hashes}
    assert {revision: (h.hash, h.compact_revision) for revision, h in ours.items()} == (
        recorded.hashes
    )
    assert hash_kv(database).revision == recorded.current_revision
