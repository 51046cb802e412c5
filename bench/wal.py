"""`requorum inspect wal`, beside etcd's own etcd-dump-logs."""

import json
import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

from bench.big_database import MEGABYTES, big_database
from bench.command import Argv, printed, requorum, unheard
from bench.dump_logs import dump_logs
from bench.measure import Measured, alone, in_turn
from bench.memory import memory_of
from requorum.errors import RequorumError

_SEGMENTS = 5
"""The first ones, of 64 MB each: the whole log takes etcd-dump-logs minutes."""

_ENTRIES = re.compile(r"^Entry types .* count is : (\d+)$", re.MULTILINE)
_KEY = "/registry/small/0000077"


def bench_wal(directory: Path, runs: int, megabytes: int | None) -> list[Measured]:
    """List a log, and look for the entries that touched one key."""
    made = big_database(directory, megabytes or MEGABYTES)
    work = directory / "log"
    try:
        size = _beginning_of(made.data_dir, work)
        return _measured(work, size, directory, runs)
    finally:
        shutil.rmtree(work)


def _beginning_of(data_dir: Path, target: Path) -> int:
    """Link the first segments below `target`, as a data directory; return their size in MB."""
    wal = target / "member" / "wal"
    wal.mkdir(parents=True)
    (target / "member" / "snap").mkdir()
    segments = sorted((data_dir / "member" / "wal").glob("*.wal"))[:_SEGMENTS]
    for segment in segments:
        os.link(segment, wal / segment.name)
    return sum(segment.stat().st_size for segment in segments) // 1_000_000


def _measured(data_dir: Path, megabytes: int, directory: Path, runs: int) -> list[Measured]:
    listing = requorum("inspect", "wal", data_dir)
    asking = [*listing, "--key", _KEY]
    cases = (
        (f"wal: {megabytes} MB listed", listing),
        (f"wal: {megabytes} MB listed, with values", [*listing, "--values"]),
        (f"wal: {megabytes} MB searched for a key", asking),
    )
    memory = memory_of(cases[0][0], listing)
    try:
        theirs: Argv = [dump_logs(directory), data_dir]
    except RequorumError as error:
        print(f"NOT MEASURED beside etcd-dump-logs: {error.message}", file=sys.stderr)
        return [*(alone(what, partial(unheard, ours), runs=runs) for what, ours in cases), memory]
    _refuse_difference(data_dir, printed(theirs))
    dump = partial(unheard, theirs)
    pairs = (
        in_turn(what, "etcd-dump-logs", partial(unheard, ours), dump, runs=runs)
        for what, ours in cases
    )
    return [*pairs, memory]


def _refuse_difference(data_dir: Path, theirs: str) -> None:
    """Speed means nothing where fewer entries were read."""
    said = json.loads(printed(requorum("inspect", "wal", data_dir, "--limit", "1", "-o", "json")))
    ours, found = said["summary"]["entries"], _ENTRIES.search(theirs)
    if found is None or int(found[1]) != ours:
        raise SystemExit(f"etcd-dump-logs reads {found and found[1]} entries, we {ours}")
