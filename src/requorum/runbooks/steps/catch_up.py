"""Waiting until a new member holds what the others hold, on evidence."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from requorum.errors import RequorumError, StepFailed
from requorum.ports.etcd import MemberStatus
from requorum.runbooks.steps.reconfigure import serving
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

STATUS_DEADLINE = 5.0
POLL_SECONDS = 0.2
SAY_EVERY = 2.0
STALL_SECONDS = 120.0
BYTES_PER_SECOND_MIN = 4 << 20
"""A snapshot that comes slower than this is taken for one that does not come."""


@dataclass
class _Watch:
    """What was seen so far; times are the event loop's, in seconds."""

    began: float
    moved: float
    said: float
    first_index: int = 0
    applied: int = 0
    trouble: str = ""
    dead_since: float | None = field(default=None)


class AwaitCaughtUp(Step[World]):
    """Wait until a learner has applied all that the leader held a moment before.

    `db_size` is in bytes: a learner shows no progress while a snapshot of that size is sent to it.
    """

    kind: Literal["await-caught-up"] = "await-caught-up"
    member: str
    db_size: int

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Poll; StepFailed when it stands still, ends, or answers for another cluster."""
        clock = asyncio.get_running_loop().time
        watch = _Watch(began=clock(), moved=clock(), said=clock())
        goal: int | None = None
        while True:
            others, own = await self._ask(world, watch)
            if others is not None and own is not None:
                _refuse_stranger(self.member, own, others)
                if goal is not None and own.raft_applied_index >= goal:
                    return {"applied": own.raft_applied_index, "leader": others.raft_index}
                goal = others.raft_index
                self._tell(world, watch, own.raft_applied_index, goal)
            await self._refuse_standstill(world, watch)
            await asyncio.sleep(POLL_SECONDS)

    async def _ask(
        self, world: World, watch: _Watch
    ) -> tuple[MemberStatus | None, MemberStatus | None]:
        others = own = None
        try:
            async with serving(world, self.member) as etcd:
                others = await etcd.status(deadline=STATUS_DEADLINE)
            etcd = world.reach.etcd(world.spec(self.member))
            try:
                own = await etcd.status(deadline=STATUS_DEADLINE)
            finally:
                await etcd.close()
        except RequorumError as error:
            watch.trouble = error.message
        return others, own

    def _tell(self, world: World, watch: _Watch, applied: int, goal: int) -> None:
        now = asyncio.get_running_loop().time()
        if watch.applied == 0:
            watch.first_index, watch.began = applied, now
        if applied > watch.applied:
            watch.applied, watch.moved = applied, now
        if now - watch.said < SAY_EVERY:
            return
        watch.said, behind = now, max(goal - applied, 0)
        rate = (applied - watch.first_index) / max(now - watch.began, POLL_SECONDS)
        rest = f", about {behind / rate:.0f} s" if rate > 0 and behind else ""
        world.watcher.say(
            f"{self.member}: raft applied index {applied} of {goal}, {behind} behind{rest}"
        )

    async def _refuse_standstill(self, world: World, watch: _Watch) -> None:
        now = asyncio.get_running_loop().time()
        patience = STALL_SECONDS + self.db_size / BYTES_PER_SECOND_MIN
        if now - watch.moved > patience:
            raise StepFailed(
                f"{self.member} has not come nearer for {patience:.0f} s: "
                f"applied index {watch.applied}; {watch.trouble or 'it answers'}",
                hint="Look at etcd's own log on that host, mend what it names.",
            )
        if watch.applied or now - watch.said < SAY_EVERY:
            return
        watch.said = now
        if await world.service(self.member).running():
            watch.dead_since = None
        elif watch.dead_since is not None:
            raise StepFailed(
                f"{self.member} ended again after its start: {watch.trouble}",
                hint="Look at etcd's own log on that host, mend what it names, start it.",
            )
        else:
            watch.dead_since = now

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: waiting changed nothing."""
        return {}


def _refuse_stranger(member: str, own: MemberStatus, others: MemberStatus) -> None:
    if own.header.cluster_id != others.header.cluster_id:
        raise StepFailed(
            f"{member} answers for cluster {own.header.cluster_id:x}, "
            f"the others are {others.header.cluster_id:x}",
            hint="Its service starts it on other data than the cluster file names, "
            "or another etcd has its client URL.",
        )
