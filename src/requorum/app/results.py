"""What the commands return: one object each, rendered as a table or as JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from requorum.domain.loss import Loss


class Result(BaseModel):
    """A result that is printed as JSON exactly as it is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MemberHealth(Result):
    """Whether a member reads through a leader."""

    name: str
    healthy: bool


class UnprovenResult(Result):
    """A range of acknowledged writes that may be missing; both ends inclusive, null = no end."""

    first_index: int
    last_index: int | None
    first_revision: int
    last_revision: int | None
    reason: str


class LossResult(Result):
    """What a recovery may have lost."""

    proven_none: bool
    unproven: tuple[UnprovenResult, ...]
    grounds: tuple[str, ...]

    @classmethod
    def of(cls, loss: Loss) -> "LossResult":
        """Return the statement as it is printed and kept."""
        return cls(
            proven_none=loss.proven_none,
            unproven=tuple(
                UnprovenResult(
                    first_index=r.first_index,
                    last_index=r.last_index,
                    first_revision=r.first_revision,
                    last_revision=r.last_revision,
                    reason=r.reason,
                )
                for r in loss.unproven
            ),
            grounds=loss.grounds,
        )


class RecoverResult(Result):
    """The result of `recover`, `restore`, and the changes of `member`, and of `runs`.

    `path` and `loss` are null where no plan came to be; `run` where nothing ran.
    """

    outcome: Literal[
        "recovered",
        "replaced",
        "added",
        "removed",
        "furnished",
        "nothing-to-do",
        "refused",
        "failed",
        "rolled-back",
    ]
    path: Literal["start", "rescue", "restore", "replace", "add", "remove", "furnish"] | None = None
    run: str | None = None
    members: tuple[MemberHealth, ...] = ()
    loss: LossResult | None = None
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    hint: str | None = None
