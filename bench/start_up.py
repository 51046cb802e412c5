"""How long it takes until requorum answers at all."""

import subprocess
import sys
from pathlib import Path

from bench.measure import Pair, in_turn

RUNS_FACTOR = 5


def bench_start_up(_directory: Path, runs: int, _megabytes: int | None) -> list[Pair]:
    """`requorum version` beside a Python that does nothing."""
    return [
        in_turn(
            "requorum version",
            "python -c pass",
            lambda: _run("-m", "requorum", "version"),
            lambda: _run("-c", "pass"),
            runs=runs * RUNS_FACTOR,
        )
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
