"""The oracle: a count that cannot lie must be able to say every kind of no."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.lab.acks import (
    COMPARE_FAILED,
    Ack,
    Compact,
    Delete,
    Failed,
    Grant,
    Intent,
    Operation,
    Put,
    Txn,
)
from requorum.lab.choices import Choices
from requorum.lab.oracle import Found, LostWrite, Renumbered, Verdict, judge
from requorum.lab.promises import promises_of
from requorum.lab.values import value_of
from requorum.ports.etcd import KeyValue

Line = Intent | Ack | Failed


def done(seq: int, operation: Operation, revision: int) -> list[Line]:
    """Return the lines of an acknowledged operation."""
    return [Intent(seq=seq, operation=operation), Ack(seq=seq, revision=revision)]


def pair(key: str, value: bytes, revision: int, lease: int = 0) -> tuple[str, KeyValue]:
    """Return a key as a cluster returns it."""
    return key, KeyValue(key.encode(), value, revision, revision, 1, lease)


def verdict(
    lines: list[Line], *keys: tuple[str, KeyValue], leases: frozenset[int] = frozenset()
) -> Verdict:
    """Judge one writer's lines."""
    return judge(promises_of({"w": lines}), Found(99, dict(keys), leases))


PUT_TWICE = [*done(1, Put(key="a"), 2), *done(2, Put(key="a"), 3)]
FIRST, SECOND = value_of("w", 1), value_of("w", 2)
SWAPPED = [
    *done(1, Put(key="a"), 2),
    *done(2, Put(key="b"), 3),
    Intent(seq=3, operation=Txn(put="a", delete="b", if_mod_revision=2)),
]


def test_what_was_acknowledged_and_is_there_is_clean() -> None:
    """Nothing to report, and the count says how much was checked."""
    result = verdict(PUT_TWICE, pair("a", SECOND, 3))
    assert result.clean
    assert (result.acknowledged, result.keys, result.lost_count) == (2, 1, 0)


def test_a_missing_key_has_lost_every_acknowledged_write_of_it() -> None:
    """Two puts were acknowledged, two are gone."""
    result = verdict(PUT_TWICE)
    assert [key.key for key in result.missing] == ["a"]
    assert result.lost == (LostWrite("w", 1, 2, "put"), LostWrite("w", 2, 3, "put"))
    assert not result.clean


def test_an_older_value_has_lost_the_writes_behind_it() -> None:
    """The first put survived, the second did not."""
    result = verdict(PUT_TWICE, pair("a", FIRST, 2))
    assert [key.found for key in result.wrong_value] == ["value w/1"]
    assert result.lost == (LostWrite("w", 2, 3, "put"),)


def test_a_value_of_nobody_is_wrong() -> None:
    """At least the last write is gone."""
    result = verdict(PUT_TWICE, pair("a", b"whatever", 3))
    assert [key.key for key in result.wrong_value] == ["a"]
    assert result.lost == (LostWrite("w", 2, 3, "put"),)


def test_an_acknowledged_delete_must_stay_deleted() -> None:
    """A key that came back is a lost delete."""
    lines = [*done(1, Put(key="a"), 2), *done(2, Delete(key="a"), 3)]
    assert verdict(lines).clean
    result = verdict(lines, pair("a", FIRST, 2))
    assert [key.key for key in result.resurrected] == ["a"]
    assert result.lost == (LostWrite("w", 2, 3, "delete"),)


@pytest.mark.parametrize("line", [None, Failed(seq=2, applied="unknown", error="no answer")])
def test_an_unknown_outcome_allows_both_states(line: Failed | None) -> None:
    """Before and after; but not a third."""
    lines: list[Line] = [*PUT_TWICE[:2], Intent(seq=2, operation=Put(key="a"))]
    lines += [line] if line else []
    assert verdict(lines, pair("a", FIRST, 2)).clean
    assert verdict(lines, pair("a", SECOND, 3)).clean
    assert verdict(lines).lost == (LostWrite("w", 1, 2, "put"),)


