"""Stopping and starting etcd's own clients, kubelet and kube-apiserver among them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step


class StopClient(Step[World]):
    """Stop a client on one host, so that it neither writes nor restarts etcd meanwhile."""

    kind: Literal["stop-client"] = "stop-client"
    unit: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Stop it, unless it is stopped."""
        client = world.client(self.unit, self.host)
        if await client.running():
            await client.stop()
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Start it again: it ran when the plan was made."""
        client = world.client(self.unit, self.host)
        if not await client.running():
            await client.start()
        return {}


class StartClient(Step[World]):
    """Start a client on one host. From here on it writes, so this is a point of no return."""

    kind: Literal["start-client"] = "start-client"
    unit: str
    point_of_no_return: bool = True

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Start it, unless it runs."""
        client = world.client(self.unit, self.host)
        if not await client.running():
            await client.start()
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Stop it again. Only a run that never began to start it gets here."""
        client = world.client(self.unit, self.host)
        if await client.running():
            await client.stop()
        return {}
