"""Run all benchmarks: `make bench`, or `python -m bench [OPTION…] [NAME…]`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.diff import bench_diff
from bench.hosts import bench_hosts
from bench.measure import Alone, Figure, Measured, Pair
from bench.ranking import bench_ranking
from bench.recovery import bench_recovery
from bench.salvage import bench_salvage
from bench.snapshot import bench_snapshot
from bench.start_up import bench_start_up
from bench.wal import bench_wal

Benchmark = Callable[[Path, int, int | None], Sequence[Measured]]

READERS: dict[str, Benchmark] = {
    "snapshot": bench_snapshot,
    "ranking": bench_ranking,
    "diff": bench_diff,
    "wal": bench_wal,
    "salvage": bench_salvage,
}
"""They read one large member's files, which are made once."""

BENCHMARKS: dict[str, Benchmark] = {
    "start-up": bench_start_up,
    **READERS,
    "recovery": bench_recovery,
}

ON_HOSTS: dict[str, Benchmark] = {"hosts": bench_hosts}
"""Only when it is asked for by name: as root, for many minutes, with 12 GB of disk for 1 GB."""


def main() -> None:
    """Measure and print; the figures are for people, no test depends on them."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, *ON_HOSTS, []], default=[])
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--megabytes", type=int, help="size of the databases")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="make the large member's files here, once for all"
    )
    wanted = parser.parse_args()
    report = _Report()
    with tempfile.TemporaryDirectory(prefix="requorum-bench-") as made:
        for name in wanted.names or BENCHMARKS:
            directory = wanted.keep if wanted.keep and name in READERS else Path(made)
            report.add(
                (BENCHMARKS | ON_HOSTS)[name](directory / "files", wanted.runs, wanted.megabytes)
            )
    report.show()


class _Report:
    def __init__(self) -> None:
        self._times = Table(title="ours beside theirs, in seconds: median (min to max)")
        for column in ("what", "ours", "theirs", "ratio of medians"):
            self._times.add_column(column)
        self._figures = Table("what", "value", "")

    def add(self, found: Sequence[Measured]) -> None:
        for each in found:
            match each:
                case Pair():
                    theirs = f"{each.theirs.shown}\n{each.beside}"
                    self._times.add_row(each.what, each.ours.shown, theirs, _ratio(each))
                case Alone():
                    self._times.add_row(each.what, each.ours.shown)
                case Figure():
                    self._figures.add_row(each.what, each.value, each.meaning)

    def show(self) -> None:
        console = Console(width=120 if not sys.stdout.isatty() else None)
        for table in (self._times, self._figures):
            if table.row_count:
                console.print(table)


def _ratio(pair: Pair) -> str:
    if pair.aim is None:
        return f"{pair.ratio:.2f}"
    missed = " MISSED" if pair.ratio > pair.aim else ""
    return f"{pair.ratio:.2f}, at most {pair.aim:.1f}{missed}"


if __name__ == "__main__":
    main()