def test_a_refused_write_must_not_be_there() -> None:
    """Etcd said that it had not applied it."""
    lines: list[Line] = [
        *PUT_TWICE[:2],
        Intent(seq=2, operation=Put(key="a")),
        Failed(seq=2, applied="no", error="etcdserver: too many requests"),
    ]
    assert verdict(lines, pair("a", FIRST, 2)).clean
    assert verdict(lines, pair("a", SECOND, 3)).wrong_value


def test_a_key_that_nobody_wrote_is_foreign() -> None:
    """It came from another cluster."""
    result = verdict(PUT_TWICE, pair("a", SECOND, 3), pair("foreign/1", b"x", 4))
    assert result.foreign == ("foreign/1",)
    assert not result.clean


def test_a_transaction_of_unknown_outcome_is_all_or_nothing() -> None:
    """Both keys before, or both after; one of each is torn."""
    third = value_of("w", 3)
    assert verdict(SWAPPED, pair("a", FIRST, 2), pair("b", SECOND, 3)).clean
    assert verdict(SWAPPED, pair("a", third, 4)).clean
    half = verdict(SWAPPED, pair("a", third, 4), pair("b", SECOND, 3))
    other_half = verdict(SWAPPED, pair("a", FIRST, 2))
    assert [len(result.torn) for result in (half, other_half)] == [1, 1]
    assert not half.clean


def test_an_acknowledged_transaction_is_one_lost_write() -> None:
    """It is counted once, although two keys show it."""
    lines = [*SWAPPED, Ack(seq=3, revision=4)]
    assert verdict(lines, pair("a", value_of("w", 3), 4)).clean
    result = verdict(lines, pair("a", FIRST, 2), pair("b", SECOND, 3))
    assert result.lost == (LostWrite("w", 3, 4, "txn"),)
    assert result.lost_count == 1
    assert result.torn == ()


def test_a_failed_compare_contradicts_the_only_writer() -> None:
    """Nobody else writes its keys: while the cluster lived, it forgot one."""
    lines = [*SWAPPED, Failed(seq=3, applied="no", error=COMPARE_FAILED)]
    result = verdict(lines, pair("a", FIRST, 2), pair("b", SECOND, 3))
    assert result.contradictions == (f"w, operation 3: {COMPARE_FAILED}",)
    assert not result.clean


def test_a_delete_that_found_nothing_contradicts_the_only_writer() -> None:
    """An acknowledged put was gone before."""
    lines = [
        *done(1, Put(key="a"), 2),
        Intent(seq=2, operation=Delete(key="a")),
        Ack(seq=2, revision=2, deleted=False),
    ]
    assert verdict(lines).contradictions == ("w, operation 2: a key to be deleted was not there",)


def test_revisions_must_follow_the_acknowledgements() -> None:
    """Moved alike is renumbered; moved past each other is out of order."""
    lines = [*done(1, Put(key="a"), 2), *done(2, Put(key="b"), 3)]
    moved = verdict(lines, pair("a", FIRST, 1002), pair("b", SECOND, 1003))
    assert moved.clean
    assert moved.renumbered == (Renumbered("a", 2, 1002), Renumbered("b", 3, 1003))
    crossed = verdict(lines, pair("a", FIRST, 3), pair("b", SECOND, 2))
    assert crossed.out_of_order == (Renumbered("b", 3, 2),)
    assert not crossed.clean


def test_a_lease_must_live_and_hold_its_key() -> None:
    """A grant that is gone, and a key that is no longer under its lease."""
    lines = [*done(1, Grant(lease=7, ttl=600), 1), *done(2, Put(key="a", lease=7), 2)]
    assert verdict(lines, pair("a", SECOND, 2, 7), leases=frozenset({7})).clean
    gone = verdict(lines, pair("a", SECOND, 2, 7))
    assert [lease.id for lease in gone.missing_leases] == [7]
    assert gone.lost_count == 1
    loose = verdict(lines, pair("a", SECOND, 2), leases=frozenset({7}))
    assert [key.key for key in loose.wrong_value] == ["a"]


