"""One load on one cluster, killed with SIGKILL: files of which many trials damage copies."""

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.obtain.command import run
from requorum.lab.practice import Connect, crash, start_members, up, wait_ready
from requorum.lab.salvage_trials.drawn import LONG
from requorum.lab.salvage_trials.load import Load, LoadShape, Sizes

MEMBERS = 3
_READY_SECONDS = 60.0
_LOAD_ENDS_SECONDS = 30.0
_TOOL_SECONDS = 30.0
_SNAPSHOT_COUNT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPlan:
    """What happens before the crash. Times are parts of the load's.

    `left_at`: when one member is killed for good, so that its files are older than the others'.
    `restarted_at`: when all are killed and started again. `defragmented_at`: when one member
    rewrites its database without the pages that earlier transactions left.
    """

    version: str
    shape: LoadShape
    snapshots: bool
    users: bool
    left_at: float | None
    restarted_at: float | None
    defragmented_at: float | None


_LONG_SHAPE = LoadShape(
    seed=LONG,
    seconds=2.2,
    writers=6,
    keys=40,
    sizes="huge",
    deletes=10,
    leases=True,
    compacts=True,
)


def draw_recording(seed: int, version: str) -> RecordingPlan:
    """Draw a load on this version of etcd."""
    if seed == LONG:
        return _quiet(version, _LONG_SHAPE)
    rng = random.Random(f"{seed}/{version}")  # noqa: S311  # repeatable on purpose
    sizes: tuple[Sizes, ...] = ("small", "medium", "medium", "large")
    return RecordingPlan(
        version=version,
        shape=LoadShape(
            seed=seed,
            seconds=rng.uniform(0.8, 3.0),
            writers=rng.randint(2, 16),
            keys=rng.choice([30, 200, 800]),
            sizes=rng.choice(sizes),
            deletes=rng.choice([3, 15, 40]),
            leases=rng.random() < 0.7,
            compacts=rng.random() < 0.7,
        ),
        snapshots=rng.random() < 0.4,
        users=rng.random() < 0.5,
        left_at=rng.uniform(0.2, 0.95) if rng.random() < 0.3 else None,
        restarted_at=rng.uniform(0.2, 0.8) if rng.random() < 0.3 else None,
        defragmented_at=rng.uniform(0.5, 0.95) if rng.random() < 0.3 else None,
    )


def _quiet(version: str, shape: LoadShape) -> RecordingPlan:
    return RecordingPlan(
        version=version,
        shape=shape,
        snapshots=False,
        users=False,
        left_at=None,
        restarted_at=None,
        defragmented_at=None,
    )


async def record(
    plan: RecordingPlan, directory: Path, *, bin_dir: Path, connect: Connect
) -> dict[str, Path]:
    """Start, load, kill; return the data directories as the crash left them, by member.

    What runs is killed in any case. Of each directory that is kept which etcd reads at a start.
    """
    lab_dir, kept = directory / "lab", directory / "crashed"
    lab = await _crashed(plan, lab_dir, bin_dir=bin_dir, connect=connect)
    for name in lab.names:
        _keep(lab.data_dir(name) / "member", kept / name / "member")
    shutil.rmtree(lab_dir)
    return {name: kept / name for name in lab.names}


def _keep(member: Path, kept: Path) -> None:
    copy_tree_sparse(member / "snap", kept / "snap")
    (kept / "wal").mkdir()
    for segment in member.glob("wal/*.wal"):
        data = segment.read_bytes()
        with (kept / "wal" / segment.name).open("xb") as file:
            file.write(data.rstrip(b"\0"))
            file.truncate(len(data))


async def _crashed(plan: RecordingPlan, directory: Path, *, bin_dir: Path, connect: Connect) -> Lab:
    flags = [f"--snapshot-count={_SNAPSHOT_COUNT}"] if plan.snapshots else []
    lab = up(directory, bin_dir=bin_dir, members=MEMBERS, extra_flags=flags)
    try:
        await wait_ready(lab, connect, deadline=_READY_SECONDS)
        if plan.users:
            await asyncio.to_thread(_add_users, lab)
        await _load_until_killed(plan, lab, connect)
    finally:
        crash(lab.directory)
    return lab


def _add_users(lab: Lab) -> None:
    """Users and a role; auth stays off, so that the load needs no password."""
    for words in (
        ("user", "add", "root:practice", "--interactive=false"),
        ("user", "add", "reader:practice", "--interactive=false"),
        ("role", "add", "readers"),
        ("role", "grant-permission", "readers", "read", "/registry/", "/registry0"),
        ("user", "grant-role", "reader", "readers"),
    ):
        _etcdctl(lab, lab.names[0], *words)


def _etcdctl(lab: Lab, member: str, *words: str) -> None:
    command = [str(lab.bin_dir / "etcdctl"), f"--endpoints={lab.client_url(member)}", *words]
    # 3.6 and later warn of a variable that they do not know.
    env = {"ETCDCTL_API": "3"} if lab.etcd_version.startswith("3.4.") else None
    run(command, deadline=_TOOL_SECONDS, env=env)


async def _load_until_killed(plan: RecordingPlan, lab: Lab, connect: Connect) -> None:
    clients = [connect(url) for url in lab.client_urls]
    load = Load(plan.shape, clients)
    running = asyncio.create_task(load.run())
    try:
        await _let_happen(plan, lab, connect)
        # In a thread, so that writers are killed off in the middle of whatever they do.
        await asyncio.to_thread(crash, lab.directory)
    finally:
        load.stop()
        async with asyncio.timeout(_LOAD_ENDS_SECONDS):
            await running
        for client in clients:
            await client.close()


async def _let_happen(plan: RecordingPlan, lab: Lab, connect: Connect) -> None:
    """Return when the load has lasted its time, without that in which nobody served."""
    left = lab.names[-1]
    events: list[tuple[float, Callable[[], Awaitable[None]]]] = []
    if plan.left_at is not None:
        events.append((plan.left_at, partial(asyncio.to_thread, _kill, lab, left)))
    if plan.defragmented_at is not None:
        events.append((plan.defragmented_at, partial(asyncio.to_thread, _defragment, lab)))
    if plan.restarted_at is not None:
        events.append((plan.restarted_at, partial(_restart, lab, connect)))
    now = 0.0
    for at, event in sorted(events, key=lambda e: e[0]):
        await asyncio.sleep((at - now) * plan.shape.seconds)
        await event()
        now = at
    await asyncio.sleep((1 - now) * plan.shape.seconds)


def _kill(lab: Lab, name: str) -> None:
    crash(lab.directory, [name])


def _defragment(lab: Lab) -> None:
    _etcdctl(lab, lab.names[0], "defrag")


async def _restart(lab: Lab, connect: Connect) -> None:
    """Kill all that run and start those again: the log gets another term."""
    were_running = await asyncio.to_thread(crash, lab.directory)
    await asyncio.to_thread(start_members, lab, were_running)
    alive = lab.model_copy(update={"members": tuple(lab.member(name) for name in were_running)})
    await wait_ready(alive, connect, deadline=_READY_SECONDS)
