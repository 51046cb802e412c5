"""The crash trial: what it draws, when it fails, and a few of it on real etcd."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from requorum.app.practice.trials import recover_once
from requorum.app.settings import Settings
from requorum.domain.loss import Loss, UnprovenRange
from requorum.lab import acks
from requorum.lab.acks import Ack, Intent, Put
from requorum.lab.classic import classic
from requorum.lab.damage.copies import put_copy_back
from requorum.lab.damage.graveyard import bury
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.layout import read_lab
from requorum.lab.oracle import Found
from requorum.lab.promises import Absent, Present, Promises, Step, Transaction, Write, promises_of
from requorum.lab.trials.drawn import UNSEEN_ON_A_SINGLE_MEMBER, Drawn, draw
from requorum.lab.trials.judged import Judged, _may_be_a_loss, judged, values_of_nobody
from requorum.lab.trials.record import DamageRecord, RecoveryRecord, RivalRecord, TrialRecord
from requorum.lab.trials.recovery import Recovered, RecoveryRequest
from requorum.lab.trials.summary import summarise
from requorum.lab.trials.trial import PROCEDURES, Bench, Procedure, run_trial
from requorum.lab.values import value_of
from requorum.ports.etcd import Etcd, KeyValue

Connect = Callable[[str], Etcd]
BinariesOf = Callable[[str], Path]

VERSIONS = ("3.4.0", "3.5.0")
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
RECOVERED = RecoveryRecord(
    outcome="recovered",
    path="rescue",
    proven_none=True,
    healthy={"etcd1": True},
    verdicts=(SOUND,),
)
TRIAL = TrialRecord(
    seed=7,
    version="3.5.0",
    members=3,
    writers=4,
    snapshot_count=None,
    load_seconds=1,
    acknowledged=100,
    recovery=RECOVERED,
)


def trial_with(verdict: dict[str, int], **recovery: object) -> TrialRecord:
    """Return a trial whose one verdict, and whose recovery, differ from the sound one so."""
    fields = {"verdicts": (SOUND.model_copy(update=verdict),), **recovery}
    return TRIAL.model_copy(update={"recovery": RECOVERED.model_copy(update=fields)})


def test_the_same_seed_draws_the_same_trial() -> None:
    """A failed trial is repeated by its seed."""
    assert draw(5, VERSIONS) == draw(5, VERSIONS)
    assert draw(5, VERSIONS) != draw(6, VERSIONS)


def test_what_is_drawn_stays_within_its_bounds() -> None:
    """Copies before the kill, distinct members, no damage that no disk could tell of."""
    drawn = [draw(seed, VERSIONS) for seed in range(300)]
    assert {d.version for d in drawn} == set(VERSIONS)
    assert {d.members for d in drawn} == {1, 3, 5}
    assert {len(d.damages) for d in drawn} == {0, 1, 2}
    assert {kinds[0] for d in drawn for _, kinds in d.damages} == set(DamageKind)
    for d in drawn:
        hit = [name for name, _ in d.damages]
        assert 0 <= d.copies_at <= d.kill_at
        assert len(set(hit)) == len(hit) <= d.members
        if d.members == 1:
            assert not any(UNSEEN_ON_A_SINGLE_MEMBER & set(kinds) for _, kinds in d.damages)


def test_a_trial_without_a_loss_did_not_fail() -> None:
    """The sound one, by which the others are measured."""
    assert TRIAL.failures == ()


@pytest.mark.parametrize(
    "finding", ["lost", "renumbered", "corrupted", "foreign", "out_of_order", "torn"]
)
def test_whatever_is_found_fails_a_trial_that_was_proven(finding: str) -> None:
    """Proven none means none."""
    (why,) = trial_with({finding: 3}).failures
    assert "3" in why


def test_a_stated_loss_is_no_failure() -> None:
    """It was said beforehand that these writes may be missing, and revisions may have moved."""
    assert trial_with({"lost": 3, "renumbered": 5}, proven_none=False).failures == ()


@pytest.mark.parametrize("finding", ["lost_outside", "corrupted", "foreign", "torn"])
def test_a_stated_loss_excuses_nothing_else(finding: str) -> None:
    """What lies outside of the range, and what was never written, is a failure all the same."""
    assert trial_with({finding: 1}, proven_none=False).failures


def test_an_unhealthy_member_fails_the_trial() -> None:
    """After a rescue all must serve; after a start only the damaged one may be left out."""
    healthy = {"etcd1": True, "etcd2": False}
    rescued = trial_with({}, healthy=healthy)
    started = trial_with({}, healthy=healthy, path="start")
    damage = DamageRecord(kind=DamageKind.LOST_DISK, member="etcd2", said="gone")
    assert rescued.failures == ("etcd2 is not healthy",)
    assert started.failures == ("etcd2 is not healthy",)
    assert started.model_copy(update={"damages": (damage,)}).failures == ()
    assert rescued.model_copy(update={"damages": (damage,)}).failures


def test_a_recovery_through_which_nothing_was_read_failed() -> None:
    """No verdict is no proof."""
    assert trial_with({}, verdicts=()).failures


@pytest.mark.parametrize(
    ("kinds", "cautious"),
    [
        ((), True),
        ((DamageKind.LOST_DISK,), True),
        ((DamageKind.LOST_DISK, DamageKind.DB_TRUNCATED), True),
        ((DamageKind.LOST_DISK, DamageKind.STALE_COPY), False),
    ],
)
def test_a_doubt_is_needless_while_two_logs_of_three_are_whole(
    kinds: tuple[DamageKind, ...], *, cautious: bool
) -> None:
    """It is counted, so that caution has its price in numbers."""
    damages = tuple(
        DamageRecord(kind=kind, member=f"etcd{n}", said="") for n, kind in enumerate(kinds, start=1)
    )
    doubted = trial_with({}, proven_none=False).model_copy(update={"damages": damages})
    assert doubted.over_cautious == cautious
    assert not TRIAL.over_cautious


def test_nothing_usable_must_be_true() -> None:
    """It is an outcome of its own, and right only where no file could have been used."""
    said = RecoveryRecord(outcome="nothing-usable", message="nothing")
    assert TRIAL.model_copy(update={"recovery": said}).failures == ()
    untrue = said.model_copy(update={"usable": ("the database of etcd1 is sound",)})
    assert TRIAL.model_copy(update={"recovery": untrue}).failures


@pytest.mark.parametrize("outcome", ["error", "refused"])
def test_an_error_or_a_refusal_fails_the_trial(outcome: str) -> None:
    """There was something to recover."""
    done = RECOVERED.model_copy(update={"outcome": outcome, "message": "why"})
    assert TRIAL.model_copy(update={"recovery": done}).failures == (f"{outcome}: why",)


def test_others_count_only_where_requorum_did_not_run() -> None:
    """Beside requorum they are expected to lose; alone, a loss is a failure."""
    lossy = SOUND.model_copy(update={"lost": 3})
    rivals = (
        RivalRecord(procedure="classic", verdict=lossy),
        RivalRecord(procedure="force-new-cluster", message="does not start"),
    )
    beside = TRIAL.model_copy(update={"rivals": rivals})
    assert beside.failures == ()
    assert len(beside.model_copy(update={"recovery": None}).failures) == 2


def test_losses_are_added_up_by_procedure() -> None:
    """The table: lost writes, trials with a loss, trials after which nothing served."""
    rivals = (
        RivalRecord(procedure="classic", verdict=SOUND.model_copy(update={"lost": 3})),
        RivalRecord(procedure="force-new-cluster", message="does not start"),
    )
    summary = summarise([TRIAL.model_copy(update={"rivals": rivals}), trial_with({"lost": 2})])
    rows = {r.procedure: (r.trials, r.lost, r.trials_with_loss) for r in summary.losses}
    assert rows == {
        "requorum": (2, 2, 1),
        "classic": (1, 3, 1),
        "force-new-cluster": (1, 0, 0),
    }
    assert {r.procedure: r.not_serving for r in summary.losses}["force-new-cluster"] == 1
    assert summary.failed == (7,)
    assert summary.by_damage == {"none": 2}


def found(value: bytes, revision: int = 3) -> Found:
    """Return what a cluster with this value under the key "a" returns."""
    return Found(9, {"a": KeyValue(b"a", value, revision, revision, 1, 0)}, frozenset())


PUT_TWICE = promises_of(
    {
        "w": [
            Intent(seq=1, operation=Put(key="a")),
            Ack(seq=1, revision=2),
            Intent(seq=2, operation=Put(key="a")),
            Ack(seq=2, revision=3),
        ]
    }
)


def test_a_value_that_nobody_wrote_is_told_from_an_older_one() -> None:
    """An older value may be a stated loss; a value of nobody never is."""
    assert list(values_of_nobody(PUT_TWICE, found(value_of("w", 1)))) == []
    assert list(values_of_nobody(PUT_TWICE, found(b"r" + value_of("w", 1)[1:]))) == ["a"]


def test_a_loss_counts_as_outside_unless_a_range_contains_it() -> None:
    """The second put was acknowledged at revision 3 and is gone."""

    def stated(first: int) -> Judged:
        unproven = UnprovenRange(
            first_index=1, last_index=None, first_revision=first, last_revision=None, reason=""
        )
        return judged("m", PUT_TWICE, found(value_of("w", 1), 2), unproven=[unproven])

    assert (stated(3).lost, stated(3).lost_outside) == (1, 0)
    assert (stated(4).lost, stated(4).lost_outside) == (1, 1)


def seed_with(damages: int, *, members: int = 3) -> Drawn:
    """Return the first trial with so many damages, shortened."""
    drawn = (draw(seed, ("3.5",)) for seed in range(1000))
    fitting = next(d for d in drawn if len(d.damages) == damages and d.members == members)
    return replace(fitting, kill_at=1.5, copies_at=0.3, writers=8)


@pytest.fixture
def bench_of(tmp_path: Path, etcd_binaries: BinariesOf, connect: Connect) -> Callable[..., Bench]:
    """Return a function that gives a trial of 3.5 what it works with."""

    def of(*procedures: Procedure, version: str = "3.5") -> Bench:
        settings = Settings(
            runs_dir=tmp_path / "unused",
            etcd_cache=tmp_path / "no-cache",
            host_images=tmp_path / "unused",
        )
        return Bench(
            directory=tmp_path,
            bin_dir=etcd_binaries(version),
            connect=connect,
            recover=partial(recover_once, settings=settings),
            procedures=procedures,
        )

    return of


@pytest.mark.etcd
@pytest.mark.slow
@pytest.mark.parametrize("damages", [0, 2])
async def test_a_trial_on_real_etcd_loses_nothing(
    damages: int, bench_of: Callable[..., Bench]
) -> None:
    """Load, kill, damage, recovery, count; beside it the classic procedure on the same crash."""
    record = await run_trial(seed_with(damages), bench_of("requorum", "classic"))
    assert record.failures == ()
    assert record.acknowledged > 0
    assert len(record.damages) == damages
    assert record.recovery is not None
    assert record.recovery.verdicts
    assert record.recovery.grounds
    (rival,) = record.rivals
    assert rival.procedure == "classic"
    assert rival.verdict is None or rival.verdict.acknowledged == record.acknowledged


@pytest.mark.etcd
@pytest.mark.slow
async def test_a_recovery_that_loses_fails_the_trial(
    bench_of: Callable[..., Bench], connect: Connect
) -> None:
    """A recovery that restores one member's earlier copy, and swears that nothing is lost."""

    async def restore_an_earlier_copy(request: RecoveryRequest) -> Recovered:
        lab = read_lab(request.cluster_file.parent)
        for name in lab.names:
            bury(lab, name, lab.data_dir(name))
        put_copy_back(lab, lab.names[0])
        await classic(lab, connect)
        return Recovered(
            path="start",
            healthy=dict.fromkeys(lab.names, True),
            loss=Loss(unproven=(), grounds=()),
            reasons=(),
            warnings=(),
        )

    bench = replace(bench_of("requorum"), recover=restore_an_earlier_copy)
    record = await run_trial(seed_with(0), bench)
    assert record.recovery is not None
    assert record.recovery.lost > 0
    assert any("though proven none" in why for why in record.failures)


