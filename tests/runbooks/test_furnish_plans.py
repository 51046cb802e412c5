"""Plans that furnish a new machine, as transcripts: tests/transcripts/furnish-*.txt."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from failed_cluster import ON_HOSTS, plan_as_text

from requorum.errors import Refused
from requorum.facts.host_files import FoundFile, HostFiles
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.furnish_member import FurnishFacts, plan_furnishing
from requorum.runbooks.recover import NothingToDo
from requorum.runbooks.steps.furnish import CopyFiles

WORDS = {"etcd1": "etcd3", "node1": "node3", "10.0.0.31": "10.0.0.33", "same": "same"}


def file(path: str, *, adapt: bool = False, there: bool = False, folder: bool = False) -> FoundFile:
    """Return a file of the machine that serves."""
    return FoundFile(
        path=path,
        target=path,
        is_folder=folder,
        adapt=adapt,
        mode=0o700 if folder else 0o600,
        owner="etcd",
        group="etcd",
        size=0 if folder else 1024,
        digest="" if folder else "d1",
        wanted="" if folder else "d2" if adapt else "d1",
        there=there,
    )


FACTS = FurnishFacts(
    source=ON_HOSTS.members[0],
    files=HostFiles(
        found=(
            file("/etc/systemd/system/etcd.service"),
            file("/etc/etcd.env", adapt=True),
            file("/etc/ssl/etcd/ssl/ca.pem", there=True),
            file("/var/lib/etcd", folder=True),
        ),
        left_out=("/etc/ssl/etcd/ssl/member-node1-key.pem",),
        missing=(),
    ),
    words=WORDS,
    running=False,
    enabled=False,
)


def test_what_is_lacking(transcript: Callable[[str, str], None]) -> None:
    """Only that is copied; keys of the other machine are named; no content is in the plan."""
    plan = plan_furnishing(ON_HOSTS, FACTS, "etcd3")
    assert isinstance(plan, RecoveryPlan)
    transcript("furnish-a-new-machine", plan_as_text(plan))
    (copy, _) = plan.steps
    assert isinstance(copy, CopyFiles)
    assert "same" not in copy.words


def test_nothing_is_lacking() -> None:
    """That is said, as a success."""
    there = tuple(replace(each, there=True) for each in FACTS.files.found)
    facts = replace(FACTS, files=replace(FACTS.files, found=there), enabled=True)
    assert isinstance(plan_furnishing(ON_HOSTS, facts, "etcd3"), NothingToDo)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(FACTS, running=True), "etcd3 runs on root@10.0.0.33"),
        (
            replace(FACTS, files=replace(FACTS.files, missing=("/etc/nowhere",))),
            "not on the machine of etcd1: /etc/nowhere",
        ),
    ],
)
def test_refusals(facts: FurnishFacts, words: str) -> None:
    """Files are not exchanged under a member that runs, nor is one missed in silence."""
    with pytest.raises(Refused, match=words):
        plan_furnishing(ON_HOSTS, facts, "etcd3")
