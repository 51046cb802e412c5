"""What many salvage trials came to: pure."""

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from requorum.lab.salvage_trials.record import TrialRecord


class Summary(BaseModel):
    """Counts of trials, and of records over all of them. `failed` are the seeds that failed.

    `lost_in`, `doubtful_in`, `unknowable_in`: how many trials had any; `over_cautious` are the
    seeds of those in which something was said to be lost although nothing was.
    """

    model_config = ConfigDict(frozen=True)

    trials: int
    failed: tuple[int, ...]
    by_version: dict[str, int]
    nothing_left: int
    served: int
    needed: int
    proven: int
    lost: int
    lost_in: int
    doubtful_in: int
    unknowable: int
    unknowable_in: int
    over_cautious: tuple[int, ...]
    salvage_seconds_most: float
    seconds: float


def summarise(records: Sequence[TrialRecord]) -> Summary:
    """Count."""
    judged = [record.judged for record in records if record.judged is not None]
    return Summary(
        trials=len(records),
        failed=tuple(record.seed for record in records if record.failures),
        by_version=dict(sorted(Counter(record.version for record in records).items())),
        nothing_left=sum(record.nothing_left for record in records),
        served=sum(len(record.served) for record in records),
        needed=sum(j.needed for j in judged),
        proven=sum(j.proven for j in judged),
        lost=sum(j.lost for j in judged),
        lost_in=sum(j.lost > 0 for j in judged),
        doubtful_in=sum(j.doubtful > 0 for j in judged),
        unknowable=sum(j.unknowable for j in judged),
        unknowable_in=sum(j.unknowable > 0 for j in judged),
        over_cautious=tuple(r.seed for r in records if r.judged and r.judged.over_cautious),
        salvage_seconds_most=max((r.salvage_seconds for r in records), default=0.0),
        seconds=round(sum(record.seconds for record in records), 1),
    )
