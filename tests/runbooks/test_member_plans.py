"""Plans of changed memberships, as transcripts: tests/transcripts/member-*.txt.

`pytest --rewrite-transcripts` writes them anew. Commit the diff only when you understand it.
"""

from collections.abc import Callable

import pytest
from serving_cluster import Case, five

Transcript = Callable[[str, str], None]

ALL_FIVE = ("etcd1", "etcd2", "etcd3", "etcd4", "etcd5")
TIMED_OUT = {"etcd3": "no answer from 10.0.0.33 within 10 s"}

CASES: dict[str, Case] = {
    "replace-a-dead-one": Case("replace", "etcd3", down=["etcd3"]),
    "replace-one-without-data": Case("replace", "etcd3", down=["etcd3"], has_data=False),
    "replace-the-leader-that-serves": Case("replace", "etcd3", leader="etcd3", running=True),
    "replace-one-that-moves": Case(
        "replace", "etcd3", down=["etcd3"], urls={"etcd3": "http://10.9.9.9:2380"}
    ),
    "replace-one-whose-data-differs": Case(
        "replace", "etcd3", running=True, alarms={"etcd3": "CORRUPT"}
    ),
    "replace-one-of-two-lost": Case(
        "replace", "etcd4", cluster=five(), listed=ALL_FIVE, down=["etcd4", "etcd5"]
    ),
    "replace-refused-other-voter-down": Case(
        "replace",
        "etcd4",
        cluster=five(),
        listed=ALL_FIVE,
        down=["etcd4", "etcd5"],
        version="3.5.16",
    ),
    "replace-refused-quorum": Case("replace", "etcd3", down=["etcd2"], running=True),
    "replace-refused-of-two": Case("replace", "etcd2", listed=("etcd1", "etcd2"), running=True),
    "replace-refused-no-member": Case("replace", "etcd3", listed=("etcd1", "etcd2")),
    "replace-refused-host-out-of-reach": Case(
        "replace", "etcd3", down=["etcd3"], unreachable=TIMED_OUT
    ),
    "replace-refused-nospace": Case(
        "replace", "etcd3", down=["etcd3"], alarms={"etcd1": "NOSPACE"}
    ),
    "replace-refused-another-corrupt": Case(
        "replace", "etcd3", down=["etcd3"], alarms={"etcd2": "CORRUPT"}
    ),
    "replace-refused-a-laggard": Case("replace", "etcd3", down=["etcd3"], applied={"etcd2": 100}),
    "replace-refused-another-learner": Case(
        "replace",
        "etcd3",
        cluster=five(),
        listed=ALL_FIVE[:4],
        down=["etcd3"],
        learners=["etcd4"],
    ),
    "replace-refused-settings-not-ours": Case(
        "replace", "etcd3", down=["etcd3"], configurable=False
    ),
    "replace-refused-old-release": Case("replace", "etcd3", down=["etcd3"], version="3.3.27"),
    "add-the-second": Case("add", "etcd2", listed=("etcd1",), has_data=False),
    "add-the-third-with-old-data": Case("add", "etcd3", listed=("etcd1", "etcd2"), running=True),
    "add-refused-taken": Case("add", "etcd3"),
    "add-refused-a-voter-down": Case(
        "add", "etcd4", cluster=five(), down=["etcd2"], has_data=False
    ),
    "remove-one-of-five": Case(
        "remove", "etcd5", cluster=five(), listed=ALL_FIVE, leader="etcd5", running=True
    ),
    "remove-a-dead-host": Case("remove", "etcd3", down=["etcd3"], unreachable=TIMED_OUT),
    "remove-refused-quorum": Case("remove", "etcd3", down=["etcd2"], running=True),
    "remove-refused-the-last": Case("remove", "etcd1", listed=("etcd1",), running=True),
}


@pytest.mark.parametrize("name", CASES)
def test_plan(name: str, transcript: Transcript) -> None:
    """What is planned, or why nothing is, in the words that an operator reads."""
    transcript(f"member-{name}", CASES[name].told())


@pytest.mark.parametrize("name", [name for name in CASES if "refused" not in name])
def test_nothing_is_changed_before_the_snapshot(name: str) -> None:
    """The first step of every change is a snapshot of a member that serves."""
    told = CASES[name].told()
    assert told.split("steps:\n")[1].lstrip().startswith("take-backup on -: save a snapshot of")


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("replace-")])
def test_a_vote_that_is_missing_leaves_before_one_comes(name: str) -> None:
    """In each plan the old member is removed before the new one is added, and it learns first."""
    told = CASES[name].told()
    if told.startswith("refused"):
        return
    kinds = ["remove-member", "add-learner", "start-member", "await-caught-up", "promote-member"]
    places = [told.index(f"  {kind} on") for kind in kinds]
    assert places == sorted(places)
