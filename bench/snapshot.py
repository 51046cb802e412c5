"""`requorum inspect snapshot`, beside `etcdutl snapshot status` of every minor."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.big_database import MEGABYTES, big_database
from bench.command import Argv, printed, requorum, snapshot_tool
from bench.measure import Measured, Pair, in_turn
from bench.memory import memory_of
from requorum.errors import ToolUnfit

MINORS = ("3.4", "3.5", "3.6", "3.7")
AIM_QUICK, AIM_FULL, AIM_MIB = 0.6, 1.5, 300


def bench_snapshot(directory: Path, runs: int, megabytes: int | None) -> list[Measured]:
    """Return the time and memory of the same four numbers and of the full verdict."""
    made = big_database(directory, megabytes or MEGABYTES)
    found: list[Measured] = []
    for path in (made.snapshot, made.defragmented):
        for minor in MINORS:
            found += _beside(path, minor, runs)
        for option in (("--quick",), ()):
            what = " ".join((f"{path.name}:", *(option or ("full verdict",))))
            argv = requorum("inspect", "snapshot", *option, path)
            found.append(memory_of(what, argv, aim_mib=AIM_MIB))
    return found


def _beside(path: Path, minor: str, runs: int) -> list[Pair]:
    try:
        argv: Argv = [snapshot_tool(minor), "snapshot", "status", path, "-w=json"]
    except ToolUnfit as error:
        print(f"NOT MEASURED beside {minor}: {error.message}", file=sys.stderr)
        return []
    status = partial(printed, argv)
    _refuse_difference(path, minor, status())
    beside, name = f"{minor}: snapshot status", path.name
    quick, full = _inspect(path, "--quick"), _inspect(path)
    return [
        in_turn(f"{name}: --quick", beside, quick, status, runs=runs, aim=AIM_QUICK),
        in_turn(f"{name}: full verdict", beside, full, status, runs=runs, aim=AIM_FULL),
    ]


def _inspect(path: Path, *options: str) -> Callable[[], str]:
    return partial(printed, requorum("inspect", "snapshot", *options, path, "-o", "json"))


def _refuse_difference(path: Path, minor: str, theirs_printed: str) -> None:
    """Speed means nothing where the numbers are not the same; it reads the file once, too."""
    ours, theirs = json.loads(_inspect(path, "--quick")()), json.loads(theirs_printed)
    live = ours["total_keys_all_buckets" if minor in {"3.4", "3.5"} else "total_keys_live"]
    numbers = (ours["hash"], ours["revision"], live, ours["total_size"])
    if numbers != tuple(theirs[name] for name in ("hash", "revision", "totalKey", "totalSize")):
        raise SystemExit(f"{path.name}: etcd {minor} prints {theirs}, we {ours}")
