"""The use case behind `requorum demo`: one crash, told from the first write to the count.

A practice cluster is loaded, killed and damaged. requorum recovers it; then the same directories,
copied before the recovery, go through the classic procedure, and both results are counted by what
the writers were promised.
"""

import asyncio
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from requorum.app.cluster_file import load_cluster_file
from requorum.app.practice.lab import READY_DEADLINE, Count, connect_to, obtained
from requorum.app.recovery.recover import prepare_recovery
from requorum.app.recovery.run_plan import Operator, Prepared, run_prepared
from requorum.app.results import RecoverResult
from requorum.app.settings import Settings
from requorum.errors import StepFailed
from requorum.facts.live import Connect
from requorum.lab import practice
from requorum.lab.choices import PUTS
from requorum.lab.classic import classic
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.load import Load, LoadTotals
from requorum.lab.oracle import verdict
from requorum.lab.trials.record import RivalRecord
from requorum.lab.trials.rivals import try_rival
from requorum.workflow.observer import Observer

LOAD_SECONDS = 4.0
WRITERS = 48
DAMAGES = (("etcd1", DamageKind.LOST_DISK), ("etcd2", DamageKind.WAL_RECORD_FLIPPED))


class Narrator(Protocol):
    """Tells the story. `chapter` begins a part, `line` adds to it."""

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        ...

    def line(self, text: str) -> None:
        """Tell one fact."""
        ...

    def loading(self, acknowledged: int, seconds: float, of_seconds: float) -> None:
        """Show how far the load is."""
        ...

    def planned(self, prepared: Prepared) -> None:
        """Show the plan."""
        ...

    def observer(self, steps: int) -> Observer:
        """Return what shows the steps of the run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What was acknowledged, and what each procedure brought back of it."""

    etcd_version: str
    totals: LoadTotals
    recovery: RecoverResult
    ours: Count
    classic: RivalRecord

    @property
    def nothing_lost(self) -> bool:
        """Return whether our count is clean."""
        return self.ours.clean


def run_demo(directory: Path, *, version: str, narrator: Narrator) -> DemoResult:
    """Tell the whole story in `directory`, which must not exist yet; leaves no process."""
    narrator.chapter("A cluster of three, on real etcd")
    bin_dir = obtained(version, narrator.line).directory
    lab = practice.up(directory / "cluster", bin_dir=bin_dir)
    try:
        return asyncio.run(_story(lab, directory, narrator))
    finally:
        practice.down(lab.directory)


async def _story(lab: Lab, directory: Path, narrator: Narrator) -> DemoResult:
    connect = connect_to(lab)
    await practice.wait_ready(lab, connect, deadline=READY_DEADLINE)
    narrator.line(f"{', '.join(lab.names)} serve, etcd {lab.etcd_version}, in {lab.directory}")
    totals = await _load_and_kill(lab, connect, narrator)
    await _damage(lab, connect, narrator)
    crashed = directory / "crashed"
    await asyncio.to_thread(_keep, lab, crashed)
    recovery = await _recover(lab, directory, narrator)
    narrator.chapter("Count: every write that was acknowledged")
    ours = await _count(lab, connect)
    narrator.line(f"requorum: {ours.lost} of {ours.acknowledged} acknowledged writes are missing")
    for line in ours.shown:
        narrator.line(f"  {line}")
    await asyncio.to_thread(practice.down, lab.directory)
    narrator.chapter("The same crash, the classic way")
    narrator.line("the database with the highest revision, `snapshot restore` on every member")
    rival = await try_rival("classic", classic, lab, crashed, connect=connect)
    narrator.line(_told(rival))
    return DemoResult(
        etcd_version=lab.etcd_version,
        totals=totals,
        recovery=recovery,
        ours=ours,
        classic=rival,
    )


async def _load_and_kill(lab: Lab, connect: Connect, narrator: Narrator) -> LoadTotals:
    narrator.chapter("Load, and then the power goes")
    load = Load(
        lab.client_urls,
        connect,
        lab.acks,
        writers=WRITERS,
        seed=random.SystemRandom().getrandbits(32),
        compact=False,
        mix=PUTS,
    )
    running = asyncio.create_task(load.run())
    began = time.monotonic()
    try:
        while (passed := time.monotonic() - began) < LOAD_SECONDS and not running.done():
            narrator.loading(load.totals.acknowledged, passed, LOAD_SECONDS)
            await asyncio.wait([running], timeout=0.1)
        killed = await asyncio.to_thread(practice.crash, lab.directory)
    finally:
        load.stop()
        totals = await running
    narrator.line(
        f"{WRITERS} writers: {totals.acknowledged} writes acknowledged; "
        f"then kill -9 of {', '.join(killed)}, all at once, in the middle of it"
    )
    return totals


async def _damage(lab: Lab, connect: Connect, narrator: Narrator) -> None:
    rng = random.Random(1)  # noqa: S311  # where a bit flips is no secret
    for name, kind in DAMAGES:
        said = await inflict(kind, lab, name, rng, connect=connect)
        narrator.line(f"{name}: {_shorter(said, lab)}")


def _shorter(said: str, lab: Lab) -> str:
    return said.replace(f"{lab.directory}/", "")


def _keep(lab: Lab, crashed: Path) -> None:
    for name in lab.names:
        if lab.data_dir(name).is_dir():
            copy_tree_sparse(lab.data_dir(name), crashed / name)


async def _recover(lab: Lab, directory: Path, narrator: Narrator) -> RecoverResult:
    narrator.chapter("requorum recover")
    cluster = load_cluster_file(str(lab.cluster_file))
    settings = replace(Settings.from_environment(), runs_dir=directory / "runs")
    operator = Operator(settings=settings)
    prepared = await prepare_recovery(operator, cluster)
    if isinstance(prepared, RecoverResult):
        raise StepFailed(f"there was nothing to recover: {'; '.join(prepared.reasons)}")
    narrator.planned(prepared)
    return await run_prepared(operator, prepared, narrator.observer(len(prepared.plan.steps)))


async def _count(lab: Lab, connect: Connect) -> Count:
    etcd = connect(lab.client_urls[0])
    try:
        return Count.of(await verdict(lab.acks, etcd))
    finally:
        await etcd.close()


def _told(rival: RivalRecord) -> str:
    if rival.verdict is None:
        return f"classic: it brought nothing back: {rival.message}"
    return (
        f"classic: {rival.verdict.lost} of {rival.verdict.acknowledged} acknowledged writes are "
        f"missing (database of {rival.chosen})"
    )
