"""Timing in pairs, so that a machine that slows down slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Wall times in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median."""
        return statistics.median(self.seconds)

    @property
    def shown(self) -> str:
        """Return median and spread."""
        return f"{self.median:.3f} ({min(self.seconds):.3f} to {max(self.seconds):.3f})"


@dataclass(frozen=True)
class Pair:
    """One thing done two ways; `beside` names the other. `aim`: the ratio that is wanted."""

    what: str
    beside: str
    ours: Times
    theirs: Times
    aim: float | None = None

    @property
    def ratio(self) -> float:
        """Return how much of their time ours takes."""
        return self.ours.median / self.theirs.median


@dataclass(frozen=True)
class Alone:
    """One thing that nobody else does."""

    what: str
    ours: Times


@dataclass(frozen=True)
class Figure:
    """One thing that is no time, and what it is."""

    what: str
    value: str
    meaning: str


Measured = Pair | Alone | Figure


def in_turn(
    what: str,
    beside: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    runs: int,
    before: Callable[[], object] = lambda: None,
    aim: float | None = None,
) -> Pair:
    """Run both in turn, `before` each, which is not counted."""
    pairs = [(_timed(before, ours), _timed(before, theirs)) for _ in range(runs)]
    first, second = (Times(times) for times in zip(*pairs, strict=True))
    return Pair(what, beside, first, second, aim)


def alone(
    what: str,
    ours: Callable[[], object],
    *,
    runs: int,
    before: Callable[[], object] = lambda: None,
) -> Alone:
    """Run it, `before` each time, which is not counted."""
    return Alone(what, Times(tuple(_timed(before, ours) for _ in range(runs))))


def _timed(before: Callable[[], object], act: Callable[[], object]) -> float:
    before()
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