@pytest.mark.etcd
@pytest.mark.slow
async def test_the_other_procedures_serve_an_undamaged_crash(
    bench_of: Callable[..., Bench], etcd_minor: str
) -> None:
    """Alone they are judged like requorum: each takes a member, and its verdict is there."""
    bench = bench_of("classic", "force-new-cluster", version=etcd_minor)
    record = await run_trial(replace(seed_with(0), version=etcd_minor), bench)
    assert record.error is None
    assert [r.procedure for r in record.rivals] == ["classic", "force-new-cluster"]
    for rival in record.rivals:
        assert rival.verdict is not None, rival.message
        assert rival.verdict.acknowledged == record.acknowledged


async def test_a_trial_that_cannot_begin_has_failed(tmp_path: Path, connect: Connect) -> None:
    """There is no etcd: the record says so, and the next trial still runs."""

    async def never(_: RecoveryRequest) -> Recovered:
        raise AssertionError

    bench = Bench(
        directory=tmp_path, bin_dir=tmp_path, connect=connect, recover=never, procedures=PROCEDURES
    )
    record = await run_trial(draw(1, VERSIONS), bench)
    assert record.recovery is None
    assert len(record.failures) == 1


def test_a_transaction_that_a_stated_loss_explains_is_not_torn() -> None:
    """The key that it was to delete may be absent because its own put is lost."""
    promises = Promises()
    put = Write("w", 1, 10, acks.Put(key="b"))
    txn = Write("w", 2, None, acks.Txn(put="a", delete="b", if_mod_revision=5))
    promises.keys["a"] = [Step(Write("w", 0, 5, acks.Put(key="a")), Present("w", 0))]
    promises.keys["b"] = [Step(put, Present("w", 1)), Step(txn, Absent())]
    transaction = Transaction(txn, "a", "b")
    assert _may_be_a_loss(transaction, promises, [(8, None)])
    assert not _may_be_a_loss(transaction, promises, [(11, None)])
    assert not _may_be_a_loss(transaction, promises, [])
