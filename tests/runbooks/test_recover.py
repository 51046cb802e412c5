"""Plans of recoveries, as transcripts that can be read: tests/transcripts/recover-*.txt.

`pytest --rewrite-transcripts` writes them anew. Commit the diff only when you understand it.
"""

from collections.abc import Callable

import pytest
from failed_cluster import NAMES, ON_HOSTS, Facts, told
from made import BAD_DB, db, log, member

from requorum.domain.version import EtcdVersion
from requorum.errors import NotEnoughSpace
from requorum.inspection.evidence import MemberEvidence
from requorum.inspection.member_log import LogEnding
from requorum.runbooks.exchange_data import BUMP_REVISIONS, RecoveryPlan
from requorum.runbooks.steps.build_image import BuildImage
from requorum.runbooks.steps.exchange import RestoreMember

Transcript = Callable[[str, str], None]


def intact(name: str, *, commit: int = 6) -> MemberEvidence:
    """Return a whole member whose database lags a little."""
    return member(name, log("111122", node=int(name[-1]), commit=commit), db(5))


def lagging(name: str) -> MemberEvidence:
    """Return a member that lacks what others know as committed."""
    return member(name, log("1111", node=int(name[-1]), commit=4), db(3))


def flipped(name: str) -> MemberEvidence:
    """Return a member with damage in the middle of its log; its end is whole."""
    return member(name, log("11.122", node=int(name[-1]), commit=6, damages=1), db(2))


def torn(name: str) -> MemberEvidence:
    """Return a member whose last record is incomplete."""
    ending = LogEnding.TORN
    return member(name, log("11112", node=int(name[-1]), commit=4, ending=ending), db(4))


TIMED_OUT = "no answer from 10.0.0.33 within 10 s"


def out_of_reach(name: str) -> MemberEvidence:
    """Return a member whose host does not answer."""
    return MemberEvidence(name=name, unreadable=f"its host does not answer: {TIMED_OUT}")


CASES: dict[str, Facts] = {
    "start-all": Facts([intact(n) for n in NAMES]),
    "start-quorum-and-laggard": Facts([intact("etcd1"), intact("etcd2"), lagging("etcd3")]),
    "start-stops-a-running-laggard": Facts(
        [intact("etcd1"), intact("etcd2"), lagging("etcd3")], running=["etcd3"]
    ),
    "start-leaves-damaged-out": Facts([intact("etcd1"), intact("etcd2"), flipped("etcd3")]),
    "start-leaves-foreign-alone": Facts(
        [intact("etcd1"), intact("etcd2")],
        foreign={"etcd3": "its data belongs to another cluster, 5"},
        running=["etcd3"],
    ),
    "rescue-proven": Facts([intact("etcd1"), flipped("etcd2"), member("etcd3")]),
    "rescue-one-disk-left": Facts([member("etcd1"), intact("etcd2"), member("etcd3")]),
    "rescue-torn-tail": Facts([torn("etcd1"), torn("etcd2"), member("etcd3")]),
    "rescue-a-running-survivor": Facts(
        [intact("etcd1"), member("etcd2"), member("etcd3")], running=["etcd1"]
    ),
    "rescue-from-the-log-alone": Facts(
        [member(n, log("1111", node=int(n[-1])), BAD_DB) for n in NAMES]
    ),
    "rescue-with-a-hole": Facts([member(n, flipped(n).log, db(1)) for n in NAMES[:2]]),
    "rescue-of-more-voters-than-named": Facts([intact("etcd1")], voters=5),
    "rescue-without-bump": Facts([intact("etcd1")], etcd=EtcdVersion(3, 4, 23)),
    "refused-nothing-usable": Facts([member(n, None, BAD_DB) for n in NAMES]),
    "refused-quorum-alive": Facts(
        [intact("etcd1"), intact("etcd2"), flipped("etcd3")], reads=["etcd1", "etcd2"]
    ),
    "refused-no-leader": Facts([intact(n) for n in NAMES], answers=["etcd1", "etcd2"]),
    "refused-no-space": Facts([intact("etcd1")], free=1000),
    "start-the-last-one": Facts([intact(n) for n in NAMES], reads=["etcd1", "etcd2"]),
    "rescue-on-hosts": Facts(
        [intact("etcd1"), flipped("etcd2"), member("etcd3")], cluster=ON_HOSTS
    ),
    "start-on-hosts": Facts([intact(n) for n in NAMES], cluster=ON_HOSTS),
    "rescue-without-a-host": Facts(
        [intact("etcd1"), flipped("etcd2"), out_of_reach("etcd3")],
        cluster=ON_HOSTS,
        unreachable={"etcd3": TIMED_OUT},
    ),
    "refused-hosts-unseen": Facts(
        [intact("etcd1"), out_of_reach("etcd2"), out_of_reach("etcd3")],
        cluster=ON_HOSTS,
        unreachable={"etcd2": TIMED_OUT, "etcd3": TIMED_OUT},
    ),
    "rescue-of-hosts-said-to-be-lost": Facts(
        [intact("etcd1"), out_of_reach("etcd2"), out_of_reach("etcd3")],
        cluster=ON_HOSTS,
        unreachable={"etcd2": TIMED_OUT, "etcd3": TIMED_OUT},
        lost=["etcd2"],
    ),
    "start-fences-the-damaged-on-hosts": Facts(
        [intact("etcd1"), intact("etcd2"), flipped("etcd3")],
        cluster=ON_HOSTS,
        environment={"etcd1": "ETCD_FORCE_NEW_CLUSTER=true\n"},
    ),
    "rescue-changes-settings": Facts(
        [intact("etcd1"), flipped("etcd2"), member("etcd3")],
        cluster=ON_HOSTS,
        environment={
            "etcd1": "ETCD_INITIAL_CLUSTER=etcd1=http://etcd1:2380\n",
            "etcd2": "ETCD_FORCE_NEW_CLUSTER=1\n",
            "etcd3": "ETCD_INITIAL_CLUSTER=etcd3=http://old:2380,etcd9=http://etcd9:2380\n",
        },
    ),
    "refused-contradictions": Facts(
        [intact("etcd1"), flipped("etcd2"), member("etcd3")],
        cluster=ON_HOSTS,
        environment={
            "etcd1": "ETCD_NAME=node1\n",
            "etcd3": "ETCD_INITIAL_ADVERTISE_PEER_URLS=http://old:2380\n",
        },
    ),
    "refused-another-directory-though-a-quorum-is-intact": Facts(
        [intact("etcd1"), intact("etcd2"), member("etcd3")],
        cluster=ON_HOSTS,
        environment={"etcd3": "ETCD_DATA_DIR=/srv/etcd\n"},
    ),
    "refused-another-directory-of-the-one-that-is-down": Facts(
        [intact("etcd1"), intact("etcd2"), member("etcd3")],
        reads=["etcd1", "etcd2"],
        cluster=ON_HOSTS,
        environment={"etcd3": "ETCD_DATA_DIR=/srv/etcd\n"},
    ),
    "start-in-spite-of-another-name": Facts(
        [intact(n) for n in NAMES], cluster=ON_HOSTS, environment={"etcd2": "ETCD_NAME=node2\n"}
    ),
    "nothing-to-do": Facts([intact(n) for n in NAMES], reads=NAMES),
}


