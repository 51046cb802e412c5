"""What is read of a damaged database, and what is said of the rest."""

import struct

import bbolt_builder
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_model import Store

from requorum.errors import DamagedInput
from requorum.formats.mvcc import Revision, RevisionKey
from requorum.formats.source import BufferSource
from requorum.inspection.difference.compare import Difference, Wishes, compare
from requorum.inspection.difference.histories import Relation
from requorum.inspection.difference.keys import NO_ROW, Kind
from requorum.inspection.difference.readable import Readable, read_readable

PAGE = bbolt_builder.PAGE_SIZE


def store_of(keys: int) -> Store:
    """Return a store with one key for each revision from 2 on."""
    store = Store()
    for number in range(keys):
        store.put(b"/k/%03d" % number, b"%d" % number)
    return store


def leaf_of(built: bbolt_builder.Built, revision: int) -> int:
    """Return the number of the page that holds a revision."""
    name = Revision(revision).encode()
    return next(n for n, page in built.pages.items() if page[8] == 2 and name in page and n != 2)


def without_leaf(store: Store, revision: int) -> Readable:
    """Return what is read where the leaf of a revision is zeros."""
    built = store.built()
    number = leaf_of(built, revision)
    built.pages[number] = bytes(len(built.pages[number]))
    return read_readable(built.source)


def kinds(found: Difference) -> dict[bytes, Kind]:
    """Return the named keys with what became of them."""
    return {each.key: each.kind for each in found.named}


def test_a_sound_database() -> None:
    """Everything is read, nothing is lost, nothing is damaged."""
    store = store_of(20).compact(7)
    readable = store.read()
    assert (readable.damage_count, readable.lost.ranges) == (0, ())
    assert (readable.current_revision, readable.compact_revision) == (21, 7)
    assert len(readable.records) == 20


def test_a_lost_leaf_takes_its_revisions_with_it() -> None:
    """Four records to a leaf: revisions 6 to 9 are gone, the others are read."""
    readable = without_leaf(store_of(20), 7)
    assert readable.lost.ranges == ((6, 9),)
    assert readable.damage_count > 0
    assert readable.records.main.tolist() == [*range(2, 6), *range(10, 22)]


def test_what_was_lost_is_unknown_and_not_removed() -> None:
    """Keys of the lost leaf are unknown; the histories part nowhere, but it is not proven."""
    store = store_of(20)
    found = compare(store.read(), without_leaf(store, 7), Wishes())
    assert kinds(found) == {b"/k/%03d" % n: Kind.UNKNOWN for n in range(4, 8)}
    assert found.histories.relation is Relation.UNPROVEN
    turned = compare(without_leaf(store, 7), store.read(), Wishes())
    assert kinds(turned) == kinds(found)


def test_what_was_not_lost_is_still_told() -> None:
    """A key written after the lost revisions differs for certain."""
    store = store_of(20)
    later = store.fork().put(b"/k/001", b"new").put(b"/k/new")
    found = compare(store.read(), without_leaf(later, 7), Wishes())
    assert kinds(found) == {
        **{b"/k/%03d" % n: Kind.UNKNOWN for n in range(4, 8)},
        b"/k/001": Kind.CHANGED,
        b"/k/new": Kind.ADDED,
    }


def test_the_last_leaf_is_lost() -> None:
    """Then nobody knows how far it went: everything may have changed since."""
    store = store_of(20)
    readable = without_leaf(store, 21)
    assert readable.lost.ranges[-1][0] == 18
    assert readable.current_revision == 17
    other = store.fork().put(b"/k/000", b"new")
    assert set(kinds(compare(readable, other.read(), Wishes())).values()) == {Kind.UNKNOWN}


def test_a_state_before_the_loss_is_certain() -> None:
    """At a revision below what was lost, everything is known."""
    store = store_of(20)
    wishes = Wishes(a_revision=5, b_revision=4)
    found = compare(store.read(), without_leaf(store, 7), wishes)
    assert kinds(found) == {b"/k/003": Kind.REMOVED}


def test_histories_that_part_beside_the_loss() -> None:
    """A lost revision parts nothing; one that is held on both sides, and not alike, does."""
    store = store_of(8)
    a, b = store.fork().put(b"x", b"1"), store.fork().put(b"x", b"2")
    ours, theirs = a.read(), without_leaf(b, 3)
    found = compare(ours, theirs, Wishes()).histories
    assert (found.relation, found.parted_at, found.parted_before) == (Relation.PARTED, 10, False)


def test_a_record_that_does_not_decode() -> None:
    """Its revision alone is lost."""
    store = store_of(20)
    built = store.built()
    number = leaf_of(built, 7)
    place = built.pages[number].index(b"\x0a\x06/k/005")
    built.pages[number] = _with(built.pages[number], place, b"\xff")
    readable = read_readable(built.source)
    assert readable.lost.ranges == ((7, 7),)
    assert any("not a key-value" in damage for damage in readable.damages)
    assert kinds(compare(store.read(), readable, Wishes())) == {b"/k/005": Kind.UNKNOWN}


