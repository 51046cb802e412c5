"""One history made of all logs: who wins, what is borrowed, what stays a gap."""

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from made import entries_of, log
from raft_disks import BURST, FLIPPED, INTACT, LOST, SEGMENT, crash
from raft_model import RaftModel

from requorum.formats.wal import WalSnapshot
from requorum.inspection.completed_log import GAPS_MAX, complete_log
from requorum.inspection.member_log import LogEnding


def terms(entries: object) -> dict[int, int]:
    """Return index -> term."""
    assert isinstance(entries, dict)
    return {i: e.term for i, e in entries.items()}


def test_without_logs_there_is_none() -> None:
    """Nothing is made of nothing."""
    assert complete_log({}) is None


def test_the_greatest_last_term_wins_then_the_greatest_index() -> None:
    """As in an election."""
    logs = {"a": log("1111"), "b": log("112"), "c": log("11")}
    found = complete_log(logs)
    assert found is not None
    assert (found.winner, found.last_term, found.last_index) == ("b", 2, 3)
    assert terms(found.entries) == {1: 1, 2: 1, 3: 2}


def test_among_equals_the_least_damaged_wins() -> None:
    """A clean end first, then the number of entries."""
    torn, gappy, whole = log("111", ending=LogEnding.TORN), log("1.1"), log("111")
    assert complete_log({"a": torn, "b": gappy, "c": whole}).winner == "c"  # type: ignore[union-attr]
    assert complete_log({"a": torn, "b": gappy}).winner == "b"  # type: ignore[union-attr]


def test_a_gap_is_filled_from_a_log_that_meets_the_winner_behind_it() -> None:
    """Log Matching: one equal entry behind the gap proves all before it."""
    found = complete_log({"a": log("1.12"), "b": log("1112")})
    assert found is not None
    assert (found.winner, found.borrowed, found.gaps) == ("b", {}, ())
    found = complete_log({"a": log("1.122"), "b": log("1112")})
    assert found is not None
    assert (found.winner, found.borrowed, found.gaps) == ("a", {2: "b"}, ())


def test_a_log_that_parts_before_the_gap_fills_nothing() -> None:
    """Its entry there may be the one that was replaced."""
    found = complete_log({"a": log("1.22"), "b": log("1111")})
    assert found is not None
    assert (found.borrowed, found.gaps) == ({}, (2,))


def test_what_another_knows_as_committed_fills_a_gap() -> None:
    """The winner's log holds every committed entry that anyone can show."""
    found = complete_log({"a": log("1.22"), "b": log("1111", commit=2)})
    assert found is not None
    assert (found.borrowed, found.gaps) == ({2: "b"}, ())


def test_a_commit_that_says_nothing_of_the_entries_fills_nothing() -> None:
    """Records were lost before it was written, so the entries may have been replaced."""
    found = complete_log({"a": log("1.22"), "b": log("1111", commit=3, here=0)})
    assert found is not None
    assert found.gaps == (2,)


def test_doubtful_entries_are_never_lent() -> None:
    """Not even below a commit."""
    found = complete_log({"a": log("1.22"), "b": log("1111", commit=3, doubtful=[2])})
    assert found is not None
    assert found.gaps == (2,)


def test_a_doubtful_entry_of_the_winner_is_replaced_or_named() -> None:
    """It is kept where nobody has a better one, and named as a gap all the same."""
    winner = log("1112", doubtful=[2])
    alone = complete_log({"a": winner})
    assert alone is not None
    assert (alone.gaps, terms(alone.entries)) == ((2,), {1: 1, 2: 1, 3: 1, 4: 2})
    helped = complete_log({"a": winner, "b": log("1112")})
    assert helped is not None
    assert helped.gaps == ()


def test_a_log_is_completed_backwards_without_a_hole() -> None:
    """What another has before the winner's first entry continues it; beyond a hole it does not."""
    found = complete_log({"a": log("222", first=4), "b": log("1122"), "c": log("11")})
    assert found is not None
    assert (found.first_index, found.borrowed) == (1, {3: "b", 2: "b", 1: "b"})
    found = complete_log({"a": log("222", first=4), "b": log("11", commit=2)})
    assert found is not None
    assert (found.first_index, found.borrowed, found.gaps) == (4, {}, ())


