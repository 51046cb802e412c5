"""What members say when they are laid side by side."""

from dataclasses import replace

from made import BAD_DB, db, log, member, snap, state

from requorum.inspection.agreement import (
    COMPARED_ENTRIES_MAX,
    COMPARED_ENTRIES_MIN,
    common_revision,
    entries_to_compare,
    held_commit,
    known_commit,
    lowest_index_needed,
    vote,
)
from requorum.inspection.alignment import Alignment, Contradiction
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence


def test_the_odd_one_is_outvoted() -> None:
    """Two equal hashes against one."""
    members = {n: member(n, None, db(5, content=c)) for n, c in (("a", 1), ("b", 1), ("c", 2))}
    outvoted, disputed = vote(members)
    assert outvoted == {"c": "its keys differ from those of 2 other members at the same revision"}
    assert disputed == ()


def test_a_tie_is_a_dispute() -> None:
    """Nobody says which one is right."""
    members = {n: member(n, None, db(5, content=c)) for n, c in (("a", 1), ("b", 2))}
    assert vote(members) == ({}, ("a", "b"))
    two_pairs = {str(n): member(str(n), None, db(5, content=n % 2)) for n in range(4)}
    assert vote(two_pairs) == ({}, ("0", "1", "2", "3"))


def test_without_hashes_there_is_no_vote() -> None:
    """Nor with one, nor where all agree."""
    assert vote({}) == ({}, ())
    assert vote({"a": member("a", None, db(5, content=1)), "b": member("b")}) == ({}, ())


def test_the_highest_commit_or_believed_database_is_known_committed() -> None:
    """A database that cannot be believed says nothing."""
    members = {"a": member("a", log("111", commit=2), db(1)), "b": member("b", None, BAD_DB)}
    assert known_commit(members) == 2
    members["c"] = member("c", None, db(7))
    assert known_commit(members) == 7
    wrong = Alignment(0, 0, Contradiction(8, 7, "it differs"))
    members["c"] = member("c", None, replace(db(7), alignment=wrong))
    assert known_commit(members) == 2
    assert known_commit({}) == 0


def completed(members: dict[str, MemberEvidence]) -> CompletedLog:
    """Return the log of those members."""
    found = complete_log({n: m.log for n, m in members.items() if m.log is not None})
    assert found is not None
    return found


def test_the_winner_holds_what_it_would_win_against() -> None:
    """A commit whose entry is lost counts only for a log that cannot be without it."""
    lost_entry = member("a", log("11", commit=4, here=0, term=2))
    for terms, held in (("1111", 0), ("1122", 4), ("112", 0), ("1123", 4), ("113", 4)):
        members = {"a": lost_entry, "b": member("b", log(terms))}
        assert held_commit(members, completed(members)) == held, terms


def test_what_is_readable_and_known_committed_is_held() -> None:
    """A log that can show a committed entry cannot win against one that lacks it."""
    members = {"a": member("a", log("1111", commit=3, term=9))}
    assert held_commit(members, completed(members)) == 3
    members = {"a": member("a", log("1111", commit=3, here=1, doubtful=[1], term=9))}
    assert held_commit(members, completed(members)) == 0


def test_a_databases_index_counts_with_its_term() -> None:
    """3.5 and later write it; before, the log that reaches so far bounds it."""
    winner = member("b", log("1111"))
    for term, held in ((1, 3), (2, 0)):
        members = {"a": member("a", None, db(3, term=term)), "b": winner}
        assert held_commit(members, completed(members)) == held
    for commit, term, held in ((3, 1, 3), (3, 2, 0), (2, 1, 0)):
        older = member("a", log("1", commit=commit, here=0, term=term), db(3))
        members = {"a": older, "b": winner}
        assert held_commit(members, completed(members)) == max(held, commit * (term == 1))


def test_a_log_that_names_no_member_proves_nothing() -> None:
    """It may be another cluster's."""
    members = {"a": member("a", log("1111", commit=4, node=None)), "b": member("b", log("1"))}
    assert held_commit(members, completed({"b": members["b"]})) == 0


def compacted(name: str, index: int, revision: int) -> MemberEvidence:
    """Return a member whose database was compacted at a revision."""
    return member(name, None, DatabaseEvidence(size=1, state=state(index, compacted=revision)))


def test_databases_are_compared_at_a_revision_that_all_reach() -> None:
    """As if each were compacted as far as the furthest is."""
    found = common_revision({"a": compacted("a", 9, 4), "b": compacted("b", 7, 6)})
    assert found is not None
    assert (found.members, found.compact, found.revision) == (("a", "b"), 6, 8)


def test_an_old_copy_has_no_revision_in_common() -> None:
    """It ends before the others' compaction; two that reach it are compared all the same."""
    members = {"a": compacted("a", 99, 90), "b": compacted("b", 9, 4)}
    assert common_revision(members) is None
    found = common_revision({**members, "c": compacted("c", 95, 80)})
    assert found is not None
    assert found.members == ("a", "c")
    assert common_revision({"a": members["a"], "b": member("b", None, BAD_DB)}) is None


def test_a_database_that_others_vouch_for_is_compared_less() -> None:
    """Only so far as it goes beyond what they hold; with any doubt as far as is allowed."""
    agreeing = {n: member(n, None, db(i, content=7)) for n, i in (("a", 40), ("b", 10))}
    assert entries_to_compare(agreeing["a"], agreeing) == COMPARED_ENTRIES_MIN + 60
    assert entries_to_compare(agreeing["b"], agreeing) == COMPARED_ENTRIES_MIN
    differing = {**agreeing, "c": member("c", None, db(10, content=8))}
    assert entries_to_compare(differing["a"], differing) == COMPARED_ENTRIES_MAX
    alone = {"a": agreeing["a"]}
    assert entries_to_compare(alone["a"], alone) == COMPARED_ENTRIES_MAX
    unhashed = {**agreeing, "c": member("c", None, db(10))}
    assert entries_to_compare(unhashed["c"], unhashed) == COMPARED_ENTRIES_MAX


def test_the_logs_are_read_as_far_back_as_any_base_may_need() -> None:
    """The oldest sound database decides, or the newest snapshot of its member; else all is read."""
    members = [
        replace(member("etcd1", None, db(90)), snaps=(snap(80, 1, {1: "etcd1"}),)),
        replace(member("etcd2", None, db(70)), snaps=(snap(75, 1, {1: "etcd1"}),)),
        replace(member("etcd3", None, BAD_DB), snaps=(snap(20, 1, {1: "etcd1"}),)),
    ]
    assert lowest_index_needed(members) == 70
    assert lowest_index_needed(members[:1]) == 80
    assert lowest_index_needed(members[2:]) == 0


def test_a_damaged_database_may_show_that_others_are_old() -> None:
    """Its claim is no base, but a reason to doubt; an impossible one is overheard."""
    old = {"a": member("a", log("111"), db(3)), "b": member("b", log("111"), db(3))}
    claims = replace(BAD_DB, claimed_index=960)
    assert known_commit(old | {"c": member("c", None, claims)}) == 960
    wild = replace(BAD_DB, claimed_index=1 << 60)
    assert known_commit(old | {"c": member("c", None, wild)}) == 3


def test_a_snapshot_shows_what_was_committed() -> None:
    """Etcd snapshots what it has applied."""
    newer = replace(member("c", log("11")), snaps=(snap(7, 1, {1: "c"}),))
    assert known_commit({"c": newer}) == 7
