"""Handing the leadership over before its member is touched: an election less for the clients."""

import asyncio
from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.domain.ids import MemberId
from requorum.errors import EtcdError, Refused, Unreachable
from requorum.facts.membership import Membership, ask_membership
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

PATIENCE = 30.0
MOVE_DEADLINE = 10.0
POLL_SECONDS = 0.3


class MoveLeader(Step[World]):
    """Hand the leadership to the healthy voter whose log is furthest."""

    kind: Literal["move-leader"] = "move-leader"
    member: str
    id: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Move it, unless another leads; where the leader will not, its stop causes an election."""
        old, trouble = MemberId(int(self.id, 16)), ""
        end = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < end:
            try:
                now = await ask_membership(world.cluster, world.reach)
                if now.leader != old:
                    return {"leader": now.leading.name if now.leading else f"{now.leader:x}"}
                await self._hand_over(world, now)
            except (EtcdError, Unreachable, Refused) as error:
                trouble = error.message
            await asyncio.sleep(POLL_SECONDS)
        return {"not moved": f"{trouble}; the others elect a leader when it stops"}

    async def _hand_over(self, world: World, now: Membership) -> None:
        others = {n: s for n, s in now.statuses.items() if n != self.member}
        heir = max(others, key=lambda name: others[name].raft_applied_index)
        etcd = world.reach.etcd(world.spec(self.member))
        try:
            target = others[heir].header.member_id
            await etcd.move_leader(target, deadline=MOVE_DEADLINE)
        finally:
            await etcd.close()

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: any voter may lead."""
        return {}