def test_a_compaction_promises_nothing_about_keys() -> None:
    """It is not counted among the acknowledged writes."""
    result = verdict([*PUT_TWICE, *done(3, Compact(revision=2), 3)], pair("a", SECOND, 3))
    assert result.clean
    assert result.acknowledged == 2


def test_a_stated_range_covers_what_lies_in_it() -> None:
    """Both ends are inclusive; None is open; leases count by where they may have been."""
    lines = [
        *done(1, Put(key="a"), 5),
        *done(2, Grant(lease=7, ttl=600), 5),
        *done(3, Put(key="b"), 8),
    ]
    result = verdict(lines)
    assert result.lost_outside([(5, 8)]) == ()
    assert result.lost_outside([(5, None)]) == ()
    assert result.lost_outside([(6, 8)]) == (LostWrite("w", 1, 5, "put"),)
    assert result.lost_outside([(5, 5)]) == (LostWrite("w", 3, 8, "put"),)
    assert len(result.lost_outside([])) == 3
    assert len(result.lost_outside([(9, None)])) == 3


def play(seed: int, steps: int) -> tuple[list[Line], list[Mapping[str, KeyValue]]]:
    """Return a writer's lines, and the store after each of its operations, in a model of etcd."""
    choices = Choices("w", random.Random(seed))
    lines: list[Line] = []
    stores: list[Mapping[str, KeyValue]] = [{}]
    for seq in range(1, steps + 1):
        operation, revision = choices.next_operation(), seq + 1
        lines += done(seq, operation, revision)
        choices.acknowledged(operation, revision)
        store = dict(stores[-1])
        match operation:
            case Put(key=key, lease=lease):
                store.update([pair(key, value_of("w", seq), revision, lease)])
            case Delete(key=key):
                del store[key]
            case Txn(put=put, delete=delete):
                store.update([pair(put, value_of("w", seq), revision)])
                del store[delete]
            case _:
                pass
        stores.append(store)
    return lines, stores


@given(st.integers(0, 2**32), st.integers(1, 60), st.data())
def test_a_store_cut_back_loses_only_what_came_after(
    seed: int, steps: int, data: st.DataObject
) -> None:
    """Every state of the past is judged without a false alarm, and no loss before it is reported.

    A cut state is whole, so nothing is torn or out of order.
    """
    lines, stores = play(seed, steps)
    kept = data.draw(st.integers(0, steps))
    promises = promises_of({"w": lines})
    live = frozenset(lease.id for lease in promises.leases)
    result = judge(promises, Found(99, stores[kept], live))
    assert all(lost.revision > kept + 1 for lost in result.lost)
    assert result.torn == ()
    assert result.out_of_order == ()
    assert result.foreign == ()
    same = stores[kept] == stores[-1]
    assert result.clean == same


@given(st.integers(0, 2**32), st.integers(1, 40), st.data())
def test_no_single_change_goes_unseen(seed: int, steps: int, data: st.DataObject) -> None:
    """A key taken away, a value altered, a lease dropped: each one is reported."""
    lines, stores = play(seed, steps)
    promises = promises_of({"w": lines})
    live = frozenset(lease.id for lease in promises.leases)
    if not stores[-1]:
        return
    key = data.draw(st.sampled_from(sorted(stores[-1])))
    kept = stores[-1][key]
    store = dict(stores[-1])
    del store[key]
    assert not judge(promises, Found(99, store, live)).clean
    altered = dict([pair(key, kept.value[:-1] + b"\0\0", kept.mod_revision, kept.lease)])
    assert not judge(promises, Found(99, {**store, **altered}, live)).clean
    leased = dict([pair(key, kept.value, kept.mod_revision, kept.lease + 1)])
    assert not judge(promises, Found(99, {**store, **leased}, live)).clean
