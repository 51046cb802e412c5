"""Who is a member, from snapshots and changes in the log."""

import json

import pytest
from made import put_entry, snap

from requorum.domain.ids import MemberId
from requorum.errors import DamagedInput
from requorum.formats.raftpb import ConfChangeType, Entry, EntryType
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.membership import RaftMember, membership_of, voter_sets


def change(index: int, kind: ConfChangeType, node: int, **context: object) -> Entry:
    """Return an entry that changes one member."""
    data = field_varint(2, kind) + field_varint(3, node)
    if context:
        data += field_bytes(4, json.dumps(context).encode())
    return Entry(EntryType.CONF_CHANGE, 1, index, data)


def added(index: int, node: int, *, learner: bool = False) -> Entry:
    """Return an entry that adds a member, as etcd writes it."""
    kind = ConfChangeType.ADD_LEARNER_NODE if learner else ConfChangeType.ADD_NODE
    return change(index, kind, node, id=node, name=f"n{node}", peerURLs=[f"http://n{node}:2380"])


def members_of(*entries: Entry, snaps: tuple[object, ...] = ()) -> dict[MemberId, RaftMember]:
    """Return the members after these entries."""
    found = membership_of(snaps, {e.index: e for e in entries})  # type: ignore[arg-type]
    assert found is not None
    return dict(found.members)


def test_a_log_from_the_first_entry_tells_all() -> None:
    """Additions, removals, learners."""
    log = [added(1, 1), added(2, 2), added(3, 3, learner=True), put_entry(4, 1)]
    found = members_of(*log)
    assert found[MemberId(2)] == RaftMember(
        MemberId(2), "n2", ("http://n2:2380",), is_learner=False
    )
    assert [m.is_learner for m in found.values()] == [False, False, True]
    log.append(change(5, ConfChangeType.REMOVE_NODE, 1))
    assert set(members_of(*log)) == {2, 3}


def test_a_promotion_makes_a_voter_and_an_update_does_not() -> None:
    """The name and the URLs stay where the change names none."""
    promoted = members_of(
        added(1, 1), added(2, 3, learner=True), change(3, ConfChangeType.ADD_NODE, 3)
    )
    assert promoted[MemberId(3)].is_learner is False
    assert promoted[MemberId(3)].name == "n3"
    moved = members_of(
        added(1, 1, learner=True),
        change(2, ConfChangeType.UPDATE_NODE, 1, id=1, peerURLs=["http://new:2380"]),
    )
    assert moved[MemberId(1)].is_learner
    assert moved[MemberId(1)].peer_urls == ("http://new:2380",)


def test_the_newest_snapshot_is_the_beginning() -> None:
    """Changes before it are in it already; learners are those of either list."""
    snaps = (snap(2, 1, {9: "old"}), snap(5, 1, {1: "a", 2: "b"}, learners=[2]))
    found = members_of(added(3, 7), added(6, 8), snaps=snaps)
    assert set(found) == {1, 2, 8}
    assert found[MemberId(2)].is_learner


def test_voters_are_those_who_vote() -> None:
    """A learner's disk does not count."""
    found = membership_of((), {1: added(1, 1), 2: added(2, 2, learner=True)})
    assert found is not None
    assert [m.id for m in found.voters] == [1]


@pytest.mark.parametrize("entries", [{}, {5: added(5, 1)}, {1: put_entry(1, 1)}])
def test_membership_may_be_unknown(entries: dict[int, Entry]) -> None:
    """No snapshot, and the log does not reach back, or names nobody."""
    assert membership_of((), entries) is None


def test_changes_that_may_be_committed_are_bounded() -> None:
    """Each is one more set of voters; a leader proposes one at a time."""
    log = {i: added(i, i) for i in range(1, 4)} | {4: put_entry(4, 1)}
    members = membership_of((), log)
    assert members is not None
    assert voter_sets(members, log, after=0) == (frozenset({1, 2, 3}),)
    removals = {i: change(i, ConfChangeType.REMOVE_NODE, i) for i in range(5, 1100)}
    assert len(voter_sets(members, log | dict(list(removals.items())[:9]), after=0)) == 10
    with pytest.raises(DamagedInput, match="1095 changes of members"):
        voter_sets(members, log | removals, after=0)
