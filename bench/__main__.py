"""Run all benchmarks: `make bench`, or `python -m bench [OPTION…] [NAME…]`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Figure, Pair
from bench.recovery import bench_recovery
from bench.snapshot import bench_snapshot
from bench.start_up import bench_start_up

Benchmark = Callable[[Path, int, int | None], Sequence[Pair | Figure]]

BENCHMARKS: dict[str, Benchmark] = {
    "start-up": bench_start_up,
    "snapshot": bench_snapshot,
    "recovery": bench_recovery,
}


def main() -> None:
    """Measure and print; the figures are for people, no test depends on them."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], default=[])
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--megabytes", type=int, help="size of the databases")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="make the snapshots here, once for all"
    )
    wanted = parser.parse_args()
    times = Table(title="ours beside theirs, in seconds: median (min to max)")
    for column in ("what", "ours", "theirs", "ratio of medians"):
        times.add_column(column)
    figures = Table("what", "value", "")
    with tempfile.TemporaryDirectory(prefix="requorum-bench-") as made:
        for name in wanted.names or BENCHMARKS:
            directory = wanted.keep if wanted.keep and name == "snapshot" else Path(made)
            for found in BENCHMARKS[name](directory, wanted.runs, wanted.megabytes):
                if isinstance(found, Pair):
                    times.add_row(*_row(found))
                else:
                    figures.add_row(found.what, found.value, found.meaning)
    console = Console(width=110 if not sys.stdout.isatty() else None)
    console.print(times)
    if figures.row_count:
        console.print(figures)


def _row(pair: Pair) -> tuple[str, str, str, str]:
    return pair.what, pair.ours.shown, f"{pair.theirs.shown}\n{pair.beside}", f"{pair.ratio:.2f}"


if __name__ == "__main__":
    main()
