"""Stopping and starting one member."""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.errors import StepFailed
from requorum.facts.data_dir import is_in_use
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step


class StopMember(Step[World]):
    """Stop a member that runs without a quorum, so that its files hold still."""

    kind: Literal["stop-member"] = "stop-member"
    member: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Stop it, and see for ourselves that nothing holds its files open any more."""
        service = world.service(self.member)
        if await service.running():
            await service.stop()
        if await is_in_use(world.host(self.member), world.spec(self.member)):
            raise StepFailed(
                f"the service of {self.member} says that it is stopped, "
                "yet a process still holds its data open",
                hint="Another etcd runs on this data directory; find it with fuser and stop it.",
            )
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Start it again: it ran when the plan was made."""
        service = world.service(self.member)
        if not await service.running():
            await service.start()
        return {}


class StartMember(Step[World]):
    """Start a member on the data that it now has."""

    kind: Literal["start-member"] = "start-member"
    member: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Start it, unless it runs."""
        service = world.service(self.member)
        if not await service.running():
            await service.start()
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Stop it, so that its data can be put back as it was."""
        service = world.service(self.member)
        if await service.running():
            await service.stop()
        return {}
