"""How long it takes until requorum answers at all."""

import sys
from pathlib import Path

from bench.command import requorum, unheard
from bench.measure import Pair, in_turn

RUNS_FACTOR = 5
AIM = 3.0


def bench_start_up(_directory: Path, runs: int, _megabytes: int | None) -> list[Pair]:
    """`requorum version` beside a Python that does nothing."""
    return [
        in_turn(
            "requorum version",
            "python -c pass",
            lambda: unheard(requorum("version")),
            lambda: unheard([sys.executable, "-c", "pass"]),
            runs=runs * RUNS_FACTOR,
            aim=AIM,
        )
    ]
