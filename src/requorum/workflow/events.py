"""What a journal records, one event per line."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

Note: TypeAlias = dict[str, JsonValue]
_NOTE: TypeAdapter[Note] = TypeAdapter(Note)


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    free_text: ClassVar[tuple[str, ...]] = ()
    """The fields that carry words from outside of requorum, where a secret could hide."""

    def cleaned(self, clean: Callable[[str], str]) -> Self:
        """Return the event with its free text passed through `clean`."""
        texts = {field: _cleaned(getattr(self, field), clean) for field in self.free_text}
        return self.model_copy(update=texts)


class Planned(_Event):
    """The plan was written; its bytes have this digest."""

    type: Literal["planned"] = "planned"
    plan_digest: str


class Approved(_Event):
    """Somebody said yes to the plan with this digest."""

    free_text = ("by",)
    type: Literal["approved"] = "approved"
    by: str
    plan_digest: str


class Started(_Event):
    """The facts were found unchanged, and the first step comes next."""

    type: Literal["started"] = "started"


class StepBegun(_Event):
    """From here on the step may have changed something."""

    type: Literal["step-begun"] = "step-begun"
    step: int


class StepDone(_Event):
    """The step has reached its end."""

    free_text = ("note",)
    type: Literal["step-done"] = "step-done"
    step: int
    note: Note


class StepFailed(_Event):
    """The step gave up; it may have changed something."""

    free_text = ("error",)
    type: Literal["step-failed"] = "step-failed"
    step: int
    error: str


class Interrupted(_Event):
    """The operator or the system asked us to stop, and we could still write it down."""

    free_text = ("reason",)
    type: Literal["interrupted"] = "interrupted"
    reason: str


class Resumed(_Event):
    """A run that had stopped goes on."""

    type: Literal["resumed"] = "resumed"


class RollbackStarted(_Event):
    """From here on the run only goes back. Written again each time that a rollback is resumed."""

    type: Literal["rollback-started"] = "rollback-started"


class StepUndoBegun(_Event):
    """The step is being taken back."""

    type: Literal["step-undo-begun"] = "step-undo-begun"
    step: int


class StepUndone(_Event):
    """The step is taken back."""

    free_text = ("note",)
    type: Literal["step-undone"] = "step-undone"
    step: int
    note: Note


class StepUndoFailed(_Event):
    """The step could not be taken back."""

    free_text = ("error",)
    type: Literal["step-undo-failed"] = "step-undo-failed"
    step: int
    error: str


class Finished(_Event):
    """Every step is done."""

    free_text = ("outcome",)
    type: Literal["finished"] = "finished"
    outcome: str


class RolledBack(_Event):
    """Every step that was ever begun is taken back."""

    type: Literal["rolled-back"] = "rolled-back"


Event: TypeAlias = Annotated[
    Planned
    | Approved
    | Started
    | StepBegun
    | StepDone
    | StepFailed
    | Interrupted
    | Resumed
    | RollbackStarted
    | StepUndoBegun
    | StepUndone
    | StepUndoFailed
    | Finished
    | RolledBack,
    Field(discriminator="type"),
]


def note_from(raw: Mapping[str, JsonValue], clean: Callable[[str], str]) -> Note:
    """Return what a step gave us as a note; pydantic's ValidationError when it is not JSON."""
    return _NOTE.validate_python(_cleaned(dict(raw), clean))


def _cleaned(value: JsonValue, clean: Callable[[str], str]) -> JsonValue:
    """Clean every string; the names in a note come from the code of the step and stay."""
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(item, clean) for item in value]
        case dict():
            return {name: _cleaned(item, clean) for name, item in value.items()}
        case _:
            return value
