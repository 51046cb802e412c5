"""Building the rescue image: one verified file that holds everything the disks still prove.

etcd itself makes the state. Its `snapshot restore` turns the chosen database into a staging
member, one of two voters of which the other never exists; the winning log is appended to that
member's WAL; etcd is started on it and applies what the log says is committed. It can elect no
leader, so nothing else can happen to it: no lease expires, no client writes, no member is met.
See docs/decisions/0003-staging-without-a-leader.md.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import join
from typing import Literal

from pydantic import JsonValue

from requorum.domain.binaries import EtcdBinaries
from requorum.errors import DamagedInput, FactsChanged, StepFailed
from requorum.facts.data_dir import Paths, end_of_log, read_log, read_state
from requorum.inspection.completed_log import NO_LOG, CompletedLog, complete_log
from requorum.inspection.member_log import MemberLog
from requorum.inspection.replay import Replay, replay_onto
from requorum.ports.host import Host, Spawned
from requorum.runbooks.steps.image import check_image, seal_image
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

RESTORE_DEADLINE = 3600.0
REPLAY_DEADLINE = 3600.0
SCRATCH_DEADLINE = 60.0
POLL_SECONDS = 0.05


class BuildImage(Step[World]):
    """Build the image on one host. Everything it writes is new; the members' data is only read.

    `base` is the member whose database is taken, None for an empty one. The numbers are those
    that were approved: if the logs say something else by now, the step refuses.
    """

    kind: Literal["build-image"] = "build-image"
    on: str
    root: str
    image: str
    base: str | None
    base_index: int
    base_revision: int
    log_members: tuple[str, ...]
    log_from: str
    last_index: int
    last_term: int
    empty_entries: tuple[int, ...]

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Build it, prove it, seal it with its SHA-256, and only then give it its name."""
        host = world.host(self.on)
        if await host.stat(self.image) is None:
            await self._build(world, host)
        return await check_image(host, self.image)

    async def _build(self, world: World, host: Host) -> None:
        log = await self._log(world)
        await host.make_dirs(self.root)
        stage = await _free_name(host, join(self.root, "stage"))
        binaries = world.binaries[self.on]
        database = await self._base_database(world, host, binaries, stage)
        staging = _Staging(host, binaries, stage, database, await host.free_ports(2))
        await staging.restore()
        replay = await staging.append(log, after=self.base_index)
        world.watcher.say(f"replaying {max(0, self.last_index - self.base_index)} log entries")
        await staging.run(replay)
        world.watcher.say("checking the image against the log")
        await seal_image(host, staging.database, self.image, log=log, after=self.base_index)

    async def _log(self, world: World) -> CompletedLog:
        """Read the logs again, now that nothing writes them, and compare with what was approved."""
        logs: dict[str, MemberLog] = {}
        for name in self.log_members:
            found = await read_log(world.host(name), world.spec(name), needed_from=self.base_index)
            if found is not None and found.metadata is not None:
                logs[name] = found
        log = complete_log(logs) if self.log_members else NO_LOG
        if log is None:
            raise FactsChanged("the logs that the plan rests on cannot be read any more")
        now = (log.last_term, log.last_index, log.gaps_after(self.base_index))
        approved = (self.last_term, max(self.last_index, 0), self.empty_entries)
        if self.base_index <= log.last_index and now != approved:
            raise FactsChanged(
                f"the logs end at term {now[0]}, index {now[1]}; the plan was made for "
                f"term {approved[0]}, index {approved[1]}",
                hint="Plan again: `requorum runs rollback`, then `requorum recover`.",
            )
        return log

    async def _base_database(
        self, world: World, host: Host, binaries: EtcdBinaries, stage: str
    ) -> str:
        if self.base is None:
            world.watcher.say("making an empty database to replay the whole log onto")
            return await _empty_database(host, binaries, f"{stage}-scratch")
        path = Paths.of(world.spec(self.base)).database
        state = await read_state(host, path)
        if (state.consistent_index, state.current_revision) != (
            self.base_index,
            self.base_revision,
        ):
            raise FactsChanged(
                f"the database of {self.base} stands at index {state.consistent_index}, revision "
                f"{state.current_revision}; the plan was made for {self.base_index} and "
                f"{self.base_revision}",
                hint="Plan again: `requorum runs rollback`, then `requorum recover`.",
            )
        return path

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Nothing to take back: no member's data was touched. What was made stays, and is named."""
        made = await world.host(self.on).stat(self.root) is not None
        return {"left": self.root} if made else {}


