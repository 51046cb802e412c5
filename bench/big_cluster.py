"""A three-member cluster with a large database, killed under load and damaged: once for all."""

import asyncio
import os
import random
import shutil
from pathlib import Path

from requorum.app.practice.lab import connect_to, obtained
from requorum.lab import practice
from requorum.lab.choices import PUTS
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.load import Load
from requorum.ports.etcd import Etcd, PutOp

VALUE_BYTES = 4096
PUTS_PER_TXN = 100
IN_FLIGHT = 8
QUOTA_BYTES = 8 << 30
QUOTA = f"--quota-backend-bytes={QUOTA_BYTES}"


class BigCrash:
    """The crashed cluster and a copy of its directories, to start each run from the same."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        bin_dir = obtained("3.5", print).directory
        self.lab = practice.up(directory / "big", bin_dir=bin_dir, extra_flags=[QUOTA])
        self._kept = directory / "kept"
        try:
            asyncio.run(_fill_and_crash(self.lab, megabytes))
        finally:
            practice.down(self.lab.directory)
        for name in self.lab.names:
            if self.lab.data_dir(name).exists():
                copy_tree_sparse(self.lab.data_dir(name), self._kept / name)

    def put_back(self) -> None:
        """Make every member's directory again what the crash left, and forget what a run made."""
        practice.down(self.lab.directory)
        for name in self.lab.names:
            member = self.lab.data_dir(name).parent
            for made in [*member.glob("data*"), member / "old"]:
                if made.is_dir():
                    shutil.rmtree(made)
            if (self._kept / name).exists():
                copy_tree_sparse(self._kept / name, self.lab.data_dir(name))
        os.sync()


async def _fill_and_crash(lab: Lab, megabytes: int) -> None:
    connect = connect_to(lab)
    await practice.wait_ready(lab, connect, deadline=60)
    await fill(connect(lab.client_urls[0]), megabytes)
    load = Load(lab.client_urls, connect, lab.acks, writers=24, seed=1, compact=False, mix=PUTS)
    running = asyncio.create_task(load.run())
    await load.reached(5000, deadline=120)
    await asyncio.to_thread(practice.crash, lab.directory)
    load.stop()
    await running
    rng = random.Random(1)  # noqa: S311  # the same damage in every run
    await inflict(DamageKind.LOST_DISK, lab, "etcd1", rng, connect=connect)
    await inflict(DamageKind.WAL_RECORD_FLIPPED, lab, "etcd2", rng, connect=connect)


async def fill(etcd: Etcd, megabytes: int) -> None:
    """Write that much through one member, which is closed then."""
    numbers = iter(range(megabytes * (1 << 20) // VALUE_BYTES // PUTS_PER_TXN))

    async def write() -> None:
        for number in numbers:
            puts = [
                PutOp(f"fill/{number:06d}/{each:03d}".encode(), os.urandom(VALUE_BYTES))
                for each in range(PUTS_PER_TXN)
            ]
            await etcd.txn([], puts, [], deadline=60)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(write())
    finally:
        await etcd.close()
