"""What a trial is told of a recovery, whoever carries it out: the lab knows no use cases."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from requorum.domain.ids import ClusterId
from requorum.domain.loss import Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The cluster serves again. `healthy`: every member's name, and whether it reads."""

    path: str
    healthy: Mapping[str, bool]
    loss: Loss
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was done. `ambiguous`: nothing on the disks says which cluster is ours."""

    why: Literal["ambiguous", "nothing-usable", "other"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRequest:
    """What to recover; `runs_dir` is for the journal, `cluster_id` pins the cluster."""

    cluster_file: Path
    runs_dir: Path
    cluster_id: ClusterId | None = None


Recover = Callable[[RecoveryRequest], Awaitable[Recovered | Refusal]]
"""Carries a recovery out. Raises RequorumError where it fails."""
