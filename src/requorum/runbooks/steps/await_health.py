"""Waiting until the cluster serves, on evidence, and comparing its members."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import JsonValue

from requorum.errors import RequorumError, StepFailed
from requorum.facts.live import LiveMember, ask_member
from requorum.ports.etcd import HashKv
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

HEALTH_DEADLINE = 120.0
HASH_DEADLINE = 120.0
POLL_SECONDS = 0.2


class AwaitHealth(Step[World]):
    """Wait until each of these members reads through one leader, then compare what they hold.

    `all_hold_revision` is the revision that each must have reached at least, 0 for any.
    """

    kind: Literal["await-health"] = "await-health"
    members: tuple[str, ...]
    all_hold_revision: int = 0

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Poll until all serve; StepFailed, with each one's trouble, when they do not in time."""
        live = await self._until_all_serve(world)
        note: dict[str, JsonValue] = {"leader": _leader(live)}
        return note | await self._compare(world)

    async def _until_all_serve(self, world: World) -> Sequence[LiveMember]:
        live: Sequence[LiveMember] = ()
        try:
            async with asyncio.timeout(HEALTH_DEADLINE):
                while True:
                    live = await self._ask(world)
                    if self._all_serve(live):
                        return live
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise StepFailed(
                f"not healthy after {HEALTH_DEADLINE:.0f} s: {_troubles(live)}",
                hint="Look at etcd's own log on that host, mend what it names, then "
                "`requorum runs resume`.",
            ) from error

    async def _ask(self, world: World) -> Sequence[LiveMember]:
        connect = world.reach.etcd
        return await asyncio.gather(
            *(ask_member(name, connect(world.spec(name))) for name in self.members)
        )

    def _all_serve(self, live: Sequence[LiveMember]) -> bool:
        seats = {(m.status.header.cluster_id, m.status.leader) for m in live if m.status}
        caught_up = all(
            m.status is None or m.status.header.revision >= self.all_hold_revision for m in live
        )
        return len(seats) <= 1 and caught_up and all(m.reads for m in live)

    async def _compare(self, world: World) -> dict[str, JsonValue]:
        """Compare HashKV at one revision; say so where the server does not let us."""
        try:
            hashes = await self._comparable_hashes(world)
        except (RequorumError, TimeoutError) as error:
            return {"hash": f"not compared: {error}"}
        if len(set(hashes)) != 1:
            shown = ", ".join(f"{h.hash} at {h.revision}" for h in hashes)
            raise StepFailed(
                f"the members do not hold the same data: {shown}",
                hint="Stop the clients and run `requorum runs rollback`.",
            )
        return {"hash": hashes[0].hash, "revision": hashes[0].revision}

    async def _comparable_hashes(self, world: World) -> list[HashKv]:
        """Ask until all have compacted to the same revision: only such hashes are comparable."""
        async with asyncio.timeout(HASH_DEADLINE):
            while True:
                hashes = await self._hashes(world)
                if len({(h.compact_revision, h.revision) for h in hashes}) == 1:
                    return hashes
                await asyncio.sleep(POLL_SECONDS)

    async def _hashes(self, world: World) -> list[HashKv]:
        clients = [world.reach.etcd(world.spec(name)) for name in self.members]
        try:
            answers = await asyncio.gather(*(c.status(deadline=HASH_DEADLINE) for c in clients))
            revision = min(answer.header.revision for answer in answers)
            asked = (c.hash_kv(revision, deadline=HASH_DEADLINE) for c in clients)
            return list(await asyncio.gather(*asked))
        finally:
            for client in clients:
                await client.close()

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: waiting changed nothing."""
        return {}


def _leader(live: Sequence[LiveMember]) -> str:
    return next(
        (m.name for m in live if m.status and m.status.header.member_id == m.status.leader), ""
    )


def _troubles(live: Sequence[LiveMember]) -> str:
    return "; ".join(
        f"{m.name}: {m.trouble or 'no linearizable read'}" for m in live if not m.reads
    )
