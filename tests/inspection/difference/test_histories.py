"""Whether two histories are one, and where they part."""

from hypothesis import given
from hypothesis import strategies as st
from store_model import Store

from requorum.formats.source import BufferSource
from requorum.inspection.difference.histories import Histories, Relation, compare_histories
from requorum.inspection.difference.readable import read_readable
from requorum.inspection.difference.shared_records import shared_records

STEPS = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from([b"1", b"2", None])), max_size=8
)


def compared(a: Store, b: Store) -> Histories:
    """Compare two stores as read back from files."""
    ours, theirs = a.read(per_leaf=3), b.read(per_leaf=4)
    return compare_histories(ours, theirs, shared_records(ours, theirs))


def shown(changes: object) -> list[tuple[bytes, bytes | None]]:
    """Return changes as (key, value), None for a deletion."""
    return [(c.kv.key, None if c.deletion else c.kv.value) for c in changes]  # type: ignore[attr-defined]


def test_one_is_ahead() -> None:
    """A history that goes on behind the end of the other is the same one."""
    a = Store().put(b"a").put(b"b")
    b = a.fork().put(b"c").delete(b"a")
    assert compared(a, b).relation is Relation.B_AHEAD
    assert compared(b, a).relation is Relation.A_AHEAD
    assert compared(b, a).last_compared == 3


def test_they_part_at_a_revision() -> None:
    """The first revision that is not the same is named, with what each did."""
    trunk = Store().put(b"a").put(b"j").compact(2)
    a, b = trunk.fork().put(b"k", b"1").put(b"x"), trunk.fork().delete(b"j").put(b"x")
    found = compared(a, b)
    assert (found.relation, found.parted_at, found.parted_before) == (Relation.PARTED, 4, False)
    assert shown(found.a_changes) == [(b"k", b"1")]
    assert shown(found.b_changes) == [(b"j", None)]


def test_one_record_that_is_not_alike() -> None:
    """A flipped bit parts the histories for one record; all behind it tell that it is damage."""
    store = Store()
    for number in range(20):
        store.put(b"k%d" % number, b"value")
    ours = store.read()
    theirs = read_readable(BufferSource(store.file().replace(b"k7\x10\x09", b"k7\x10\x08")))
    found = compare_histories(ours, theirs, shared_records(ours, theirs))
    assert (found.relation, found.parted_at) == (Relation.PARTED, 9)
    assert (found.alike_after, found.unlike_after) == (12, 0)


def test_a_transaction_that_changed_more() -> None:
    """A record that only one side has parts them, though all they share is the same."""
    trunk = Store().put(b"a")
    a, b = trunk.fork().txn([(b"k", b"1")]), trunk.fork().txn([(b"k", b"1"), (b"l", b"1")])
    found = compared(a, b)
    assert (found.relation, found.parted_at) == (Relation.PARTED, 3)
    assert len(found.b_changes) == 2


def test_they_parted_before_a_compaction() -> None:
    """What parted them is forgotten, but the states at the compaction are not the same."""
    trunk = Store().put(b"a", b"1")
    a, b = trunk.fork().put(b"a", b"2").put(b"x"), trunk.fork().put(b"b", b"2").put(b"x")
    a.compact(4)
    b.compact(3)
    found = compared(a, b)
    assert (found.relation, found.parted_at, found.parted_before) == (Relation.PARTED, 3, True)
    assert shown(found.a_changes) == [(b"a", b"2")]


def test_states_differ_at_the_compaction() -> None:
    """No revision is held by both with different content, yet what is alive is not the same."""
    trunk = Store().put(b"a", b"1").put(b"b", b"1").put(b"c", b"1")
    a = trunk.fork().delete(b"a").put(b"z").compact(6)
    b = trunk.fork().put(b"t").delete(b"t").compact(6)
    found = compared(a, b)
    assert (found.relation, found.parted_at, found.parted_before) == (Relation.PARTED, 6, True)


def test_compacted_differently_is_no_difference() -> None:
    """What one forgot is not missing."""
    trunk = Store()
    for number in range(20):
        trunk.put(b"k%d" % (number % 3), b"%d" % number)
    a, b = trunk.fork().compact(5), trunk.fork().compact(18)
    found = compared(a, b)
    assert (found.relation, found.state_at, found.last_compared) == (Relation.SAME, 18, 21)


def test_compacted_beyond_the_others_end() -> None:
    """Then nothing proves that it is one history, and nothing speaks against it."""
    a = Store().put(b"a").put(b"b")
    b = a.fork().put(b"b", b"2").put(b"c").compact(5)
    found = compared(a, b)
    assert (found.relation, found.last_compared, found.shared_equal) == (Relation.UNPROVEN, None, 1)


def test_compacted_beyond_the_others_end_but_different() -> None:
    """A record that both still hold, and not alike, is proof all the same."""
    trunk = Store().put(b"a")
    a, b = trunk.fork().put(b"b", b"1"), trunk.fork().put(b"b", b"2")
    b.put(b"c").compact(4)
    found = compared(a, b)
    assert (found.relation, found.parted_at, found.parted_before) == (Relation.PARTED, 3, True)


@given(STEPS, STEPS, STEPS, st.data())
def test_what_is_said_is_so(
    past: list[tuple[bytes, bytes | None]],
    left: list[tuple[bytes, bytes | None]],
    right: list[tuple[bytes, bytes | None]],
    data: st.DataObject,
) -> None:
    """Against the whole histories, which the files have partly forgotten."""
    trunk = Store()
    for step in past:
        trunk.txn([step])
    a, b = trunk.fork(), trunk.fork()
    for store, steps in ((a, left), (b, right)):
        for step in steps:
            store.txn([step])
    whole_a, whole_b = list(a.records), list(b.records)
    for store in (a, b):
        store.compact(data.draw(st.integers(1, store.revision)))
    last, base = min(a.revision, b.revision), max(a.compacted, b.compacted)
    different = {r.at.main for r in whole_a if r not in whole_b}
    different |= {r.at.main for r in whole_b if r not in whole_a}
    first = min((main for main in different if main <= last), default=None)
    found = compared(a, b)
    if found.relation is Relation.PARTED:
        assert first is not None
        assert found.parted_at is not None
        assert first <= found.parted_at
        # What parted them before may have left no trace at the compaction.
        again = first <= base and a.at(base) == b.at(base)
        assert found.parted_before or again or first == found.parted_at
    elif base > last:
        assert found.relation is Relation.UNPROVEN
    else:
        # What parted them may have left no trace; then nothing that is left differs.
        assert first is None or (first <= base and a.at(base) == b.at(base))
        ahead = {0: Relation.SAME, 1: Relation.A_AHEAD, -1: Relation.B_AHEAD}
        sign = (a.revision > b.revision) - (a.revision < b.revision)
        assert found.relation is ahead[sign]
