"""`requorum salvage` of large damaged files, beside `snapshot restore`, which takes a sound one."""

import json
import random
import shutil
from functools import partial
from pathlib import Path

from bench.big_database import MEGABYTES, big_database
from bench.command import FOUND, Argv, printed, requorum, snapshot_tool
from bench.measure import Measured, alone, in_turn
from bench.memory import memory_of

_PAGE = 4096
_LOST_PAGES = 100


def bench_salvage(directory: Path, runs: int, megabytes: int | None) -> list[Measured]:
    """Salvage two damaged copies; and one with the log that tells what the copies lost."""
    made = big_database(directory, megabytes or MEGABYTES)
    work = directory / "salvage"
    work.mkdir(exist_ok=True)
    first, second = _damaged(made.snapshot, work, 1), _damaged(made.defragmented, work, 2)
    output, restored = work / "saved.db", work / "restored"

    def away() -> None:
        output.unlink(missing_ok=True)
        shutil.rmtree(restored, ignore_errors=True)

    two = requorum("salvage", first, second, "-o", output, "--format", "json")
    log = ("--wal", made.data_dir)
    logged = requorum("salvage", first, *log, "-o", output, "--format", "json")
    restore: Argv = [
        snapshot_tool("3.5"),
        "snapshot",
        "restore",
        made.snapshot,
        "--data-dir",
        restored,
    ]
    try:
        _refuse_loss(logged)
        pair = in_turn(
            "salvage of two damaged copies",
            "3.5: snapshot restore of a sound one",
            partial(printed, two, fine=(0, FOUND)),
            partial(printed, restore),
            runs=runs,
            before=away,
        )
        away()
        memory = memory_of("salvage of two damaged copies", two)
        what = "salvage of a damaged copy and the whole log"
        with_log = alone(what, partial(printed, logged), runs=1, before=away)
        away()
        return [pair, memory, with_log, memory_of(what, logged)]
    finally:
        shutil.rmtree(work)


def _refuse_loss(argv: list[str]) -> None:
    """Speed means nothing where something is lost."""
    said = json.loads(printed(argv, fine=(0, FOUND)))
    if not said["complete"]:
        raise SystemExit(f"the log has everything, and {said['lost_count']} ranges are lost")


def _damaged(path: Path, directory: Path, seed: int) -> Path:
    """Copy a file and clear pages of it."""
    target = directory / f"damaged-{path.name}"
    shutil.copyfile(path, target)
    rng = random.Random(seed)  # noqa: S311  # the same pages in every run
    pages = rng.sample(range(2, target.stat().st_size // _PAGE), _LOST_PAGES)
    with target.open("r+b") as file:
        for page in pages:
            file.seek(page * _PAGE)
            file.write(bytes(_PAGE))
    return target
