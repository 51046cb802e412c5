"""`requorum inspect snapshot`, beside `etcdutl snapshot status` of every minor."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.big_database import MEGABYTES, BigDatabase, big_database
from bench.measure import Figure, Pair, in_turn
from bench.memory import private_peak
from requorum.app.practice.lab import obtained
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import ToolUnfit
from requorum.formats.source import CountingSource
from requorum.inspection.database import read_etcd_backend

MINORS = ("3.4", "3.5", "3.6", "3.7")
_MIB = 1 << 20


def bench_snapshot(directory: Path, runs: int, megabytes: int | None) -> list[Pair | Figure]:
    """Return the time and memory of the same four numbers and of the full verdict."""
    made = big_database(directory / "snapshot", megabytes or MEGABYTES)
    found: list[Pair | Figure] = []
    for path in (made.snapshot, made.defragmented):
        for minor in MINORS:
            found += _beside(path, minor, runs)
        found += [_memory(path, "--quick"), _memory(path)]
    return [*found, _ranking(made)]


def _beside(path: Path, minor: str, runs: int) -> list[Pair]:
    status = _status_of(minor, path)
    if status is None:
        return []
    _refuse_difference(path, minor, status())
    beside = f"{minor}: snapshot status"
    return [
        in_turn(f"{path.name}: --quick", beside, _inspect(path, "--quick"), status, runs=runs),
        in_turn(f"{path.name}: full verdict", beside, _inspect(path), status, runs=runs),
    ]


def _status_of(minor: str, path: Path) -> Callable[[], str] | None:
    try:
        binaries = obtained(minor, print).directory
    except ToolUnfit as error:
        print(f"NOT MEASURED beside {minor}: {error.message}", file=sys.stderr)
        return None
    tool = binaries / ("etcdctl" if minor == "3.4" else "etcdutl")
    argv = [str(tool), "snapshot", "status", str(path), "-w=json"]
    return lambda: _run(argv, {**os.environ, "ETCDCTL_API": "3"})


def _inspect(path: Path, *options: str) -> Callable[[], str]:
    argv = [sys.executable, "-m", "requorum", "inspect", "snapshot", *options, str(path)]
    return lambda: _run([*argv, "-o", "json"])


def _refuse_difference(path: Path, minor: str, printed: str) -> None:
    """Speed means nothing where the numbers are not the same; it reads the file once, too."""
    ours, theirs = json.loads(_inspect(path, "--quick")()), json.loads(printed)
    live = ours["total_keys_all_buckets" if minor in {"3.4", "3.5"} else "total_keys_live"]
    numbers = (ours["hash"], ours["revision"], live, ours["total_size"])
    if numbers != tuple(theirs[name] for name in ("hash", "revision", "totalKey", "totalSize")):
        raise SystemExit(f"{path.name}: etcd {minor} prints {theirs}, we {ours}")


def _memory(path: Path, *options: str) -> Figure:
    peak = private_peak([sys.executable, "-m", "requorum", "inspect", "snapshot", *options, path])
    what = " ".join((f"{path.name}:", *(options or ("full verdict",))))
    return Figure(what, f"{peak / _MIB:.0f} MiB", "private memory at most, of 300 MiB")


def _ranking(made: BigDatabase) -> Figure:
    """Read what decides between survivors: where the database stands."""
    file = FileSource(str(made.database))
    source = CountingSource(file)
    read_etcd_backend(source)
    file.close()
    what = f"{source.bytes_read} bytes in {source.reads} reads"
    return Figure("state of the member's own db", what, "of a file of any size, of 1 MiB")


def _run(argv: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, env=environment, check=True, capture_output=True, text=True)
    return done.stdout
