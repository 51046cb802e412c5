"""Run all benchmarks: `make bench`, or `python -m bench [--runs N] [--megabytes N] [NAME…]`."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Pair
from bench.recovery import bench_recovery
from bench.snapshot import bench_snapshot
from bench.start_up import bench_start_up

BENCHMARKS = {
    "start-up": bench_start_up,
    "snapshot": bench_snapshot,
    "recovery": bench_recovery,
}


def main() -> None:
    """Measure and print; the figures are for people, no test depends on them."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], default=[])
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the database")
    wanted = parser.parse_args()
    table = Table(title="ours beside theirs, in seconds: median (min to max)")
    for column in ("what", "ours", "theirs", "ratio of medians"):
        table.add_column(column)
    with tempfile.TemporaryDirectory(prefix="requorum-bench-") as directory:
        for name in wanted.names or BENCHMARKS:
            for pair in BENCHMARKS[name](Path(directory), wanted.runs, wanted.megabytes):
                table.add_row(*_row(pair))
    Console(width=110 if not sys.stdout.isatty() else None).print(table)


def _row(pair: Pair) -> tuple[str, str, str, str]:
    return pair.what, pair.ours.shown, f"{pair.theirs.shown}\n{pair.beside}", f"{pair.ratio:.2f}"


if __name__ == "__main__":
    main()
