"""A large database as a real member leaves it, saved as a snapshot at three moments."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from requorum.app.practice.lab import connect_to, obtained
from requorum.lab import practice
from requorum.lab.layout import Lab
from requorum.ports.etcd import Etcd, PutOp

SMALL_KEYS, SMALL_BYTES = 1_000_000, 256
LARGE_KEYS, LARGE_BYTES = 150_000, 4096
OVERWRITTEN = 20_000
MEGABYTES = 1300
"""About what the file has with all of those keys."""

_PUTS_PER_TXN = 120
_IN_FLIGHT = 8
_QUOTA = f"--quota-backend-bytes={8 << 30}"


@dataclass(frozen=True)
class BigDatabase:
    """`snapshot` has free pages in it, as a database that is in use has; `defragmented` has none.

    `earlier` was saved before some keys were written once more, and before the compaction.
    `data_dir` is the stopped member's own; its db is longer than what is in use of it.
    """

    earlier: Path
    snapshot: Path
    defragmented: Path
    data_dir: Path

    @property
    def database(self) -> Path:
        """Return the member's db."""
        return self.data_dir / "member" / "snap" / "db"


def big_database(directory: Path, megabytes: int) -> BigDatabase:
    """Make it, or return what an earlier call left in `directory`."""
    lab_dir = directory / "member"
    made = BigDatabase(
        directory / "earlier.db",
        directory / "snapshot.db",
        directory / "defragmented.db",
        lab_dir / "etcd1" / "data",
    )
    if not made.defragmented.exists():
        directory.mkdir(parents=True, exist_ok=True)
        _make(lab_dir, made, megabytes / MEGABYTES)
    return made


def _make(lab_dir: Path, made: BigDatabase, share: float) -> None:
    binaries = obtained("3.5", print).directory
    lab = practice.up(lab_dir, bin_dir=binaries, members=1, extra_flags=[_QUOTA])
    try:
        asyncio.run(_fill(lab, share))
        _ctl(lab, "snapshot", "save", str(made.earlier))
        asyncio.run(_overwrite(lab, share))
        _ctl(lab, "snapshot", "save", str(made.snapshot))
        _ctl(lab, "defrag", "--command-timeout=10m")
        _ctl(lab, "snapshot", "save", str(made.defragmented))
    finally:
        practice.down(lab_dir)


def _ctl(lab: Lab, *arguments: str) -> None:
    argv = [str(lab.bin_dir / "etcdctl"), f"--endpoints={lab.client_urls[0]}", *arguments]
    environment = {**os.environ, "ETCDCTL_API": "3"}
    subprocess.run(argv, env=environment, check=True, capture_output=True)


async def _fill(lab: Lab, share: float) -> None:
    """Put the small ones, then the large ones."""
    connect = connect_to(lab)
    await practice.wait_ready(lab, connect, deadline=60)
    etcd = connect(lab.client_urls[0])
    try:
        await _write(etcd, _txns("small", int(SMALL_KEYS * share), SMALL_BYTES))
        await _write(etcd, _txns("large", int(LARGE_KEYS * share), LARGE_BYTES))
    finally:
        await etcd.close()


async def _overwrite(lab: Lab, share: float) -> None:
    """Put some of the small ones once more, and compact."""
    etcd = connect_to(lab)(lab.client_urls[0])
    try:
        await _write(etcd, _txns("small", overwritten(share), SMALL_BYTES))
        current = (await etcd.get(b"\0", deadline=60)).header.revision
        await etcd.compact(current, physical=True, deadline=600)
    finally:
        await etcd.close()


async def _write(etcd: Etcd, txns: Iterator[list[PutOp]]) -> None:
    async def write() -> None:
        for puts in txns:
            await etcd.txn([], puts, [], deadline=60)

    async with asyncio.TaskGroup() as group:
        for _ in range(_IN_FLIGHT):
            group.create_task(write())


def overwritten(share: float) -> int:
    """Return how many keys differ between the earlier snapshot and the others."""
    return int(OVERWRITTEN * share)


def _txns(kind: str, last: int, size: int) -> Iterator[list[PutOp]]:
    for first in range(0, last, _PUTS_PER_TXN):
        numbers = range(first, min(first + _PUTS_PER_TXN, last))
        yield [_put(kind, number, size) for number in numbers]


def _put(kind: str, number: int, size: int) -> PutOp:
    return PutOp(f"/registry/{kind}/{number:07d}".encode(), os.urandom(size))
