"""Carrying out a plan, and going on with one or back: the same for every runbook."""

import asyncio
import getpass
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from posixpath import dirname

from requorum.app.members.facts import furnish_fingerprint, membership_fingerprint
from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import (
    BINARIES,
    CLUSTER,
    Prepared,
    facts_fingerprint,
    workspaces_of,
)
from requorum.app.results import MemberHealth, RecoverResult
from requorum.app.wiring import open_reach
from requorum.clients.hosts.local import LocalHost
from requorum.errors import Locked
from requorum.facts.live import ask_members
from requorum.ports.host import Host
from requorum.runbooks.steps import STEP_DECODER
from requorum.runbooks.steps.world import World
from requorum.workflow.interruption import cancelled_by_signals
from requorum.workflow.journal import Journal
from requorum.workflow.observer import Observer
from requorum.workflow.plan import Plan
from requorum.workflow.runner import execute, rollback
from requorum.workflow.runs import find_run

_OUTCOMES = {"replace": "replaced", "add": "added", "remove": "removed", "furnish": "furnished"}
_CONFIRMS = {
    "replace": membership_fingerprint,
    "add": membership_fingerprint,
    "remove": membership_fingerprint,
    "furnish": furnish_fingerprint,
}

LEFT_LOCK_SECONDS = 45.0
"""A host hears nothing for 30 s before it gives a lock back; and it may be busy."""
LEFT_LOCK_POLL = 1.0


async def run_prepared(operator: Operator, prepared: Prepared, observer: Observer) -> RecoverResult:
    """Record the plan as approved and run it to its end; the result says how the members are."""
    plan = prepared.plan
    with Journal.create(operator.settings.runs_dir, plan, redact=operator.redact) as journal:
        journal.approve(by=_who())
        async with _world_of(plan, operator, observer) as world:
            await _locked(world, lambda: _execute(plan, journal, world, observer))
            return await _result_of(plan, world, outcome=_done(plan), began=prepared.began)


async def resume(operator: Operator, wanted: str, observer: Observer) -> RecoverResult:
    """Go on with a run that was interrupted or failed."""
    began = time.monotonic()
    with _opened(operator, wanted) as journal:
        plan = journal.load_plan(STEP_DECODER)
        async with _world_of(plan, operator, observer) as world:
            await _locked(world, lambda: _execute(plan, journal, world, observer))
            return await _result_of(plan, world, outcome=_done(plan), began=began)


async def roll_back(operator: Operator, wanted: str, observer: Observer) -> RecoverResult:
    """Take back everything that a run has done."""
    began = time.monotonic()
    with _opened(operator, wanted) as journal:
        plan = journal.load_plan(STEP_DECODER)
        async with _world_of(plan, operator, observer) as world:

            async def act() -> None:
                with cancelled_by_signals():
                    await rollback(plan, journal, world, observer)

            await _locked(world, act)
            return await _result_of(plan, world, outcome="rolled-back", began=began)


@asynccontextmanager
async def _world_of(
    plan: Plan[World], operator: Operator, observer: Observer
) -> AsyncIterator[World]:
    """Build the world of a plan from its own context, whoever made it and when."""
    cluster = CLUSTER.validate_python(plan.context["cluster"])
    async with open_reach(cluster, operator.credentials) as reach:
        yield World(
            run=plan.run_id,
            cluster=cluster,
            reach=reach,
            binaries=BINARIES.validate_python(plan.context["binaries"]),
            here=LocalHost(),
            watcher=observer,
        )


async def _result_of(
    plan: Plan[World], world: World, *, outcome: str, began: float
) -> RecoverResult:
    """Ask every member once more; where the run went back there is no loss to speak of."""
    live = await ask_members(world.cluster, world.reach.etcd)
    return RecoverResult.model_validate(
        {
            "outcome": outcome,
            "path": plan.context["path"],
            "run": plan.run_id,
            "members": [
                MemberHealth(name=m.name, healthy=live[m.name].reads)
                for m in world.cluster.members
                if outcome != "removed" or m.name != plan.context["member"]
            ],
            "loss": None if outcome == "rolled-back" else plan.context["loss"],
            "seconds": round(time.monotonic() - began, 3),
            "reasons": plan.summary,
            "warnings": plan.warnings,
        }
    )


def _done(plan: Plan[World]) -> str:
    """Return the outcome of a run that reached its end."""
    return _OUTCOMES.get(str(plan.context["path"]), "recovered")


def _opened(operator: Operator, wanted: str) -> Journal:
    run_dir: Path = find_run(operator.settings.runs_dir, wanted)
    return Journal.open(run_dir, redact=operator.redact)


async def _execute(plan: Plan[World], journal: Journal, world: World, observer: Observer) -> None:
    joins = plan.context.get("member")

    async def confirm(now: World) -> str:
        if isinstance(joins, str):
            return await _CONFIRMS[str(plan.context["path"])](now.cluster, now.reach, joins)
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
            await _enter(locks, host, path, world.run, world.watcher.say)
        await act()


async def _enter(
    locks: AsyncExitStack, host: Host, path: str, run: str, say: Callable[[str], None]
) -> None:
    """Take a lock; wait for one that this very run left behind when its connection was cut.

    No process of ours has it: whoever goes on with a run has its journal alone. The host gives it
    back once it has not heard of its holder for a while.
    """
    give_up = asyncio.get_running_loop().time() + LEFT_LOCK_SECONDS
    waiting = False
    while True:
        try:
            await locks.enter_async_context(host.lock(path, holder=f"run {run} by {_who()}"))
        except Locked as error:
            left_by_us = f"run {run} by {_who()}" in error.message
            if not left_by_us or asyncio.get_running_loop().time() > give_up:
                raise
            if not waiting:
                say(f"waiting until {host.name} gives back the lock that this run left there")
            waiting = True
            await asyncio.sleep(LEFT_LOCK_POLL)
        else:
            return


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