def test_a_log_from_long_ago_costs_nothing() -> None:
    """A copy from a billion entries ago makes no billion gaps."""
    found = complete_log({"a": log("99", first=10**9), "b": log("111", commit=3)})
    assert found is not None
    assert (found.first_index, found.gaps) == (10**9, ())


def test_a_log_without_entries_stands_at_its_snapshot() -> None:
    """A member that has just received one. What others have before it stays usable."""
    found = complete_log({"a": log("", snapshots=[(50, 3)], commit=50), "b": log("11", commit=2)})
    assert found is not None
    assert (found.winner, found.last_index, found.last_term) == ("a", 50, 3)
    assert found.gaps == tuple(range(3, 51))
    assert found.backwards_from(50, at_most=9) == ()


def test_reading_backwards_ends_at_the_first_gap() -> None:
    """And at the number asked for."""
    found = complete_log({"a": log("1.111")})
    assert found is not None
    assert [e.index for e in found.backwards_from(5, at_most=9)] == [5, 4, 3]
    assert [e.index for e in found.backwards_from(5, at_most=2)] == [5, 4]
    assert found.backwards_from(2, at_most=9) == ()


def test_gaps_behind_an_index() -> None:
    """Those among the entries, and what lies before the first one."""
    found = complete_log({"a": log("1.1.1", first=4)})
    assert found is not None
    assert found.gaps_after(0) == (1, 2, 3, 5, 7)
    assert found.gaps_after(3) == (5, 7)
    assert found.gaps_after(5) == (7,)
    assert found.gaps_after(8) == ()


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("size", [3, 5])
def test_nothing_is_borrowed_that_the_winner_never_had(size: int) -> None:
    """Whatever is damaged: each borrowed entry was in the winner's own log, or is committed."""
    borrowed = 0
    for seed in range(120):
        random = Random(seed)
        model = RaftModel(size, random)
        model.run(60)
        found = {
            node.name: crash(
                model, node, random.choice([INTACT, FLIPPED, BURST, SEGMENT, LOST]), random
            ).evidence.log
            for node in model.nodes
        }
        completed = complete_log({n: log for n, log in found.items() if log and log.metadata})
        if completed is None:
            continue
        winner = next(n for n in model.nodes if n.name == completed.winner)
        for index in completed.borrowed:
            entry = completed.entries[index]
            borrowed += 1
            written = model.committed.get(index), winner.log.get(index)
            assert entry in written, f"seed {seed}: entry {index} was borrowed"
    assert borrowed > 50, "the test no longer sees borrowing"


@pytest.mark.parametrize("first", ["1112", "1122", "1222"])
def test_the_result_does_not_depend_on_the_order_of_members(first: str) -> None:
    """Two runs on the same disks must plan the same."""
    logs = {"a": log(first), "b": log("1112", commit=2), "c": log("1.12")}
    for pair in combinations(logs, 2):
        forwards = complete_log({n: logs[n] for n in pair})
        backwards = complete_log({n: logs[n] for n in reversed(pair)})
        assert forwards == backwards


def test_entries_are_those_that_were_written() -> None:
    """The winner's own entries come through unchanged."""
    found = complete_log({"a": log("1122")})
    assert found is not None
    assert found.entries == entries_of("1122")


@pytest.mark.parametrize("terms_before", ["", "11"])
def test_a_snapshot_far_behind_the_entries(
    terms_before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing joins them, and the gaps between them are too many to list."""
    monkeypatch.setattr("requorum.inspection.completed_log.INDEX_JUMP_MAX", 1000)
    mark = WalSnapshot(1 << 40, 2, None)
    winner = replace(log(terms_before, commit=1 << 41), snapshots=(mark,))
    found = complete_log({"a": winner, "b": log("11")})
    assert found is not None
    assert (found.winner, found.last_index, found.entries) == ("a", 1 << 40, {})


def test_gaps_before_a_database_are_bounded() -> None:
    """A database of another age may stand billions of entries before the log."""
    entry = replace(log("1").entries[1], index=1 << 40)
    found = complete_log({"a": replace(log("1"), entries={1 << 40: entry})})
    assert found is not None
    assert found.gaps_after(5) == tuple(range(6, 6 + GAPS_MAX + 1))
    assert found.gaps_after(1 << 40) == ()
