"""Which records are asked for."""

import pytest
from made_wal import (
    delete,
    lease_revoke,
    mod_equals,
    op_delete,
    op_get,
    op_put,
    op_txn,
    put,
    request,
    txn,
    txn_fields,
)

from requorum.formats.raftpb import Entry, EntryType, HardState
from requorum.formats.wal import Ending
from requorum.inspection.entry_story import EntryKind, tell
from requorum.inspection.key_choice import KeyChoice
from requorum.inspection.lease_keys import RevokedKeys
from requorum.inspection.wal_filter import KINDS, WalFilter
from requorum.inspection.wal_listing import Listed, ListedEntry, ListedState, Place, Standing
from requorum.inspection.wal_survey import PlacedDamage, SurveyedSegment

KEY = KeyChoice(b"/x")
PLACE = Place("0.wal", 8, 16, 5)
KUBERNETES_DELETE = txn([mod_equals(b"/x", 7)], [op_delete(b"/x")], [op_get(b"/x")])


def kinds(*names: str) -> frozenset[str]:
    """Return what `--kind` would give."""
    assert set(names) <= set(KINDS)
    return frozenset(names)


def takes(which: WalFilter, data: bytes, revoked: RevokedKeys | None = None) -> bool:
    """Return whether an entry of that content is asked for."""
    return which.takes_story(tell(Entry(EntryType.NORMAL, 2, 7, data)), revoked)


def listed_entry(index: int, term: int = 2, standing: Standing = Standing.CURRENT) -> ListedEntry:
    """Return an entry."""
    entry = Entry(EntryType.NORMAL, term, index, b"")
    return ListedEntry(PLACE, entry, standing, committed=True, superseded_by=None)


def damage(after_index: int) -> PlacedDamage:
    """Return a damaged place."""
    return PlacedDamage("0.wal", 8, 16, "flipped", 1, refuses_record=False, after_index=after_index)


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        (delete(b"/x"), True),
        (delete(b"/", b"0"), True),
        (delete(b"/y"), False),
        (put(b"/x"), False),
        (KUBERNETES_DELETE, True),
        (txn([mod_equals(b"/y", 7)], [op_put(b"/x")], [op_delete(b"/x")]), True),
        (txn([], [op_put(b"/y"), op_delete(b"/x")], [op_get(b"/x")]), True),
        (txn([], [op_put(b"/x")], [op_delete(b"/x")]), False),
        (txn([], [], [op_txn(txn_fields([mod_equals(b"/y", 7)], [op_delete(b"/x")]))]), False),
        (txn([], [op_txn(txn_fields([], [], [op_delete(b"/x")]))]), False),
        (txn([], [op_txn(txn_fields([mod_equals(b"/y", 7)], [], [op_delete(b"/x")]))]), True),
        (txn([mod_equals(b"/x", (1 << 64) - 1)], [op_delete(b"/x")], [op_get(b"/x")]), False),
        (txn([], [op_put(b"/x"), op_delete(b"/y")]), False),
        (txn([mod_equals(b"/x", 7)], [op_delete(b"/y")]), False),
        (txn([], [op_get(b"/x")]), False),
        (request(7, b""), False),
    ],
)
def test_who_deleted_this_key(data: bytes, *, taken: bool) -> None:
    """A delete of it: alone, of a range around it, or in a transaction's branch that may run."""
    assert takes(WalFilter(keys=KEY, kinds=kinds("delete")), data) is taken


def test_a_branch_that_cannot_run_touches_nothing() -> None:
    """By its key as by its kind; the transaction itself is found all the same."""
    never = txn([], [op_put(b"/y")], [op_delete(b"/x")])
    assert not takes(WalFilter(keys=KEY), never)
    assert not takes(WalFilter(kinds=kinds("delete")), never)
    assert not takes(WalFilter(keys=KEY, kinds=kinds("txn")), never)
    assert takes(WalFilter(kinds=kinds("txn")), never)
    assert takes(WalFilter(), never)


def test_a_revocation_deletes_the_keys_of_its_lease() -> None:
    """It is found as a delete of a key where it is known to have had it."""
    for names in (["delete"], ["lease-revoke"], ["put", "delete"], []):
        which = WalFilter(keys=KEY, kinds=kinds(*names))
        assert which.asks_for_deletes
        assert takes(which, lease_revoke(1), RevokedKeys((b"/x",), complete=True))
        assert not takes(which, lease_revoke(1), RevokedKeys((), complete=False))
    puts = WalFilter(keys=KEY, kinds=kinds("put"))
    assert not puts.asks_for_deletes
    assert not takes(puts, lease_revoke(1), RevokedKeys((b"/x",), complete=True))


