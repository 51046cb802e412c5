"""Setting old data aside and putting new data in its place, by renames only."""

import asyncio
import json
from collections.abc import Mapping
from posixpath import dirname, join
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from requorum.errors import RequorumError, StepFailed
from requorum.facts.data_dir import is_in_use, read_identity
from requorum.ports.host import Host
from requorum.runbooks.steps.owner import ids_of
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

RESTORE_DEADLINE = 3600.0


class SwapModel(BaseModel):
    """One directory that changes; see `runbooks.workspace.Swap`."""

    model_config = ConfigDict(frozen=True)

    live: str
    aside: str
    fresh: str


class SetAside(Step[World]):
    """Rename a member's data out of the way. It stays on the same disk, whole."""

    kind: Literal["set-aside"] = "set-aside"
    member: str
    swaps: tuple[SwapModel, ...]

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Rename each live directory to its place aside; a lost one has nothing to rename."""
        host = world.host(self.member)
        await self._refuse_if_used(world)
        moved = [await _move_aside(host, swap) for swap in self.swaps]
        return {} if any(moved) else {"data": "none was there"}

    async def _refuse_if_used(self, world: World) -> None:
        running = await world.service(self.member).running()
        if running or await is_in_use(world.host(self.member), world.spec(self.member)):
            raise StepFailed(
                f"{self.member} runs again: something started it after the plan was made",
                hint="Keep its supervisor from restarting it, then `requorum runs resume`, "
                "or `requorum runs rollback`.",
            )

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Rename everything back; what somebody made in its place meanwhile is kept as well."""
        host = world.host(self.member)
        kept: dict[str, JsonValue] = {}
        for swap in reversed(self.swaps):
            if await host.stat(swap.aside) is None:
                continue
            if await host.stat(swap.live) is not None:
                await self._refuse_if_used(world)
                aside = join(dirname(swap.aside), "appeared")
                kept[swap.live] = await _to_a_free_name(host, swap.live, aside)
            await host.rename(swap.aside, swap.live)
        return kept


async def _move_aside(host: Host, swap: SwapModel) -> bool:
    """Return whether there was something to move, now or in an interrupted attempt."""
    live, aside = await host.stat(swap.live), await host.stat(swap.aside)
    if live is not None and aside is not None:
        raise StepFailed(
            f"{swap.live} exists again although it was set aside as {swap.aside}",
            hint="Something made it anew, most likely an etcd that was started meanwhile. Stop "
            "it, move that directory away, then `requorum runs resume`.",
        )
    if live is not None:
        await host.make_dirs(dirname(swap.aside))
        await host.rename(swap.live, swap.aside)
    return live is not None or aside is not None


