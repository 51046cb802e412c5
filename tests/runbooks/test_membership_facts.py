"""Who is a member, by etcd's list and by each one's own answers."""

from dataclasses import replace

import pytest
from failed_cluster import CLUSTER
from serving_cluster import Case

from requorum.domain.ids import MemberId
from requorum.errors import Refused
from requorum.facts.membership import ask_membership, name_in
from requorum.facts.survey import Reach
from requorum.ports.etcd import Etcd, ListedMember

ROW = ListedMember(
    id=MemberId(0xE3),
    name="etcd3",
    peer_urls=("http://etcd3:2380",),
    client_urls=(),
    is_learner=False,
)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (ROW, "etcd3"),
        (replace(ROW, name=""), "etcd3"),
        (replace(ROW, name="another"), "etcd3"),
        (replace(ROW, peer_urls=("http://elsewhere:2380",)), "etcd3"),
        (replace(ROW, name="", peer_urls=("http://elsewhere:2380",)), "e3"),
    ],
)
def test_a_member_is_known_by_its_url_then_by_its_name(row: ListedMember, name: str) -> None:
    """One that the cluster file does not know is called by its ID."""
    assert name_in(CLUSTER, row) == name


def test_a_learner_is_healthy_without_a_read() -> None:
    """It cannot read through a leader, and counts for no quorum."""
    case = Case("add", "etcd4", listed=("etcd1", "etcd2", "etcd3"), learners=["etcd3"])
    seats = case.membership().seats
    assert seats.learners == {"etcd3"}
    assert seats.healthy == {"etcd1", "etcd2", "etcd3"}
    assert seats.quorum == 2


def nobody(_url: str) -> Etcd:
    """Fail: nobody is to be asked."""
    raise AssertionError


async def test_nobody_else_to_ask() -> None:
    """A cluster file of one says nothing of the others through whom it is changed."""
    alone = CLUSTER.without({"etcd1", "etcd2"})

    with pytest.raises(Refused, match="names nobody but etcd3"):
        await ask_membership(alone, Reach({}, {}, nobody), apart_from={"etcd3"})
