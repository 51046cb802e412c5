"""What a member is started with the first time: whom it joins."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import JsonValue

from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

Urls = Mapping[str, Sequence[str]]
"""Peer URLs by the names that etcd knows the members by; one member may have several."""


class JoinSettings(Step[World]):
    """Set `initial-cluster` and `initial-cluster-state=existing` where the service reads them."""

    kind: Literal["join-settings"] = "join-settings"
    member: str
    initial_cluster: dict[str, tuple[str, ...]]

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Set them; what was set before is kept."""
        await world.settings(self.member).change(world.run, join_flags(self.initial_cluster))
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Set what was set before."""
        await world.settings(self.member).put_back(world.run)
        return {}


def join_flags(initial_cluster: Urls) -> dict[str, str]:
    """Return the flags, by name, with which a member joins a cluster that serves."""
    named = ((name, url) for name, urls in initial_cluster.items() for url in urls)
    urls = ",".join(f"{name}={url}" for name, url in named)
    return {"initial-cluster": urls, "initial-cluster-state": "existing"}
