"""Start, Rescue or Restore: each case an operator can meet, in a line of evidence."""

from dataclasses import replace

import pytest
from made import BAD_DB, cluster, db, log, member, snap
from test_membership import added, change

from requorum.formats.raftpb import ConfChangeType, Entry, EntryType
from requorum.inspection.completed_log import complete_log
from requorum.inspection.decision import ClusterEvidence, Rescue, Restore, Start, decide
from requorum.inspection.member_log import LogEnding


def test_a_quorum_of_intact_directories_is_started() -> None:
    """The lost one is named."""
    found = decide(
        cluster(
            member("etcd1", log("111", node=1), db(3)),
            member("etcd2", log("111", node=2), db(2)),
            member("etcd3"),
        )
    )
    assert isinstance(found, Start)
    assert (found.first, found.then) == (("etcd1", "etcd2"), ())
    assert set(found.left_out) == {"etcd3"}
    assert "2 of 3 voters" in found.reasons[0]


def test_who_lags_is_started_behind_the_quorum() -> None:
    """It could otherwise vote an older history into power."""
    found = decide(
        cluster(
            member("etcd1", log("111", node=1, commit=3), db(3)),
            member("etcd2", log("111", node=2, commit=3), db(3)),
            member("etcd3", log("1", node=3), db(1)),
        )
    )
    assert isinstance(found, Start)
    assert (found.first, found.then, found.left_out) == (("etcd1", "etcd2"), ("etcd3",), {})


def test_a_learner_makes_no_quorum() -> None:
    """It is started behind the others."""
    members = (
        member("etcd1", log("111", node=1), db(3)),
        member("etcd2", log("111", node=2), db(3)),
        member("etcd3", log("111", node=3), db(3)),
    )
    found = decide(cluster(*members, learners=[3]))
    assert isinstance(found, Start)
    assert (found.first, found.then) == (("etcd1", "etcd2"), ("etcd3",))
    assert isinstance(decide(cluster(*members, size=5, learners=[3])), Rescue)


def test_a_copy_of_one_member_in_two_places_is_one_disk() -> None:
    """Neither makes a quorum nor a proof with the other."""
    found = decide(
        cluster(
            member("etcd1", log("111", node=1), db(3)),
            member("etcd2", log("111", node=1), db(3)),
            member("etcd3"),
        )
    )
    assert isinstance(found, Rescue)
    assert not found.loss.proven_none
    assert "it holds the same member as etcd2: one is a copy" in found.left_out["etcd1"]


def test_a_foreign_directory_is_left_out() -> None:
    """With its reason, in each decision."""
    foreign = {"etcd3": "its data belongs to another cluster, 5"}
    two = [member(f"etcd{n}", log("111", node=n), db(3)) for n in (1, 2)]
    started = decide(cluster(*two, foreign=foreign))
    assert isinstance(started, Start)
    assert started.left_out == {"etcd3": ("its data belongs to another cluster, 5",)}
    rescued = decide(cluster(two[0], foreign=foreign))
    assert isinstance(rescued, Rescue)
    assert "etcd3" in rescued.left_out
    restored = decide(cluster(member("etcd1"), foreign=foreign))
    assert isinstance(restored, Restore)
    assert "etcd3: its data belongs to another cluster, 5" in restored.reasons


def test_an_outvoted_database_is_neither_started_nor_taken() -> None:
    """Two others hold the same keys."""
    evidence = cluster(
        member("etcd1", log("111", node=1), db(3, content=1)),
        member("etcd2", log("111", node=2), db(2, content=1)),
        member("etcd3", log("111", node=3), db(3, content=2)),
    )
    found = decide(evidence)
    assert isinstance(found, Start)
    assert found.first == ("etcd1", "etcd2")
    assert "differ from those of 2" in found.left_out["etcd3"][0]


def test_a_disputed_database_is_the_last_choice_and_named() -> None:
    """Nobody says which of the two is right."""
    evidence = cluster(
        member("etcd1", log("111", node=1, damages=1), db(3, content=1)),
        member("etcd2", log("111", node=2, damages=1), db(3, content=2)),
    )
    found = decide(replace(evidence, disputed=("etcd1", "etcd2")))
    assert isinstance(found, Rescue)
    assert found.base is None, "the log reaches back to the first entry"
    purged = cluster(
        member("etcd1", log("111", first=5, node=1, damages=1), db(6, content=1)),
        member("etcd2", log("111", first=5, node=2, damages=1), db(6, content=2)),
    )
    found = decide(replace(purged, disputed=("etcd1", "etcd2")))
    assert isinstance(found, Rescue)
    assert not found.loss.proven_none


def test_the_database_with_least_to_replay_is_the_base() -> None:
    """Unless another one has fewer gaps behind it."""
    found = decide(
        cluster(
            member("etcd1", log("111111", node=1, damages=1), db(2)),
            member("etcd2", log("111111", node=2, damages=1), db(4)),
            member("etcd3", None, BAD_DB),
        )
    )
    assert isinstance(found, Rescue)
    assert (found.base, found.first_index, found.last_index) == ("etcd2", 5, 6)
    assert found.loss.proven_none
    gappy = decide(cluster(member("etcd1", log("11.111", node=1, damages=1), db(4))))
    assert isinstance(gappy, Rescue)
    assert (gappy.base, gappy.empty_entries) == ("etcd1", ())


