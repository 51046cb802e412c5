"""What one trial does, drawn from its seed alone: pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from requorum.lab.damage.kinds import DamageKind

SMALL_SNAPSHOT_COUNT = 500
_LOAD_SECONDS = (0.5, 4.0)
_WRITERS = (4, 48)
_MEMBERS = {3: 80, 5: 12, 1: 8}
_DAMAGES = {0: 1, 1: 4, 2: 5}

UNSEEN_ON_A_SINGLE_MEMBER = frozenset({DamageKind.STALE_COPY, DamageKind.WRONG_CLUSTER})
"""With one member these leave nothing on any disk that speaks of what was there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One trial. Times are in seconds from the load's start.

    `damages` are members, each with every kind in the order in which they are tried: one that
    finds nothing to damage gives way to the next.
    """

    seed: int
    version: str
    members: int
    writers: int
    compact: bool
    snapshot_count: int | None
    copies_at: float
    kill_at: float
    damages: tuple[tuple[str, tuple[DamageKind, ...]], ...]


def draw(seed: int, versions: Sequence[str]) -> Drawn:
    """Draw a trial on one of these versions of etcd."""
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    members = _weighted(rng, _MEMBERS)
    kill_at = rng.uniform(*_LOAD_SECONDS)
    return Drawn(
        seed=seed,
        version=rng.choice(versions),
        members=members,
        writers=rng.randint(*_WRITERS),
        compact=rng.random() < 0.7,
        snapshot_count=SMALL_SNAPSHOT_COUNT if rng.random() < 0.35 else None,
        copies_at=rng.uniform(0, kill_at),
        kill_at=kill_at,
        damages=_damages(rng, members),
    )


def _weighted(rng: random.Random, weights: dict[int, int]) -> int:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def _damages(rng: random.Random, members: int) -> tuple[tuple[str, tuple[DamageKind, ...]], ...]:
    names = [f"etcd{number}" for number in range(1, members + 1)]
    hit = rng.sample(names, min(_weighted(rng, _DAMAGES), members))
    kinds = [k for k in DamageKind if members > 1 or k not in UNSEEN_ON_A_SINGLE_MEMBER]
    return tuple((name, tuple(rng.sample(kinds, len(kinds)))) for name in hit)
