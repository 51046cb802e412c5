"""One action of a plan: what it does, why, at what risk, and how it is taken back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

World = TypeVar("World")
"""Whatever the steps act on. The engine hands it through and never looks inside."""


class StepOutline(BaseModel):
    """What is shown of a step before it runs; readable without knowing the step's own class.

    The words are stored with the plan, so what was shown is what the record says was shown.
    They are never redacted, because the plan must stay what it was: no secret belongs in them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    host: str
    """Where it acts; "-" for a step that acts on no host."""
    title: str
    reason: str
    risk: str = ""
    """What may go wrong; "" for a step that risks nothing."""
    details: tuple[str, ...] = ()
    """Lines that are shown below it, such as those of a file that it changes."""
    together: str | None = None
    """Neighbouring steps with the same label run at the same time."""
    point_of_no_return: bool = False
    """Whether others build on the result once this has begun: no run is taken back past it."""


class Step(StepOutline, ABC, Generic[World]):
    """A step that can be done and undone.

    A subclass narrows `kind` to a Literal, by which its JSON is recognised, and adds the fields
    that it needs. Both methods may be cut off at any instruction and are then called again, in
    this process or another, so they look at the world first and do what is still missing.
    They return a note for the journal. Nothing reads a note back: what a later call must know
    has to be found in the world, for a kill may come before the note is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Bring the world to where this step is done. No change where it is done already."""

    @abstractmethod
    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Take the step back, whether `apply` never began, stopped in the middle or finished."""