def test_borrowed_records_are_named() -> None:
    """From whom, and how many."""
    found = decide(
        cluster(
            member("etcd1", log("11.12", node=1, damages=1), db(1)),
            member("etcd2", log("1111", node=2, ending=LogEnding.TORN), BAD_DB),
        )
    )
    assert isinstance(found, Rescue)
    assert (found.log_from, found.borrowed_from) == ("etcd1", ("etcd2",))
    assert any("1 of its entries" in reason for reason in found.reasons)


def test_a_database_ahead_of_all_logs_is_taken_as_it_is() -> None:
    """What it applied was committed."""
    found = decide(cluster(member("etcd1", log("11", node=1, damages=1), db(9))))
    assert isinstance(found, Rescue)
    assert (found.base, found.first_index, found.last_index) == ("etcd1", 10, 9)
    assert not found.loss.proven_none


@pytest.mark.parametrize("terms", [".11", ""])
def test_nothing_usable_is_restored(terms: str) -> None:
    """No database, and a log that does not reach back."""
    found = decide(cluster(member("etcd1", log(terms, node=1), BAD_DB), member("etcd2")))
    assert isinstance(found, Restore)
    assert any("page 3 is damaged" in reason for reason in found.reasons)


def test_a_log_on_top_of_a_restored_database_does_not_make_the_whole_state() -> None:
    """Its snapshot at term 1 says that something lay below."""
    whole = member("etcd1", log("111", node=1), BAD_DB)
    assert isinstance(decide(cluster(whole)), Rescue)
    marked = member("etcd1", log("111", node=1, snapshots=[(1, 1)], commit=3), BAD_DB)
    assert isinstance(decide(cluster(marked)), Restore)
    assert isinstance(decide(cluster(replace(whole, snaps=(snap(1, 1, {1: "a"}),)))), Restore)


def with_change(entry: Entry, *names: str, committed: bool) -> ClusterEvidence:
    """Return evidence of three voters whose log ends with a change of members."""
    entries = {**log("111").entries, entry.index: entry}
    commit = entry.index if committed else entry.index - 1
    members = []
    for number, name in enumerate(names, start=1):
        own = log("111", node=number, commit=commit, damages=1)
        grown = replace(own, entries=entries)
        members.append(member(name, grown, db(1)))
    evidence = cluster(*members)
    logs = {m.name: m.log for m in members if m.log is not None}
    behind = [m for m in evidence.membership.members if m != 3]
    removed = replace(
        evidence.membership, members={m: evidence.membership.members[m] for m in behind}
    )
    return replace(evidence, log=complete_log(logs), membership=removed)


@pytest.mark.parametrize("committed", [True, False])
def test_a_removal_that_may_not_be_committed_takes_no_voter_away(*, committed: bool) -> None:
    """One log is a witness for two voters, but not for three: another leader may have had them."""
    removal = change(4, ConfChangeType.REMOVE_NODE, 3)
    found = decide(with_change(removal, "etcd1", committed=committed))
    assert isinstance(found, Rescue)
    assert found.loss.proven_none is committed


def test_the_entries_that_found_a_cluster_are_committed() -> None:
    """Nobody could have voted before them."""
    founding = {n: added(n, n) for n in (1, 2, 3)}
    assert all(e.type is EntryType.CONF_CHANGE for e in founding.values())
    own = replace(log("111", node=2, damages=1), entries=founding)
    other = replace(log("111", node=3, damages=1), entries=founding)
    found = decide(cluster(member("etcd2", own, db(1)), member("etcd3", other, db(1))))
    assert isinstance(found, Rescue)
    assert found.loss.proven_none


def test_a_commit_whose_entries_are_lost_is_no_floor_under_an_older_tail() -> None:
    """The winner's tail may be what those entries replaced: then they are missing, and stated."""
    lost = log("11", node=2, commit=4, here=0, term=2, ending=LogEnding.DAMAGED)
    found = decide(
        cluster(
            member("etcd1"),
            member("etcd2", lost, BAD_DB),
            member("etcd3", log("1111", node=3, commit=1), db(1)),
        )
    )
    assert isinstance(found, Rescue)
    assert (found.log_from, found.last_index) == ("etcd3", 4)
    assert [r.first_index for r in found.loss.unproven] == [2]


def test_a_database_that_knows_better_than_every_log_is_taken_without_one() -> None:
    """Replaying a log that lost an election onto it would undo what was acknowledged."""
    taken = replace(db(5), supersedes_log=True)
    decision = decide(
        cluster(
            member("etcd1", log=None, database=taken),
            member("etcd2", log=log("1111122", ending=LogEnding.TORN, node=2), database=BAD_DB),
            member("etcd3", log=None, database=None),
        )
    )
    assert isinstance(decision, Rescue)
    assert (decision.base, decision.uses_log) == ("etcd1", False)
    assert (decision.first_index, decision.last_index, decision.empty_entries) == (6, 5, ())
    assert not decision.loss.proven_none


def test_a_database_far_behind_the_log_is_no_base() -> None:
    """Filling a hundred thousand entries with nothing would make a state that never was."""
    decision = decide(
        cluster(
            member("etcd1", log=log("11", first=200_000, node=1), database=BAD_DB),
            member("etcd2", log=None, database=db(5)),
            member("etcd3", log=None, database=None),
        )
    )
    assert isinstance(decision, Restore)
