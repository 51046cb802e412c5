"""Two stores compared: what differs is exactly what two dictionaries say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_model import Store, renumbered

from requorum.errors import UsageError
from requorum.inspection.difference.compare import Difference, Wishes, compare
from requorum.inspection.difference.histories import Relation
from requorum.inspection.difference.keys import KeyFilter, Kind

KEYS = [b"a", b"b", b"/x/a", b"/x/b", b"\xff\xfe", b"/registry/pods/default/" + b"long" * 9]

CHANGES = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from([b"1", b"2", b"", None])),
    min_size=1,
    max_size=3,
    unique_by=lambda change: change[0],
)
PASTS = st.lists(CHANGES, max_size=12)


def kinds(found: Difference) -> dict[bytes, Kind]:
    """Return the named keys with what became of them."""
    return {each.key: each.kind for each in found.named}


def all_named(a: Store, b: Store, **wishes: int | KeyFilter | None) -> Difference:
    """Compare with every key named, the two files cut into pages differently."""
    return compare(a.read(per_leaf=3), b.read(per_leaf=5), Wishes(of_each_kind=None, **wishes))


def expected(a: Store, b: Store, a_revision: int, b_revision: int) -> dict[bytes, Kind]:
    """Return the same by two dictionaries."""
    ours, theirs = a.at(a_revision), b.at(b_revision)
    found = dict.fromkeys(ours.keys() - theirs.keys(), Kind.REMOVED)
    found |= dict.fromkeys(theirs.keys() - ours.keys(), Kind.ADDED)
    for key in ours.keys() & theirs.keys():
        if ours[key] != theirs[key]:
            same = ours[key].value == theirs[key].value
            found[key] = Kind.REWRITTEN if same else Kind.CHANGED
    return found


def apply(store: Store, changes: list[list[tuple[bytes, bytes | None]]]) -> Store:
    """Run some transactions."""
    for each in changes:
        store.txn(each)
    return store


def test_each_kind() -> None:
    """Added, removed, changed, written again, and only the lease another one."""
    a = Store().put(b"gone").put(b"kept").put(b"value", b"1").put(b"again", b"1").put(b"lease")
    b = a.fork().delete(b"gone").put(b"new").put(b"value", b"2").put(b"again", b"1")
    b.put(b"lease", lease=7)
    found = all_named(a, b)
    assert kinds(found) == {
        b"gone": Kind.REMOVED,
        b"new": Kind.ADDED,
        b"value": Kind.CHANGED,
        b"again": Kind.REWRITTEN,
        b"lease": Kind.REWRITTEN,
    }
    assert (found.a_keys, found.b_keys) == (5, 5)
    assert found.counted.total.total == 5
    assert not found.none


def test_the_same_store_twice() -> None:
    """No difference, however its pages are cut."""
    store = Store().put(b"a").put(b"b").delete(b"a").compact(2)
    found = all_named(store, store)
    assert found.none
    assert found.histories.relation is Relation.SAME


@given(PASTS, PASTS, PASTS, st.data())
def test_like_dictionaries(
    past: list[list[tuple[bytes, bytes | None]]],
    left: list[list[tuple[bytes, bytes | None]]],
    right: list[list[tuple[bytes, bytes | None]]],
    data: st.DataObject,
) -> None:
    """Forked, compacted anywhere, compared at any revisions: exactly what dictionaries say."""
    trunk = apply(Store(), past)
    a, b = apply(trunk.fork(), left), apply(trunk.fork(), right)
    for store in (a, b):
        store.compact(data.draw(st.integers(1, store.revision)))
    at = [data.draw(st.integers(store.compacted, store.revision)) for store in (a, b)]
    found = all_named(a, b, a_revision=at[0], b_revision=at[1])
    assert kinds(found) == expected(a, b, *at)
    assert found.counted.total.total == len(found.named)
    assert (found.a_keys, found.b_keys) == (len(a.at(at[0])), len(b.at(at[1])))


def test_the_same_values_at_other_revisions() -> None:
    """A mirror's keys are all there, each named as written again, none as changed."""
    a = Store()
    for number in range(50):
        a.put(b"/k/%d" % number, b"%d" % number)
    found = all_named(a, renumbered(a, 1000))
    assert set(kinds(found).values()) == {Kind.REWRITTEN}
    assert len(found.named) == 50


def test_keys_are_filtered_by_prefix() -> None:
    """Only what begins with the prefix, and with nothing that is excluded."""
    a = Store()
    b = Store()
    for key in (b"/app/one", b"/app/skipped/one", b"/application", b"/other", b"/ap"):
        b.put(key)
    wanted = KeyFilter(b"/app/", (b"/app/skipped/", b"/none"))
    found = all_named(a, b, keys=wanted)
    assert kinds(found) == {b"/app/one": Kind.ADDED}
    assert found.b_keys == 1


