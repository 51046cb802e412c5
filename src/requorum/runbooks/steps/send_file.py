"""Bringing the one file that all members are restored from to each host."""

from collections.abc import Mapping
from posixpath import dirname
from typing import Literal

from pydantic import JsonValue

from requorum.domain.units import binary_size
from requorum.errors import StepFailed
from requorum.ports.host import Host
from requorum.runbooks.steps.counted import Counted
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

DIGEST_DEADLINE = 3600.0


class SendFile(Step[World]):
    """Copy a file to a member's host, and see by its SHA-256 that it arrived as it was.

    `source` is the member on whose host it lies, None for the machine that we run on.
    """

    kind: Literal["send-file"] = "send-file"
    source: str | None
    path: str
    member: str
    target: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Send it, unless it is there already, whole."""
        origin = world.here if self.source is None else world.host(self.source)
        host = world.host(self.member)
        found = await origin.stat(self.path)
        if found is None or found.kind != "file":
            raise StepFailed(f"{self.path} is not on {origin.name}")
        digest = await origin.sha256(self.path, deadline=DIGEST_DEADLINE)
        if not await _is_there(host, self.target, digest):
            await self._send(world, origin, found.size, digest)
        return {"size": binary_size(found.size), "sha256": digest}

    async def _send(self, world: World, origin: Host, size: int, digest: str) -> None:
        host = world.host(self.member)
        counted = Counted(world.watcher, f"to {self.host}", size)
        await host.make_dirs(dirname(self.target))
        async with origin.read_stream(self.path) as chunks:
            await host.write_stream(
                self.target, chunks, size=size, sha256=digest, on_bytes=counted.add
            )

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Leave the copy: it is ours, beside the data, and nothing is removed."""
        left = await world.host(self.member).stat(self.target) is not None
        return {"left": self.target} if left else {}


async def _is_there(host: Host, path: str, digest: str) -> bool:
    if await host.stat(path) is None:
        return False
    return await host.sha256(path, deadline=DIGEST_DEADLINE) == digest