class RestoreMember(Step[World]):
    """Make a member's new data with etcd's own `snapshot restore`, and put it in place."""

    kind: Literal["restore-member"] = "restore-member"
    member: str
    snapshot: str
    skip_hash_check: bool = False
    root: str
    restored_data_dir: str
    restored_wal_dir: str | None = None
    swaps: tuple[SwapModel, ...]
    initial_cluster: dict[str, str]
    token: str
    bump_revision: int | None = None
    owner_like: tuple[str, ...]
    run_as: tuple[str, str] | None = None
    """User and group that the member's service names, for a host on which no old data is left."""

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Restore beside the live directory, make it durable, then rename it into place."""
        host = world.host(self.member)
        if not await self._was_restored(host):
            await self._restore(world, host)
        identity = json.loads(await _read_text(host, self._mark))
        for swap in self.swaps:
            await self._put_in_place(world, host, swap, identity)
        return dict(identity)

    @property
    def _mark(self) -> str:
        """Return the file that says that the restored data is complete, and whose it is."""
        return join(self.root, f"restored-{self.member}.json")

    async def _was_restored(self, host: Host) -> bool:
        return await host.stat(self._mark) is not None

    async def _restore(self, world: World, host: Host) -> None:
        await host.make_dirs(self.root)
        for path in (self.restored_data_dir, self.restored_wal_dir):
            if path is not None:
                await _out_of_the_way(host, path)
        binaries = world.binaries[self.member]
        argv = binaries.restore(
            self.snapshot,
            data_dir=self.restored_data_dir,
            wal_dir=self.restored_wal_dir,
            name=self.member,
            initial_cluster=self.initial_cluster,
            token=self.token,
            advertise_peer_url=self.initial_cluster[self.member],
            skip_hash_check=self.skip_hash_check,
            bump_revision=self.bump_revision,
        )
        done = await host.run(argv, deadline=RESTORE_DEADLINE, env=binaries.env, dies_with_us=True)
        if done.returncode != 0:
            raise StepFailed(
                f"`snapshot restore` for {self.member} failed: {_last_line(done.stderr)}",
                hint="Mend that, then `requorum runs resume`; or `requorum runs rollback`.",
            )
        await self._finish(host)

    async def _finish(self, host: Host) -> None:
        owner = await self._owner(host)
        wal_dir = self.restored_wal_dir or _wal_inside(self.restored_data_dir)
        for path in (self.restored_data_dir, self.restored_wal_dir):
            if path is None:
                continue
            if owner is not None:
                await host.chown_tree(path, *owner)
            await host.sync_tree(path)
        identity = await _identity(host, wal_dir)
        await host.write_new(self._mark, json.dumps(identity).encode())

    async def _owner(self, host: Host) -> tuple[int, int] | None:
        """Return who owned the old data, else whom etcd runs as; None: we do."""
        for path in self.owner_like:
            stat = await host.stat(path)
            if stat is not None:
                return stat.uid, stat.gid
        return None if self.run_as is None else await ids_of(host, *self.run_as)

    async def _put_in_place(
        self, world: World, host: Host, swap: SwapModel, identity: Mapping[str, str]
    ) -> None:
        if await host.stat(swap.fresh) is not None:
            if await host.stat(swap.live) is not None:
                raise StepFailed(
                    f"{swap.live} exists again although it was set aside",
                    hint="Something made it anew, most likely an etcd that was started meanwhile. "
                    "Stop it, move that directory away, then `requorum runs resume`.",
                )
            await host.make_dirs(dirname(swap.live))
            await host.rename(swap.fresh, swap.live)
            return
        spec = world.spec(self.member)
        if await _identity(host, spec.wal_dir or _wal_inside(spec.data_dir)) != identity:
            raise StepFailed(f"the data in {swap.live} is not what this run restored")

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Take the new data out again; it is kept, under the run's own folder."""
        host = world.host(self.member)
        if not await self._was_restored(host):
            return {}
        ours = await self._live_is_ours(world, host)
        for swap in reversed(self.swaps):
            placed = await host.stat(swap.fresh) is None and await host.stat(swap.live) is not None
            if placed and (ours or await host.stat(swap.aside) is not None):
                await host.rename(swap.live, swap.fresh)
        return {}

    async def _live_is_ours(self, world: World, host: Host) -> bool:
        """Return whether the live WAL, or the one already taken out again, is the restored one."""
        spec = world.spec(self.member)
        identity = json.loads(await _read_text(host, self._mark))
        for wal_dir in (spec.wal_dir or _wal_inside(spec.data_dir), self.restored_wal_dir):
            try:
                if wal_dir is not None and await _identity(host, wal_dir) == identity:
                    return True
            except RequorumError:
                continue
        return False


def _wal_inside(data_dir: str) -> str:
    return join(data_dir, "member", "wal")


async def _identity(host: Host, wal_dir: str) -> dict[str, str]:
    member_id, cluster_id = await read_identity(host, wal_dir)
    return {"member_id": f"{member_id:x}", "cluster_id": f"{cluster_id:x}"}


async def _out_of_the_way(host: Host, path: str) -> None:
    """Rename what an interrupted attempt left."""
    if await host.stat(path) is not None:
        await _to_a_free_name(host, path, f"{path}.interrupted")


async def _to_a_free_name(host: Host, path: str, target: str) -> str:
    """Rename `path` to the first free of `target`-1, `target`-2 and so on; return which."""
    number = 1
    while await host.stat(f"{target}-{number}") is not None:
        number += 1
    await host.rename(path, f"{target}-{number}")
    return f"{target}-{number}"


async def _read_text(host: Host, path: str) -> str:
    async with host.open(path) as source:
        return bytes(await asyncio.to_thread(source.read, 0, source.size)).decode()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return (errors or lines or ["it said nothing"])[-1]
