"""`requorum inspect diff` of two large snapshots, beside what says least of them: their status."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.big_database import MEGABYTES, big_database, overwritten
from bench.command import FOUND, printed, requorum, snapshot_tool
from bench.measure import Measured, in_turn
from bench.memory import memory_of

_BESIDE = "3.5: snapshot status of both"


def bench_diff(directory: Path, runs: int, megabytes: int | None) -> list[Measured]:
    """Compare what differs in a part of its keys, and what differs in nothing but its pages."""
    megabytes = megabytes or MEGABYTES
    made = big_database(directory, megabytes)
    found: list[Measured] = []
    for other, changed in (
        (made.earlier, overwritten(megabytes / MEGABYTES)),
        (made.defragmented, 0),
    ):
        _refuse_count(other, made.snapshot, changed)
        what = f"diff {other.name} {made.snapshot.name}: {changed} keys differ"
        ours, theirs = _diff(other, made.snapshot), _status(other, made.snapshot)
        found.append(in_turn(what, _BESIDE, ours, theirs, runs=runs))
        argv = requorum("inspect", "diff", other, made.snapshot)
        found.append(memory_of(f"diff {other.name} {made.snapshot.name}", argv))
    return found


def _diff(a: Path, b: Path) -> Callable[[], str]:
    return partial(printed, requorum("inspect", "diff", a, b, "-o", "json"), fine=(0, FOUND))


def _status(*paths: Path) -> Callable[[], list[str]]:
    tool = snapshot_tool("3.5")
    return lambda: [printed([tool, "snapshot", "status", path]) for path in paths]


def _refuse_count(a: Path, b: Path, changed: int) -> None:
    """Speed means nothing where the answer is wrong."""
    counts = json.loads(_diff(a, b)())["counts"]
    if counts != {"added": 0, "removed": 0, "changed": changed, "rewritten": 0, "unknown": 0}:
        raise SystemExit(f"{changed} keys differ between {a} and {b}, not {counts}")
