"""What fills a database, against the obvious way to count it."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import bbolt_builder
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mvcc_builder import Event, database_of

from requorum.formats.mvcc import Revision, RevisionKey
from requorum.inspection import largest as module
from requorum.inspection.largest import Largest, Ranked, Usage, largest

ALL = 1000
KEYS = ["/r/a/1", "/r/a/2", "/r/b/1", "/r/b/c/1", "/r/b/c/2", "plain", "/s/1", "/"]


def rank(events: Iterable[Event], top: int = ALL) -> Largest:
    """Rank a small history."""
    return largest(database_of(events).source, top)


def names(ranked: Iterable[Ranked]) -> list[bytes]:
    """Return the names in order."""
    return [entry.name for entry in ranked]


def size_of(event: Event) -> int:
    """Return what a record takes on its page."""
    return 16 + sum(map(len, event.record))


def usage_of(events: Iterable[Event]) -> Usage:
    """Return what some events take, the obvious way."""
    events = list(events)
    last = {event.key: event for event in events}
    alive = [event for event in last.values() if event.value is not None]
    return Usage(len(alive), len(events), sum(map(size_of, events)), sum(map(size_of, alive)))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Return puts and deletions of keys that are paths."""
    chosen = draw(st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.binary(max_size=9))))
    return [Event(2 + n, 0, key.encode(), value) for n, (key, value) in enumerate(chosen)]


@given(histories())
def test_every_number(events: list[Event]) -> None:
    """Keys and prefixes have the bytes and revisions that lie below them."""
    found = rank(events)
    by_key = defaultdict(list)
    by_prefix = defaultdict(list)
    for event in events:
        by_key[event.key].append(event)
        for at in [n for n, byte in enumerate(event.key) if byte == ord("/") and n > 0]:
            by_prefix[event.key[: at + 1]].append(event)
    assert found.total == usage_of(events)
    for ranked, groups in ((found.keys_by_bytes, by_key), (found.prefixes_by_bytes, by_prefix)):
        for entry in ranked:
            assert entry.usage == usage_of(groups[entry.name])
    assert set(names(found.keys_by_bytes)) == set(names(found.keys_by_revisions)) == set(by_key)
    assert set(names(found.prefixes_by_bytes)) == _telling(by_prefix)
    _hold_order(found.keys_by_bytes, lambda entry: entry.usage.bytes)
    _hold_order(found.prefixes_by_bytes, lambda entry: entry.usage.bytes)
    _hold_order(found.keys_by_revisions, lambda entry: entry.usage.revisions)
    _hold_order(found.prefixes_by_revisions, lambda entry: entry.usage.revisions)


def _telling(by_prefix: dict[bytes, list[Event]]) -> set[bytes]:
    """Return the prefixes of two keys or more that hold more than any longer one."""
    keys = {name: {event.key for event in events} for name, events in by_prefix.items()}
    return {
        name
        for name, held in keys.items()
        if len(held) > 1
        and not any(
            len(n) > len(name) and n.startswith(name) and h == held for n, h in keys.items()
        )
    }


def _hold_order(ranked: tuple[Ranked, ...], by: Callable[[Ranked], int]) -> None:
    values = [by(entry) for entry in ranked]
    assert values == sorted(values, reverse=True)


@given(histories())
def test_how_often_prefixes_are_merged_does_not_matter(events: list[Event]) -> None:
    """Small chunks give what one large chunk gives."""
    whole = rank(events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requorum.inspection.path_levels._BYTES_PER_CHUNK", 7)
        patch.setattr(module, "_ROWS_MERGED_MIN", 1)
        assert rank(events) == whole


def test_the_first_ones_only() -> None:
    """`top` cuts each ranking, not the total."""
    events = [Event(2 + n, 0, b"/r/%d" % (n % 7), b"x" * n) for n in range(30)]
    found, whole = rank(events, 3), rank(events)
    assert found.total == whole.total
    assert found.keys_by_bytes == whole.keys_by_bytes[:3]
    assert found.keys_by_revisions == whole.keys_by_revisions[:3]


def test_history_and_life() -> None:
    """What a compaction would let go is told apart from what is there."""
    usage = rank([Event(2, 0, b"k", b"old"), Event(3, 0, b"k", b"new"), Event(4, 0, b"d", b"1"),
                  Event(5, 0, b"d", None)]).total  # fmt: skip  # a history in one line
    assert (usage.keys, usage.revisions) == (1, 4)
    assert usage.bytes_history == usage.bytes - usage.bytes_live > 0


def test_undecoded_records_are_counted_apart() -> None:
    """A record that does not decode belongs to no key; the bump marker is no damage."""
    rows = [
        (RevisionKey(Revision(2)).encode(), b"\xff"),
        (RevisionKey(Revision(3)).encode(), b""),
        Event(4, 0, b"/a/b", b"1").record,
    ]
    found = largest(bbolt_builder.build({b"key": rows}).source, ALL)
    assert (found.undecoded, found.total.revisions) == (1, 1)
    assert names(found.keys_by_bytes) == [b"/a/b"]


def test_damage_hides_only_its_page() -> None:
    """The keys of all other pages are counted."""
    rows = [Event(n, 0, b"/a/%d" % n, b"").record for n in range(2, 22)]
    built = bbolt_builder.build({b"key": rows}, per_leaf=4)
    built.pages[4] = bytes(len(built.pages[4]))
    assert largest(built.source, ALL).total.keys == 16


def test_an_empty_database() -> None:
    """Nothing is ranked."""
    assert rank([]) == Largest(Usage(0, 0, 0, 0), 0, (), (), (), ())
