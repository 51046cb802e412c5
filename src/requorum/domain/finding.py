"""What came of looking at one thing before it is needed."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`fail`: a recovery would fail on it, or the cluster does now. `warn`: look at it soon."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one subject: a member, a host, or the whole cluster; `hint` says what to do."""

    check: str
    subject: str
    verdict: Verdict
    text: str
    hint: str | None = None


def worst(verdicts: "list[Verdict]") -> Verdict:
    """Return the worst of them, ok where there is none."""
    return max(verdicts, key=list(Verdict).index, default=Verdict.OK)
