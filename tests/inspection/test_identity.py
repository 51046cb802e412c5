"""Which cluster this is, and which directories are another's."""

from dataclasses import replace

import pytest
from made import db, log, member, snap, state

from requorum.domain.ids import ClusterId
from requorum.errors import Refused
from requorum.formats.backend import BackendMember
from requorum.inspection.agreement import known_commit
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.identity import (
    Identity,
    identify,
    refuse_swapped,
    refuse_unidentified,
    without_strangers,
)

URLS = {f"etcd{n}": f"http://etcd{n}:2380" for n in (1, 2, 3)}


def who(*members: MemberEvidence, pinned: int | None = None) -> Identity:
    """Identify the cluster of members whose peer URLs are those of the cluster file."""
    return identify(
        {m.name: m for m in members},
        pinned=None if pinned is None else ClusterId(pinned),
        peer_urls=URLS,
    )


def of(name: str, cluster_id: int) -> MemberEvidence:
    """Return a member with a log of that cluster."""
    return member(name, log("11", cluster=cluster_id), db(2))


def knowing(name: str, cluster_id: int, hosts: dict[int, str]) -> MemberEvidence:
    """Return a member whose snapshot names these members."""
    return replace(of(name, cluster_id), snaps=(snap(1, 1, hosts),))


OURS = {1: "etcd1", 2: "etcd2", 3: "etcd3"}
THEIRS = {4: "other1", 5: "other2", 6: "other3"}


def test_all_agree() -> None:
    """One ID, nobody is foreign."""
    assert who(of("etcd1", 5), of("etcd2", 5), member("etcd3")) == Identity(ClusterId(5), {})


def test_no_log_names_a_cluster() -> None:
    """Then the cluster file's members are what there is."""
    assert who(member("etcd1"), member("etcd2")) == Identity(None, {})


def test_the_pinned_id_decides() -> None:
    """Even against a majority."""
    found = who(of("etcd1", 5), of("etcd2", 5), of("etcd3", 6), pinned=6)
    assert found.cluster_id == 6
    assert found.foreign == {
        "etcd1": "its data belongs to another cluster, 5",
        "etcd2": "its data belongs to another cluster, 5",
    }


def test_the_one_with_our_addresses_wins_even_against_more() -> None:
    """Two directories were copied from elsewhere."""
    found = who(knowing("etcd1", 5, OURS), knowing("etcd2", 6, THEIRS), knowing("etcd3", 6, THEIRS))
    assert (found.cluster_id, set(found.foreign)) == (5, {"etcd2", "etcd3"})


def test_a_quorum_of_directories_wins_where_addresses_say_nothing() -> None:
    """Both, or neither, know our addresses."""
    found = who(of("etcd1", 5), of("etcd2", 5), of("etcd3", 6))
    assert (found.cluster_id, set(found.foreign)) == (5, {"etcd3"})
    restored = [knowing(f"etcd{n}", i, OURS) for n, i in ((1, 5), (2, 6), (3, 6))]
    assert who(*restored).cluster_id == 6


def test_nothing_says_which_is_ours() -> None:
    """Refused, with what was found and how to say it."""
    with pytest.raises(Refused) as refused:
        who(of("etcd1", 0xA), of("etcd2", 0xB), member("etcd3"))
    assert "a at etcd1 (index 2, revision 3); b at etcd2" in refused.value.message
    assert "--cluster-id" in (refused.value.hint or "")


def test_a_database_without_a_log_is_known_by_its_members() -> None:
    """It names none of our addresses."""

    def orphan(url: str) -> MemberEvidence:
        listed = BackendMember(1, "x", (url,), (), is_learner=False)
        return member("etcd2", None, DatabaseEvidence(size=1, state=state(5, members=[listed])))

    assert who(of("etcd1", 5), orphan("http://other1:2380/")).foreign == {
        "etcd2": "its database lists other members: http://other1:2380"
    }
    assert who(of("etcd1", 5), orphan("http://etcd2:2380/")).foreign == {}
    assert who(of("etcd1", 5), member("etcd2", None, db(3))).foreign == {}


def listing(name: str, index: int, ids: list[int], terms: str | None, node: int) -> MemberEvidence:
    """Return a member whose database lists members of those IDs; `terms` are its log's."""
    listed = [
        BackendMember(i, f"etcd{i}", (f"http://etcd{i}:2380",), (), is_learner=False) for i in ids
    ]
    found = None if terms is None else log(terms, node=node)
    return member(name, found, DatabaseEvidence(size=1, state=state(index, members=listed)))


def test_a_database_from_before_the_restore_is_a_stranger() -> None:
    """A restore gives new IDs: what lists only old ones neither votes nor is a base."""
    members = {
        "etcd1": listing("etcd1", 1017, [91, 92], None, 0),
        "etcd2": listing("etcd2", 4, [1, 2], "1112", 1),
        "etcd3": listing("etcd3", 4, [1, 2], "1112", 2),
    }
    found = without_strangers(members)
    assert "none of this cluster's members" in found["etcd1"].database.problems[0]  # type: ignore[union-attr]
    assert not found["etcd2"].database.problems  # type: ignore[union-attr]
    assert known_commit(found) == 4


def test_where_no_database_lists_the_right_members_none_is_a_stranger() -> None:
    """A restore by 3.4 leaves the old members in every database."""
    members = {n: listing(n, 3, [91, 92], "1112", i) for i, n in enumerate(("a", "b"), start=1)}
    assert without_strangers(members) == members


def test_a_nameless_database_beyond_every_log_is_not_believed() -> None:
    """It would discredit all logs on the word of a file that says nowhere whose it is."""
    members = {
        "etcd1": listing("etcd1", 1017, [91], None, 0),
        "etcd2": listing("etcd2", 4, [92], "1112", 1),
    }
    with pytest.raises(Refused, match="behind the end of every log") as caught:
        refuse_unidentified(members, 4)
    assert "requorum restore" in str(caught.value.hint)
    refuse_unidentified(members, 1017)


def test_swapped_directories_are_refused_and_copies_are_not() -> None:
    """Each in the other's place is a mistake in the file; one in two places is another matter."""
    urls = {"etcd1": "http://etcd1:2380", "etcd2": "http://etcd2:2380"}
    known = (snap(1, 1, {1: "etcd1", 2: "etcd2"}),)
    first = replace(member("x", log("11", node=1)), snaps=known)
    second = replace(member("x", log("11", node=2)), snaps=known)
    refuse_swapped({"etcd1": first, "etcd2": second}, urls)
    refuse_swapped({"etcd1": first, "etcd2": first}, urls)
    with pytest.raises(Refused, match="holds the data of"):
        refuse_swapped({"etcd1": second, "etcd2": first}, urls)
