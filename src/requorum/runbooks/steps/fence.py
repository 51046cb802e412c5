"""Keeping a member from being started while its data is exchanged, or for good."""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step


class FenceMember(Step[World]):
    """Keep a stopped member from being started, by whomever. One that `stays` outlives the run."""

    kind: Literal["fence-member"] = "fence-member"
    member: str
    stays: bool = False

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Put the fence up; what somebody started just before is stopped again."""
        await world.fence(self.member).put_up(world.run, stays=self.stays)
        service = world.service(self.member)
        if await service.running():
            await service.stop()
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Lift it; one that stood there before stands again."""
        await world.fence(self.member).lift(world.run, as_before=True)
        return {}


class LiftFence(Step[World]):
    """Let a member be started again."""

    kind: Literal["lift-fence"] = "lift-fence"
    member: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Lift this run's fence."""
        await world.fence(self.member).lift(world.run)
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Put it up again, for the data is to be taken out."""
        await world.fence(self.member).put_up(world.run)
        return {}
