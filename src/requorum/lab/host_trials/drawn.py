"""What one trial on hosts does, drawn from its seed alone: pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from requorum.lab.damage.kinds import DamageKind
from requorum.lab.hosts.description import EtcdStyle

HOSTS = 3
_LOAD_SECONDS = (1.0, 4.0)
_WRITERS = (4, 32)
_DAMAGES = {1: 3, 2: 5, 3: 1}
_KINDS = tuple(kind for kind in DamageKind if kind is not DamageKind.WRONG_CLUSTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnOnHosts:
    """One trial. Times are in seconds from the load's start.

    `damages` are members, each with every kind in the order in which they are tried: one that
    finds nothing to damage gives way to the next.
    """

    seed: int
    version: str
    style: EtcdStyle
    writers: int
    compact: bool
    snapshot_count: int | None
    copies_at: float
    cut_at: float
    damages: tuple[tuple[str, tuple[DamageKind, ...]], ...]


def draw_on_hosts(seed: int, versions: Sequence[str]) -> DrawnOnHosts:
    """Draw a trial. The versions of etcd, and the ways to configure its unit, take turns."""
    rng = random.Random(f"hosts/{seed}")  # noqa: S311  # repeatable on purpose
    cut_at = rng.uniform(*_LOAD_SECONDS)
    styles = tuple(EtcdStyle)
    return DrawnOnHosts(
        seed=seed,
        version=versions[seed % len(versions)],
        style=styles[seed // len(versions) % len(styles)],
        writers=rng.randint(*_WRITERS),
        compact=rng.random() < 0.7,
        snapshot_count=500 if rng.random() < 0.35 else None,
        copies_at=rng.uniform(0, cut_at),
        cut_at=cut_at,
        damages=_damages(rng),
    )


def _damages(rng: random.Random) -> tuple[tuple[str, tuple[DamageKind, ...]], ...]:
    (count,) = rng.choices(tuple(_DAMAGES), tuple(_DAMAGES.values()))
    hit = rng.sample([f"etcd{number}" for number in range(1, HOSTS + 1)], count)
    return tuple((name, tuple(rng.sample(_KINDS, len(_KINDS)))) for name in hit)
