"""Carrying out a plan, and going on with one or back: the same for every runbook."""

import getpass
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from posixpath import dirname
from random import SystemRandom

from pydantic import JsonValue, TypeAdapter

from requorum.app.results import LossResult, MemberHealth, RecoverResult
from requorum.app.settings import Credentials, Settings
from requorum.app.wiring import reach_of
from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import Cluster, MemberSpec
from requorum.facts.live import ask_members
from requorum.facts.survey import Reach, running_members, stamps_of
from requorum.ports import Host
from requorum.runbooks.steps import STEP_DECODER
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace, workspace_of
from requorum.workflow.interruption import cancelled_by_signals
from requorum.workflow.journal import Journal
from requorum.workflow.observer import Observer
from requorum.workflow.plan import Plan, fingerprint_of, new_run_id
from requorum.workflow.runner import execute, rollback
from requorum.workflow.runs import find_run

_CLUSTER: TypeAdapter[Cluster] = TypeAdapter(Cluster)
_BINARIES: TypeAdapter[dict[str, EtcdBinaries]] = TypeAdapter(dict[str, EtcdBinaries])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who asks, with what settings and rights."""

    settings: Settings
    credentials: Credentials | None = None

    def redact(self, text: str) -> str:
        """Take the password out of a text that goes into a journal."""
        if self.credentials is None or not self.credentials.password:
            return text
        return text.replace(self.credentials.password, "********")


def next_run_id() -> str:
    """Return a new run's id."""
    return new_run_id(datetime.now(UTC), SystemRandom())


async def workspaces_of(cluster: Cluster, reach: Reach, run: str) -> Mapping[str, Workspace]:
    """Return where this run keeps what it sets aside and makes, by member."""
    found: dict[str, Workspace] = {}
    for member in cluster.members:
        host = reach.hosts[member.name]
        real = await _without_links(host, member)
        data = await host.stat(real.data_dir)
        wal = await host.stat(real.wal_dir) if real.wal_dir else None
        found[member.name] = workspace_of(
            real,
            run,
            data_dir_is_mount=data is not None and data.is_mount_point,
            wal_dir_is_mount=wal is not None and wal.is_mount_point,
        )
    return found


async def _without_links(host: Host, member: MemberSpec) -> MemberSpec:
    """Follow links: what is renamed is the directory, on its own disk, never a link to it."""
    wal_dir = await host.real_path(member.wal_dir) if member.wal_dir else None
    return replace(member, data_dir=await host.real_path(member.data_dir), wal_dir=wal_dir)


def context_of(
    cluster: Cluster, binaries: Mapping[str, EtcdBinaries], **more: JsonValue
) -> dict[str, JsonValue]:
    """Return what another process needs to go on with the run. No secret is in it."""
    return {
        "cluster": _CLUSTER.dump_python(cluster, mode="json"),
        "binaries": _BINARIES.dump_python(dict(binaries), mode="json"),
        **more,
    }


async def facts_fingerprint(cluster: Cluster, reach: Reach) -> str:
    """Return the fingerprint of what a plan rests on: what runs, and every file that holds still.

    A running member's files move by themselves; that it runs is the fact.
    """
    running = await running_members(cluster, reach)
    stamps = await stamps_of(cluster, reach)
    facts: dict[str, JsonValue] = {
        m.name: {
            "running": running[m.name],
            "files": {}
            if running[m.name]
            else {path: list(stamp) for path, stamp in stamps[m.name].items()},
        }
        for m in cluster.members
    }
    return fingerprint_of(facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan that waits for approval; `began` is time.monotonic() when the command did."""

    plan: Plan[World]
    loss: LossResult
    world: World
    began: float


async def run_prepared(operator: Operator, prepared: Prepared, observer: Observer) -> RecoverResult:
    """Carry out what was approved; the result says how the members are afterwards."""
    await carry_out(operator, prepared.plan, prepared.world, observer)
    return await _result_of(
        prepared.plan, prepared.world, outcome="recovered", began=prepared.began
    )


async def result_of_run(
    operator: Operator, plan: Plan[World], *, outcome: str, began: float
) -> RecoverResult:
    """Return the result of a recorded run that was resumed or rolled back."""
    return await _result_of(plan, world_of(plan, operator), outcome=outcome, began=began)


async def _result_of(
    plan: Plan[World], world: World, *, outcome: str, began: float
) -> RecoverResult:
    """Ask every member once more; where the run went back there is no loss to speak of."""
    live = await ask_members(world.cluster, world.reach.connect)
    return RecoverResult.model_validate(
        {
            "outcome": outcome,
            "path": plan.context["path"],
            "run": plan.run_id,
            "members": [
                MemberHealth(name=m.name, healthy=live[m.name].reads) for m in world.cluster.members
            ],
            "loss": plan.context["loss"] if outcome == "recovered" else None,
            "seconds": round(time.monotonic() - began, 3),
            "reasons": plan.summary,
            "warnings": plan.warnings,
        }
    )


async def carry_out(
    operator: Operator, plan: Plan[World], world: World, observer: Observer
) -> None:
    """Record the plan as approved and run it to its end."""
    with Journal.create(operator.settings.runs_dir, plan, redact=operator.redact) as journal:
        journal.approve(by=_who())
        await _locked(world, lambda: _execute(plan, journal, world, observer))


async def resume(operator: Operator, wanted: str, observer: Observer) -> Plan[World]:
    """Go on with a run that was interrupted or failed."""
    with _opened(operator, wanted) as journal:
        plan = journal.load_plan(STEP_DECODER)
        world = world_of(plan, operator)
        await _locked(world, lambda: _execute(plan, journal, world, observer))
        return plan


async def roll_back(operator: Operator, wanted: str, observer: Observer) -> Plan[World]:
    """Take back everything that a run has done."""
    with _opened(operator, wanted) as journal:
        plan = journal.load_plan(STEP_DECODER)
        world = world_of(plan, operator)

        async def act() -> None:
            with cancelled_by_signals():
                await rollback(plan, journal, world, observer)

        await _locked(world, act)
        return plan


def world_of(plan: Plan[World], operator: Operator) -> World:
    """Build the world of a recorded plan again."""
    cluster = _CLUSTER.validate_python(plan.context["cluster"])
    return World(
        run=plan.run_id,
        cluster=cluster,
        reach=reach_of(cluster, operator.credentials),
        binaries=_BINARIES.validate_python(plan.context["binaries"]),
    )


def _opened(operator: Operator, wanted: str) -> Journal:
    run_dir: Path = find_run(operator.settings.runs_dir, wanted)
    return Journal.open(run_dir, redact=operator.redact)


async def _execute(plan: Plan[World], journal: Journal, world: World, observer: Observer) -> None:
    async def confirm(now: World) -> str:
        return await facts_fingerprint(now.cluster, now.reach)

    with cancelled_by_signals():
        await execute(plan, journal, world, observer, confirm=confirm)


async def _locked(world: World, act: Callable[[], Awaitable[None]]) -> None:
    """Hold a lock beside each member's data, so that no second run works on the same."""
    workspaces = await workspaces_of(world.cluster, world.reach, world.run)
    async with AsyncExitStack() as locks:
        for member in world.cluster.members:
            host = world.host(member.name)
            path = workspaces[member.name].lock
            await host.make_dirs(dirname(path))
            await locks.enter_async_context(host.lock(path, holder=f"run {world.run} by {_who()}"))
        await act()


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