@pytest.mark.parametrize("name", CASES)
def test_plans_are_what_was_understood(name: str, transcript: Transcript) -> None:
    """Every word that an operator would read."""
    transcript(f"recover-{name}", told(CASES[name]))


def plan_of(name: str) -> RecoveryPlan:
    """Return the plan of a case."""
    plan = CASES[name].plan()
    assert isinstance(plan, RecoveryPlan)
    return plan


def test_nothing_is_touched_before_the_image_is_proven() -> None:
    """Stop what runs, build the image, and only then set data aside, restore, start, check."""
    kinds = [s.kind for s in plan_of("rescue-a-running-survivor").steps]
    assert list(dict.fromkeys(kinds)) == [
        "stop-member",
        "build-image",
        "set-aside",
        "restore-member",
        "start-member",
        "await-health",
        "probe-writes",
        "take-backup",
    ]


def test_a_member_without_a_quorum_is_stopped_before_the_others_start() -> None:
    """Its vote could make a leader of one that lacks acknowledged writes."""
    kinds = [(s.kind, s.title) for s in plan_of("start-stops-a-running-laggard").steps]
    assert kinds[0] == ("stop-member", "stop etcd3")
    started = [title for kind, title in kinds if kind == "start-member"]
    assert started == ["start etcd1", "start etcd2", "start etcd3"]


@pytest.mark.parametrize("name", [n for n in CASES if n.startswith("start-")])
def test_a_start_rewrites_nothing(name: str) -> None:
    """Only services are touched."""
    assert {s.kind for s in plan_of(name).steps} <= {
        "stop-member",
        "fence-member",
        "change-settings",
        "start-member",
        "await-health",
        "start-client",
    }


@pytest.mark.parametrize("name", [n for n in CASES if n.startswith("rescue-")])
def test_the_revision_is_bumped_unless_nothing_can_be_missing(name: str) -> None:
    """Clients that cache must not see a revision twice."""
    plan = plan_of(name)
    bumps = {s.bump_revision for s in plan.steps if isinstance(s, RestoreMember)}
    expected = None if plan.loss.proven_none or "without-bump" in name else BUMP_REVISIONS
    assert bumps == {expected}


def test_the_image_is_built_from_what_was_decided() -> None:
    """The numbers that the step holds the logs against when it runs."""
    (build,) = [s for s in plan_of("rescue-proven").steps if isinstance(s, BuildImage)]
    assert (build.base, build.base_index, build.base_revision) == ("etcd1", 5, 6)
    assert (build.log_from, build.last_index, build.last_term) == ("etcd1", 6, 2)
    assert build.log_members == ("etcd1", "etcd2")


def test_space_is_asked_for_before_anything_is_planned() -> None:
    """Of the host, in words that name the disk and both sizes."""
    with pytest.raises(NotEnoughSpace, match="has 1000 B free at /var/lib/etcd1"):
        CASES["refused-no-space"].plan()