def test_a_record_whose_key_is_no_revision() -> None:
    """The page is read, and its whole range may hold what the record was."""
    built = store_of(20).built()
    number = leaf_of(built, 7)
    place = built.pages[number].index(Revision(7).encode())
    built.pages[number] = _with(built.pages[number], place + 8, b"?")
    readable = read_readable(built.source)
    assert readable.lost.ranges == ((6, 9),)
    assert len(readable.records) == 19
    assert any("not a revision" in damage for damage in readable.damages)


def test_a_record_at_the_wrong_revision() -> None:
    """It is not believed, and what stood there is lost."""
    built = store_of(20).built()
    number = leaf_of(built, 7)
    place = built.pages[number].index(Revision(7).encode())
    built.pages[number] = _with(built.pages[number], place, Revision(1000).encode())
    readable = read_readable(built.source)
    assert readable.lost.ranges == ((6, 9),)
    assert readable.current_revision == 21


def test_a_page_that_is_referred_to_twice() -> None:
    """It is read once; the range of the other reference is lost."""
    built = store_of(20).built()
    root = max(number for number, page in built.pages.items() if page[8] == 1)
    first, second = leaf_of(built, 3), leaf_of(built, 7)
    at = built.pages[root].index(struct.pack("<Q", second))
    built.pages[root] = _with(built.pages[root], at, struct.pack("<Q", first))
    assert read_readable(built.source).lost.ranges == ((6, 9),)


def test_damage_outside_of_the_keys_costs_none() -> None:
    """A damaged list of members is listed; all keys are there and comparable."""
    store = Store(members=(1,)).put(b"a")
    data = store.file().replace(b'{"id"', b'?"id"')
    readable = read_readable(BufferSource(data))
    assert (readable.lost.ranges, readable.compact_revision) == ((), -1)
    assert readable.damage_count


def test_a_compact_revision_that_is_damaged() -> None:
    """Current states are compared, histories and older states are not."""
    store = store_of(9).compact(5)
    data = store.file().replace(
        b"finishedCompactRev" + Revision(5).encode(), b"finishedCompactRev" + bytes(17)
    )
    readable = read_readable(BufferSource(data))
    assert readable.compact_revision is None
    found = compare(readable, store.read(), Wishes())
    assert found.histories.relation is Relation.UNPROVEN
    assert not found.counted.total.total
    with pytest.raises(DamagedInput, match="compact revision of A"):
        compare(readable, store.read(), Wishes(a_revision=7))


def test_the_bucket_that_says_where_it_stands_is_lost() -> None:
    """Keys do not need it: they are compared."""
    store = store_of(9)
    built = store.built()
    number = next(n for n, page in built.pages.items() if b"consistent_index" in page)
    built.pages[number] = bytes(PAGE)
    readable = read_readable(built.source)
    assert readable.compact_revision is None
    assert readable.damage_count
    assert not compare(readable, store.read(), Wishes()).counted.total.total


@pytest.mark.parametrize(
    "data",
    [b"", bytes(100), bytes(40000), bbolt_builder.build({b"other": [(b"a", b"b")]}).data],
    ids=["empty", "short", "zeros", "no-etcd"],
)
def test_nothing_useful(data: bytes) -> None:
    """What is no etcd database is refused, and the hint says what is left to try."""
    with pytest.raises(DamagedInput) as refused:
        read_readable(BufferSource(data))
    assert "salvage" in str(refused.value.hint)


def test_the_root_of_the_keys_is_lost() -> None:
    """Then there is nothing to compare."""
    built = store_of(20).built()
    root = max(number for number, page in built.pages.items() if page[8] == 1)
    built.pages[root] = bytes(PAGE)
    with pytest.raises(DamagedInput):
        read_readable(built.source)


ENCODED = store_of(30).put(b"/k/002", b"x" * 9000).delete(b"/k/005").compact(9).file()


@given(st.data())
def test_any_damage_is_survived(data: st.DataObject) -> None:
    """Random bytes anywhere: read or refused, compared with the sound file, and soon."""
    damaged = bytearray(ENCODED)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 9))
        damaged[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    damaged = damaged[: data.draw(st.sampled_from([len(damaged), len(damaged) // 2]))]
    sound = read_readable(BufferSource(ENCODED))
    try:
        readable = read_readable(BufferSource(bytes(damaged)))
    except DamagedInput:
        return
    mains = list(zip(readable.records.main.tolist(), readable.records.sub.tolist(), strict=True))
    assert mains == sorted(set(mains))
    found = compare(sound, readable, Wishes(of_each_kind=None))
    assert found.counted.total.total == len(found.named)
    for each in found.named:
        assert each.b_row == NO_ROW or readable.message(each.b_row).key == each.key


def _with(page: bytes, place: int, new: bytes) -> bytes:
    return page[:place] + new + page[place + len(new) :]


def test_a_tombstone_key_has_its_mark() -> None:
    """A deletion whose mark is damaged is no revision."""
    store = store_of(4).delete(b"/k/001")
    built = store.built()
    name = RevisionKey(Revision(6), tombstone=True).encode()
    number = next(n for n, page in built.pages.items() if name in page and page[8] == 2)
    place = built.pages[number].index(name) + 17
    built.pages[number] = _with(built.pages[number], place, b"x")
    readable = read_readable(built.source)
    assert readable.lost.ranges
    assert 6 not in readable.records.main.tolist()
