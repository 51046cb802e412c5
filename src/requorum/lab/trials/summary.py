"""What many trials came to: pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from requorum.lab.trials.record import TrialRecord


class Losses(BaseModel):
    """One procedure over all trials. `lost`: acknowledged writes and leases, added up.

    `not_serving` counts the trials after which nothing answered.
    """

    model_config = ConfigDict(frozen=True)

    procedure: str
    trials: int
    lost: int
    trials_with_loss: int
    not_serving: int


class Summary(BaseModel):
    """Counts of trials, and each procedure's losses. `failed` are the seeds that failed.

    `over_cautious` are those of which a loss was thought possible although none was.
    """

    model_config = ConfigDict(frozen=True)

    trials: int
    acknowledged: int
    failed: tuple[int, ...]
    by_version: dict[str, int]
    by_members: dict[str, int]
    by_damage: dict[str, int]
    by_outcome: dict[str, int]
    proven_none: int
    over_cautious: tuple[int, ...]
    pinned: int
    losses: tuple[Losses, ...]
    seconds: float


def summarise(records: Sequence[TrialRecord]) -> Summary:
    """Count."""
    done = [r.recovery for r in records if r.recovery is not None]
    return Summary(
        trials=len(records),
        acknowledged=sum(record.acknowledged for record in records),
        failed=tuple(record.seed for record in records if record.failures),
        by_version=_counted(record.version for record in records),
        by_members=_counted(str(record.members) for record in records),
        by_damage=_counted(kind for record in records for kind in _kinds(record)),
        by_outcome=_counted(recovery.path or recovery.outcome for recovery in done),
        proven_none=sum(recovery.proven_none is True for recovery in done),
        over_cautious=tuple(record.seed for record in records if record.over_cautious),
        pinned=sum(recovery.pinned for recovery in done),
        losses=tuple(_losses(records)),
        seconds=round(sum(record.seconds for record in records), 1),
    )


def _counted(words: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _kinds(record: TrialRecord) -> Iterator[str]:
    yield from (damage.kind for damage in record.damages)
    if not record.damages:
        yield "none"


def _losses(records: Sequence[TrialRecord]) -> Iterator[Losses]:
    tried: dict[str, list[int | None]] = {}
    for record in records:
        if record.recovery is not None:
            served = record.recovery.outcome == "recovered"
            tried.setdefault("requorum", []).append(record.recovery.lost if served else None)
        for rival in record.rivals:
            lost = rival.verdict.lost if rival.verdict else None
            tried.setdefault(rival.procedure, []).append(lost)
    for procedure, found in tried.items():
        counts = [lost for lost in found if lost is not None]
        yield Losses(
            procedure=procedure,
            trials=len(found),
            lost=sum(counts),
            trials_with_loss=sum(lost > 0 for lost in counts),
            not_serving=len(found) - len(counts),
        )
