"""Which cluster this is, and which directories are another's."""

from dataclasses import replace

import pytest
from made import db, log, member, snap, state

from requorum.domain.ids import ClusterId
from requorum.errors import Refused
from requorum.formats.backend import BackendMember
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.identity import Identity, identify

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
