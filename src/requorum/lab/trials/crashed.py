"""From nothing to a crashed and damaged practice cluster, as one trial has drawn it."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from requorum.domain.ids import ClusterId
from requorum.errors import Refused
from requorum.lab.damage.copies import keep_copies
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.load import Load
from requorum.lab.practice import Connect, crash, up, wait_ready
from requorum.lab.trials.drawn import Drawn
from requorum.lab.trials.ended_load import cluster_id_at, load_until
from requorum.lab.trials.usable import usable_files

_READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflicted:
    """One damage that was done. `said` tells where."""

    kind: DamageKind
    member: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashed:
    """A cluster that nobody runs. `kept` has a copy of each data directory as it was left."""

    lab: Lab
    cluster_id: ClusterId
    inflicted: tuple[Inflicted, ...]
    kept: Path

    def kind_at(self, member: str) -> DamageKind | None:
        """Return what befell the member, None for an undamaged one."""
        return next((done.kind for done in self.inflicted if done.member == member), None)

    def usable_files(self) -> tuple[str, ...]:
        """Return what a recovery could use, of the true cluster."""
        foreign = DamageKind.WRONG_CLUSTER
        ours = [name for name in self.lab.names if self.kind_at(name) is not foreign]
        return usable_files(self.lab, ours)


async def crash_as_drawn(
    drawn: Drawn, directory: Path, *, bin_dir: Path, connect: Connect
) -> Crashed:
    """Start, load, kill all at once, damage; what runs is killed in any case."""
    flags = [f"--snapshot-count={drawn.snapshot_count}"] if drawn.snapshot_count else []
    lab = up(directory / "lab", bin_dir=bin_dir, members=drawn.members, extra_flags=flags)
    try:
        await wait_ready(lab, connect, deadline=_READY_SECONDS)
        cluster_id = await cluster_id_at(lab.client_urls[0], connect)
        await _load_until_killed(drawn, lab, connect)
        inflicted = await _damage(drawn, lab, connect)
    finally:
        crash(lab.directory)
    kept = directory / "crashed"
    await asyncio.to_thread(_keep, lab, kept)
    return Crashed(lab=lab, cluster_id=cluster_id, inflicted=inflicted, kept=kept)


async def _load_until_killed(drawn: Drawn, lab: Lab, connect: Connect) -> None:
    load = Load(
        lab.client_urls,
        connect,
        lab.acks,
        writers=drawn.writers,
        seed=drawn.seed,
        compact=drawn.compact,
    )
    await load_until(
        load,
        copies_at=drawn.copies_at,
        keep_copies=lambda: keep_copies(lab),
        end_at=drawn.kill_at,
        end=lambda: crash(lab.directory),
    )


async def _damage(drawn: Drawn, lab: Lab, connect: Connect) -> tuple[Inflicted, ...]:
    rng = random.Random(f"{drawn.seed}/damage")  # noqa: S311  # repeatable on purpose
    return tuple(
        [await _first_that_applies(kinds, lab, name, rng, connect) for name, kinds in drawn.damages]
    )


async def _first_that_applies(
    kinds: tuple[DamageKind, ...], lab: Lab, name: str, rng: random.Random, connect: Connect
) -> Inflicted:
    for kind in kinds:
        try:
            said = await inflict(kind, lab, name, rng, connect=connect)
        except Refused:
            continue  # nothing of that kind to be damaged: the next one
        return Inflicted(kind=kind, member=name, said=said)
    raise Refused(f"no kind of damage applies to {name}")


def _keep(lab: Lab, kept: Path) -> None:
    for name in lab.names:
        if lab.data_dir(name).exists():
            copy_tree_sparse(lab.data_dir(name), kept / name)
