"""Crash trials on hosts, without hosts: what is drawn, when one fails, what counts as order."""

from decimal import Decimal

import pytest

from requorum.lab.damage.kinds import DamageKind
from requorum.lab.host_trials.drawn import draw_on_hosts
from requorum.lab.host_trials.order import disorder
from requorum.lab.host_trials.record import HostTrialRecord
from requorum.lab.hosts.description import EtcdStyle
from requorum.lab.hosts.stand_in_logs import StandInEvent
from requorum.lab.trials.judged import Judged
from requorum.lab.trials.record import RecoveryRecord

VERSIONS = ("3.4.1", "3.5.1", "3.6.1")
SOUND = Judged(
    member="etcd1",
    acknowledged=100,
    lost=0,
    lost_outside=0,
    corrupted=0,
    foreign=0,
    out_of_order=0,
    renumbered=0,
    torn=0,
    contradictions=0,
    shown=(),
)

IN_ORDER = (
    "0 start kubelet node1, 0 start kube-apiserver node1, "
    "5 fail kube-apiserver node2, 7 start kube-apiserver node2, "
    "10 stop kubelet node1, 10 stop kubelet node2, 11 stop kubelet node3, "
    "12 stop kube-apiserver node1, 12 stop kube-apiserver node2, 12 stop kube-apiserver node3, "
    "20 start kube-apiserver node3, 20 start kube-apiserver node1, 21 start kube-apiserver node2, "
    "22 start kubelet node1, 22 start kubelet node2, 22 start kubelet node3"
)


def recovered(*, proven_none: bool) -> RecoveryRecord:
    """Return a recovery that lost nothing of the writers' own."""
    return RecoveryRecord(
        outcome="recovered", path="start", proven_none=proven_none, verdicts=(SOUND,)
    )


def logged(text: str) -> list[StandInEvent]:
    """Read "TIME EVENT UNIT HOST, …"."""
    lines = [line.split() for line in text.split(", ")]
    return [StandInEvent.parse(f"{time} 0 {' '.join(words)}") for time, *words in lines]


def test_versions_and_styles_take_turns() -> None:
    """Nine trials in a row have every version with every way to configure etcd's unit."""
    drawn = [draw_on_hosts(seed, VERSIONS) for seed in range(5, 14)]
    assert {(d.version, d.style) for d in drawn} == {(v, s) for v in VERSIONS for s in EtcdStyle}


def test_what_is_drawn_stays_within_its_bounds() -> None:
    """Copies before the cut, distinct members, one damage at least, and the same for a seed."""
    drawn = [draw_on_hosts(seed, VERSIONS) for seed in range(200)]
    assert drawn[7] == draw_on_hosts(7, VERSIONS)
    assert {len(d.damages) for d in drawn} == {1, 2, 3}
    kinds = {kinds[0] for d in drawn for _, kinds in d.damages}
    assert kinds == set(DamageKind) - {DamageKind.WRONG_CLUSTER}
    for d in drawn:
        assert 0 <= d.copies_at <= d.cut_at
        assert len(dict(d.damages)) == len(d.damages)


def test_in_order() -> None:
    """What an API server's own systemd did before it was stopped is nobody's disorder."""
    assert not list(disorder(logged(IN_ORDER), since=Decimal(3), hosts=3))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("11 stop kubelet node3", "13 stop kubelet node3", "was stopped before the last kubelet"),
        ("11 stop kubelet node3, ", "", "2 of 3 kubelets were stopped"),
        ("22 start kubelet node2", "20.5 start kubelet node2", "before the last API server"),
        (", 22 start kubelet node2", "", "3 API servers and 2 kubelets of 3 were started"),
    ],
)
def test_out_of_order(old: str, new: str, said: str) -> None:
    """Each way to be out of order is told."""
    found = list(disorder(logged(IN_ORDER.replace(old, new)), since=Decimal(3), hosts=3))
    assert found
    assert said in found[0]


@pytest.mark.parametrize(
    ("fields", "failed"),
    [
        ({}, False),
        ({"disorder": ("kubelet first",)}, True),
        ({"beside_lost": 1}, True),
        ({"error": "Unreachable: node1"}, True),
    ],
)
def test_when_a_trial_fails(fields: dict[str, object], *, failed: bool) -> None:
    """Order, and the stand-ins' writes, count as much as the writers' own."""
    recovery = RecoveryRecord(
        outcome="recovered", path="start", proven_none=True, verdicts=(SOUND,)
    )
    record = HostTrialRecord(
        seed=1,
        version="3.5.1",
        members=3,
        writers=4,
        snapshot_count=None,
        load_seconds=1,
        style="flags",
        recovery=recovery,
    )
    assert bool(record.model_copy(update=fields).failures) is failed


def test_a_stand_ins_write_in_a_stated_loss() -> None:
    """Nobody knows its revision: it may be in the range that was stated."""
    recovery = RecoveryRecord(
        outcome="recovered", path="start", proven_none=False, verdicts=(SOUND,)
    )
    record = HostTrialRecord(
        seed=1,
        version="3.5.1",
        members=3,
        writers=4,
        snapshot_count=None,
        load_seconds=1,
        style="flags",
        recovery=recovery,
        beside_lost=2,
    )
    assert not record.failures