def test_without_a_key_every_revocation_is_a_delete() -> None:
    """Whatever it deleted."""
    assert takes(WalFilter(kinds=kinds("delete")), lease_revoke(1))
    assert takes(WalFilter(kinds=kinds("lease-revoke")), lease_revoke(1))
    assert not takes(WalFilter(kinds=kinds("txn")), lease_revoke(1))


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["txn"], True),
        (["delete"], True),
        (["range"], True),
        (["put"], False),
        (["put", "delete"], True),
        ([], True),
    ],
)
def test_a_transaction_counts_as_what_it_may_do(names: list[str], *, taken: bool) -> None:
    """And as itself."""
    assert takes(WalFilter(kinds=kinds(*names)), KUBERNETES_DELETE) is taken
    assert takes(WalFilter(keys=KEY, kinds=kinds(*names)), KUBERNETES_DELETE) is taken


def test_a_key_without_a_kind() -> None:
    """Everything that may touch it, reads as well."""
    which = WalFilter(keys=KEY)
    assert takes(which, put(b"/x"))
    assert takes(which, txn([], [op_get(b"/x")]))
    assert not takes(which, request(1000, b""))


@pytest.mark.parametrize(
    ("which", "taken"),
    [
        (WalFilter(), True),
        (WalFilter(from_index=7, to_index=7), True),
        (WalFilter(from_index=8), False),
        (WalFilter(to_index=6), False),
        (WalFilter(term=2), True),
        (WalFilter(term=3), False),
    ],
)
def test_index_and_term(which: WalFilter, *, taken: bool) -> None:
    """Ranges are inclusive."""
    assert which.takes_place_of(listed_entry(7)) is taken


def test_superseded_entries_are_asked_for() -> None:
    """Only where somebody does."""
    gone = listed_entry(7, standing=Standing.SUPERSEDED)
    assert not WalFilter().takes_place_of(gone)
    assert WalFilter(superseded=True).takes_place_of(gone)
    assert WalFilter().takes_place_of(listed_entry(7, standing=Standing.DOUBTFUL))


def test_damage_is_told_unless_something_else_is_asked_for() -> None:
    """Where entries are searched, the summary tells it."""
    assert WalFilter().takes_record(damage(7))
    assert WalFilter(all_records=True).takes_record(damage(7))
    assert WalFilter(kinds=kinds("damage")).takes_record(damage(7))
    for which in (WalFilter(keys=KEY), WalFilter(kinds=kinds("put")), WalFilter(term=2)):
        assert not which.takes_record(damage(7))


def test_damage_may_hide_the_next_entry() -> None:
    """So it is told with a range that begins there."""
    assert WalFilter(from_index=8, to_index=9).takes_record(damage(7))
    assert not WalFilter(from_index=9).takes_record(damage(7))
    assert not WalFilter(to_index=6).takes_record(damage(7))


def test_other_records_are_asked_for() -> None:
    """All of them, or their kind."""
    found: Listed = ListedState(PLACE, HardState(2, 1, 5))
    assert not WalFilter().takes_record(found)
    assert WalFilter(all_records=True).takes_record(found)
    assert WalFilter(kinds=kinds("hard-state")).takes_record(found)
    assert not WalFilter(all_records=True, kinds=kinds("crc")).takes_record(found)
    assert not WalFilter(all_records=True, from_index=6).takes_record(found)


def test_segments_that_cannot_hold_what_is_asked_for() -> None:
    """They are not read a second time."""
    segment = SurveyedSegment("0.wal", 9, 9, 9, 100, 200, 9, Ending.CLEAN)
    assert WalFilter(from_index=200).may_take_from(segment)
    assert WalFilter(from_index=201).may_take_from(segment), "damage at its end may hide 201"
    assert not WalFilter(from_index=202).may_take_from(segment)
    assert WalFilter(to_index=100).may_take_from(segment)
    assert not WalFilter(to_index=98).may_take_from(segment)
    empty = SurveyedSegment("0.wal", 9, 2, 0, None, None, 9, Ending.CLEAN)
    assert WalFilter(from_index=500).may_take_from(empty)


def test_what_needs_no_look_at_the_content() -> None:
    """Then entries are told only when they are shown."""
    assert WalFilter(superseded=True).takes_everything
    assert not WalFilter(from_index=1).takes_everything
    assert not WalFilter(from_index=1).needs_story
    assert WalFilter(kinds=kinds(EntryKind.PUT)).needs_story
    assert not WalFilter(keys=KEY).takes_everything
