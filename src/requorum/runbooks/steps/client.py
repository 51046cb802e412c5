"""Stopping and starting etcd's own clients, kubelet and kube-apiserver among them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step


class StopClient(Step[World]):
    """Stop a client on one host, so that it neither writes nor restarts etcd meanwhile."""

    kind: Literal["stop-client"] = "stop-client"
    client: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Stop it, unless it is stopped."""
        control = world.client(self.client, self.host)
        if await control.running():
            await control.stop()
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Start it again: it ran when the plan was made."""
        control = world.client(self.client, self.host)
        if not await control.running():
            await control.start()
        return {}


class StartClient(Step[World]):
    """Start a client on one host. From here on it writes, so this is a point of no return."""

    kind: Literal["start-client"] = "start-client"
    client: str
    point_of_no_return: bool = True

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Start it, unless it runs."""
        control = world.client(self.client, self.host)
        if not await control.running():
            await control.start()
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Stop it again. Only a run that never began to start it gets here."""
        control = world.client(self.client, self.host)
        if await control.running():
            await control.stop()
        return {}
