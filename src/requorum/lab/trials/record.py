"""What came of one trial, and whether it failed: pure."""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from requorum.domain.quorum import witnesses_needed
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.trials.judged import Judged

HURTS_THE_LOGS_END = frozenset(
    {
        DamageKind.LOST_DISK,
        DamageKind.WAL_TORN_TAIL,
        DamageKind.WAL_SEGMENT_MISSING,
        DamageKind.STALE_COPY,
        DamageKind.WRONG_CLUSTER,
    }
)
"""After these a member's log is no witness of what was acknowledged."""

Outcome = Literal["recovered", "nothing-usable", "refused", "error"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class DamageRecord(_Part):
    """One damage, and what it did to which file."""

    kind: DamageKind
    member: str
    said: str


class RangeRecord(_Part):
    """Revisions that were not proven; null: no upper end is known."""

    first_revision: int
    last_revision: int | None
    reason: str


class RecoveryRecord(_Part):
    """What requorum did. `pinned`: only after it was told the cluster's ID.

    `usable` is filled where it found nothing to use: the files that could have been used.
    """

    outcome: Outcome
    path: str | None = None
    pinned: bool = False
    proven_none: bool | None = None
    unproven: tuple[RangeRecord, ...] = ()
    grounds: tuple[str, ...] = ()
    healthy: dict[str, bool] = {}
    warnings: tuple[str, ...] = ()
    verdicts: tuple[Judged, ...] = ()
    usable: tuple[str, ...] = ()
    message: str | None = None
    seconds: float = 0.0

    @property
    def lost(self) -> int:
        """Return how many acknowledged writes are missing, through the worst member."""
        return max((verdict.lost for verdict in self.verdicts), default=0)


class RivalRecord(_Part):
    """What another procedure made of the same crash; `verdict` is None where nothing served."""

    procedure: str
    chosen: str | None = None
    verdict: Judged | None = None
    message: str | None = None
    seconds: float = 0.0


class TrialRecord(_Part):
    """One trial, whole. `recovery` is None where requorum was not asked for."""

    seed: int
    version: str
    members: int
    writers: int
    snapshot_count: int | None
    load_seconds: float
    acknowledged: int = 0
    damages: tuple[DamageRecord, ...] = ()
    recovery: RecoveryRecord | None = None
    rivals: tuple[RivalRecord, ...] = ()
    error: str | None = None
    kept: str | None = None
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[str, ...]:
        """Return why the trial failed; empty when it did not.

        Other procedures are expected to lose: they count only where requorum did not run.
        """
        if self.error is not None:
            return (self.error,)
        if self.recovery is None:
            return tuple(why for rival in self.rivals for why in _of_rival(rival))
        return tuple(_of_recovery(self, self.recovery))

    @property
    def over_cautious(self) -> bool:
        """Return whether a loss was thought possible although enough logs were left whole.

        No failure: a follower that lagged at the crash looks like an older copy of its disk.
        """
        if self.recovery is None or self.recovery.proven_none is not False:
            return False
        spoilt = {d.member for d in self.damages if d.kind in HURTS_THE_LOGS_END}
        return self.members - len(spoilt) >= witnesses_needed(self.members)


def _of_recovery(trial: TrialRecord, done: RecoveryRecord) -> Iterator[str]:
    match done.outcome:
        case "recovered":
            yield from _unhealthy(trial, done)
            for verdict in done.verdicts:
                for why in _of_verdict(verdict, proven_none=bool(done.proven_none)):
                    yield f"through {verdict.member}: {why}"
        case "nothing-usable":
            for file in done.usable:
                yield f"nothing usable, it said, but {file}"
        case _:
            yield f"{done.outcome}: {done.message}"


def _unhealthy(trial: TrialRecord, done: RecoveryRecord) -> Iterator[str]:
    """Yield who should serve. After a plain start, a damaged member may have been left out."""
    if not done.verdicts:
        yield "recovered, but no member is healthy"
    damaged = {damage.member for damage in trial.damages} if done.path == "start" else set()
    for name, healthy in done.healthy.items():
        if not healthy and name not in damaged:
            yield f"{name} is not healthy"


def _of_verdict(verdict: Judged, *, proven_none: bool) -> Iterator[str]:
    if proven_none and verdict.lost:
        yield f"{verdict.lost} acknowledged writes lost, though proven none"
    if verdict.lost_outside:
        yield f"{verdict.lost_outside} acknowledged writes lost outside of the stated range"
    if proven_none and verdict.renumbered:
        yield f"{verdict.renumbered} keys have another revision, though nothing was lost"
    for count, what in (
        (verdict.corrupted, "keys hold a value that nobody wrote"),
        (verdict.foreign, "keys are of another cluster"),
        (verdict.out_of_order, "keys have revisions out of order"),
        (verdict.torn, "transactions are applied by half"),
        (verdict.contradictions, "answers contradicted each other before the crash"),
    ):
        if count:
            yield f"{count} {what}"


def _of_rival(rival: RivalRecord) -> Iterator[str]:
    """Yield what a procedure that states no loss did wrong: it claims to lose nothing."""
    if rival.verdict is None:
        yield f"{rival.procedure}: {rival.message}"
        return
    for why in _of_verdict(rival.verdict, proven_none=True):
        yield f"{rival.procedure}: {why}"