@dataclass(frozen=True, slots=True)
class _Staging:
    """The staging member; see the module's first lines."""

    host: Host
    binaries: EtcdBinaries
    data_dir: str
    source: str
    ports: tuple[int, ...]

    @property
    def database(self) -> str:
        return join(self.data_dir, "member", "snap", "db")

    @property
    def _peer_url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def _cluster(self) -> dict[str, str]:
        # Port 1 of the loopback: nobody ever listens there, so the second voter never exists.
        return {"stage": self._peer_url, "nobody": "http://127.0.0.1:1"}

    async def restore(self) -> None:
        argv = self.binaries.restore(
            self.source,
            data_dir=self.data_dir,
            name="stage",
            initial_cluster=self._cluster,
            token="requorum-stage",  # noqa: S106  # a cluster token, no secret
            advertise_peer_url=self._peer_url,
            skip_hash_check=True,
        )
        done = await self.host.run(
            argv, deadline=RESTORE_DEADLINE, env=self.binaries.env, dies_with_us=True
        )
        if done.returncode != 0:
            raise StepFailed(
                f"etcd could not make a staging member: {done.stderr.strip()[-300:]}",
                hint="No member's data was touched.",
            )

    async def append(self, log: CompletedLog, *, after: int) -> Replay:
        """Append the log to the staging member's own WAL."""
        end = await end_of_log(self.host, join(self.data_dir, "member", "wal"))
        replay = replay_onto(
            log,
            after=after,
            staged_index=end.index,
            staged_term=end.term,
            running_crc=end.running_crc,
        )
        await self.host.write_at(end.path, end.offset, replay.wal_suffix)
        return replay

    async def run(self, replay: Replay) -> None:
        """Let etcd apply the log until its database says that it has all of it."""
        client = f"http://127.0.0.1:{self.ports[1]}"
        argv = self.binaries.etcd(
            "--name=stage",
            f"--data-dir={self.data_dir}",
            f"--listen-peer-urls={self._peer_url}",
            f"--initial-advertise-peer-urls={self._peer_url}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            "--initial-cluster=" + ",".join(f"{n}={u}" for n, u in self._cluster.items()),
            # No quota: a log that filled the database to its quota is replayed to its end.
            "--quota-backend-bytes=-1",
            # Commit the backend, and its consistent index with it, at the end of each batch.
            "--snapshot-count=1",
        )
        log = f"{self.data_dir}.log"
        process = await self.host.spawn(argv, log=log)
        try:
            await self._until_applied(process, replay.last_real_index, log)
        finally:
            await process.kill()

    async def _until_applied(self, process: Spawned, index: int, log: str) -> None:
        async with asyncio.timeout(REPLAY_DEADLINE):
            while not await self._has_applied(index):
                code = await process.returncode()
                if code is not None:
                    raise StepFailed(
                        f"the staging etcd ended with status {code} while it replayed the log",
                        hint=f"Its own words are in {log}. No member's data was touched.",
                    )
                await asyncio.sleep(POLL_SECONDS)

    async def _has_applied(self, index: int) -> bool:
        try:
            return (await read_state(self.host, self.database)).consistent_index >= index
        except DamagedInput:
            # Read while etcd was writing it: the next look sees it whole.
            return False


async def _empty_database(host: Host, binaries: EtcdBinaries, data_dir: str) -> str:
    """Let etcd make an empty database: a member that waits for a second one and never gets it."""
    peer, client = (f"http://127.0.0.1:{port}" for port in await host.free_ports(2))
    argv = binaries.etcd(
        "--name=scratch",
        f"--data-dir={data_dir}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--initial-cluster=scratch={peer},nobody=http://127.0.0.1:1",
        "--snapshot-count=1",
    )
    path = join(data_dir, "member", "snap", "db")
    process = await host.spawn(argv, log=f"{data_dir}.log")
    try:
        async with asyncio.timeout(SCRATCH_DEADLINE):
            while not await _is_database(host, path):
                if await process.returncode() is not None:
                    raise StepFailed(
                        "etcd could not make an empty database",
                        hint=f"Its own words are in {data_dir}.log. No member's data was touched.",
                    )
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await process.kill()
    return path


async def _is_database(host: Host, path: str) -> bool:
    if await host.stat(path) is None:
        return False
    try:
        await read_state(host, path)
    except DamagedInput:
        return False
    return True


async def _free_name(host: Host, path: str) -> str:
    """Return a name that no earlier, interrupted attempt has used."""
    number = 1
    while await host.stat(f"{path}-{number}") is not None:
        number += 1
    return f"{path}-{number}"