@given(st.binary(min_size=1, max_size=20), st.lists(st.binary(min_size=1, max_size=20), max_size=5))
def test_any_prefix(prefix: bytes, keys: list[bytes]) -> None:
    """A prefix of any length and bytes selects as bytes.startswith does."""
    b = Store()
    for key in {*keys, prefix, prefix + b"x", prefix[:-1] + b"\0"} - {b""}:
        b.put(key)
    found = all_named(Store(), b, keys=KeyFilter(prefix))
    assert set(kinds(found)) == {key for key in b.alive if key.startswith(prefix)}


def test_long_keys_are_compared_to_their_end() -> None:
    """Keys beyond what is fingerprinted are told apart by their last byte."""
    a = Store().put(b"k" * 5000 + b"a").put(b"k" * 5000 + b"b", b"1")
    b = Store().put(b"k" * 5000 + b"c").put(b"k" * 5000 + b"b", b"2")
    found = {key[-1:]: kind for key, kind in kinds(all_named(a, b)).items()}
    assert found == {b"a": Kind.REMOVED, b"b": Kind.CHANGED, b"c": Kind.ADDED}


def test_fingerprints_that_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every key has the same fingerprint, the bytes decide."""
    a = Store().put(b"one", b"1").put(b"two", b"1").put(b"three", b"1")
    b = renumbered(Store().put(b"one", b"1").put(b"two", b"2").put(b"four", b"1"), 9)
    ours, theirs = a.read(), b.read()
    name = "requorum.inspection.difference.matched_keys.fingerprints"
    monkeypatch.setattr(name, lambda _, keys: keys.size.astype("u8") * 0)
    assert kinds(compare(ours, theirs, Wishes())) == {
        b"one": Kind.REWRITTEN,
        b"two": Kind.CHANGED,
        b"three": Kind.REMOVED,
        b"four": Kind.ADDED,
    }


def test_one_fingerprint_for_different_keys_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of A and another of B that have one fingerprint are two keys."""
    ours, theirs = Store().put(b"one").read(), Store().put(b"two").read()
    name = "requorum.inspection.difference.matched_keys.fingerprints"
    monkeypatch.setattr(name, lambda _, keys: keys.size.astype("u8") * 0)
    found = compare(ours, theirs, Wishes())
    assert kinds(found) == {b"one": Kind.REMOVED, b"two": Kind.ADDED}


@pytest.mark.parametrize(
    ("revision", "message", "hint"),
    [
        (3, "revision 3 is compacted away in B", "from 4 to 6"),
        (7, "revision 7 is not reached in A", "from 1 to 6"),
    ],
)
def test_revisions_that_are_not_there(revision: int, message: str, hint: str) -> None:
    """A revision that a side does not have is refused, with those it has."""
    a = Store()
    for number in range(5):
        a.put(b"k", b"%d" % number)
    b = a.fork().compact(4)
    with pytest.raises(UsageError, match=message) as refused:
        all_named(a, b, a_revision=revision, b_revision=revision)
    assert hint in str(refused.value.hint)


def test_the_first_of_each_kind_are_named() -> None:
    """By name, so many of each kind; all are counted."""
    a, b = Store(), Store()
    for number in range(30):
        a.put(b"old-%02d" % number)
        b.put(b"new-%02d" % (29 - number))
    found = compare(a.read(), b.read(), Wishes(of_each_kind=2))
    assert [each.key for each in found.named] == [b"new-00", b"new-01", b"old-00", b"old-01"]
    assert found.counted.total.total == 60


def test_members_of_different_clusters() -> None:
    """Databases that list members, and none in common, are strangers."""
    one, two, none = Store(members=(1, 2)), Store(members=(3,)), Store()
    assert compare(one.read(), two.read(), Wishes()).strangers
    assert not compare(one.read(), Store(members=(2, 3)).read(), Wishes()).strangers
    assert not compare(one.read(), none.read(), Wishes()).strangers


def test_the_marker_of_a_bumped_revision_is_no_key() -> None:
    """A restored snapshot with a bumped revision holds the same keys: nothing differs."""
    a = Store().put(b"k").put(b"l").delete(b"l")
    found = all_named(a, a.fork().bump(1000))
    assert found.named == ()
    assert found.b_revision == 1004
    assert found.histories.relation is Relation.UNPROVEN
    assert found.histories.shared_equal == 3
    assert found.none
