"""What one salvage trial does, drawn from its seed alone: pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from requorum.lab.salvage_trials.db_damage import DB_DAMAGES
from requorum.lab.salvage_trials.wal_damage import WAL_DAMAGES

LOST = "lost"
"""The whole database, or the whole log, is gone."""

SEGMENT_LOST = "segment-lost"

LOADS = 4
"""So many different loads of each version are recorded; trials draw from them."""

LONG = -1
"""One more load, seldom drawn: its log has two segments of 64 MB or more."""

_LONG_PART = 0.05

_DAMAGES_AT_ONCE = (1, 1, 1, 2, 2, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberHarm:
    """What befalls one member's disk: names of damages, in the order in which they are done."""

    db: tuple[str, ...]
    wal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One trial. `other` is the second version of etcd that must serve the result.

    `common`: what befalls all members alike, a part of history between two fractions of it, so
    that nobody can fill the gap; None where each one's damage is its own.
    """

    seed: int
    version: str
    other: str
    load: int
    harms: tuple[MemberHarm, ...]
    common: tuple[float, float] | None


def draw(seed: int, versions: Sequence[str], *, members: int) -> Drawn:
    """Draw a trial on one of these versions of etcd."""
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    version = rng.choice(versions)
    others = [other for other in versions if other != version] or [version]
    logs_left = rng.random()
    return Drawn(
        seed=seed,
        version=version,
        other=rng.choice(others),
        load=LONG if rng.random() < _LONG_PART else rng.randrange(LOADS),
        harms=tuple(
            MemberHarm(db=_db_harm(rng), wal=_wal_harm(rng, logs_left)) for _ in range(members)
        ),
        common=_common(rng) if rng.random() < 0.5 else None,
    )


def _db_harm(rng: random.Random) -> tuple[str, ...]:
    dice = rng.random()
    if dice < 0.04:
        return ()
    if dice < 0.18:
        return (LOST,)
    return tuple(rng.choices(tuple(DB_DAMAGES), k=rng.choice(_DAMAGES_AT_ONCE)))


def _wal_harm(rng: random.Random, left: float) -> tuple[str, ...]:
    """Draw what befalls a log; the greater `left`, the more of it is left."""
    dice = rng.random()
    if dice < 0.35 * left:
        return ()
    if dice < 0.5 + 0.2 * left:
        return (rng.choice([LOST, LOST, SEGMENT_LOST]),)
    return tuple(rng.choices(tuple(WAL_DAMAGES), k=rng.choice(_DAMAGES_AT_ONCE)))


def _common(rng: random.Random) -> tuple[float, float]:
    begin = min(0.999, rng.choice([0.0, 0.6, 0.9, 0.98]) + rng.random() * 0.1)
    return begin, min(1.0, begin + rng.choice([0.002, 0.02, 0.2]) * rng.random())
