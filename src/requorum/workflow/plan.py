"""A plan: what was decided, in the form in which it is shown, approved, kept and run."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from random import Random
from typing import Generic, Protocol, Self, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializeAsAny,
    ValidationError,
)

from requorum.errors import DamagedInput, Refused
from requorum.workflow.step import Step, StepOutline, World

PLAN_FORMAT = 1
RUN_ID_PATTERN = r"\d{8}-\d{6}-[a-z2-7]{4}"
_RUN_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class StepDecoder(Protocol[World]):
    """What turns a step's JSON into the step; a TypeAdapter of a discriminated union is one."""

    def validate_json(self, data: bytes, /) -> Step[World]:
        """Return the step; pydantic's ValidationError when the JSON is none."""
        ...


class PlanHeader(BaseModel):
    """All of a plan but its steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = PLAN_FORMAT
    run_id: str = Field(pattern=f"^{RUN_ID_PATTERN}$")
    runbook: str
    created: AwareDatetime
    subject: str
    """The cluster that it is about."""
    summary: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fingerprint: str
    """`fingerprint_of` the facts that the plan rests on."""
    context: dict[str, JsonValue] = {}
    """What the caller needs to build the world again in another process. Never a secret."""


class PlanOutline(PlanHeader):
    """A plan as it can be listed and shown without the code of its steps."""

    steps: tuple[StepOutline, ...] = Field(min_length=1)

    @classmethod
    def decode(cls, data: bytes, name: str) -> Self:
        """Read an encoded plan; `name` is what the errors call it.

        Raises DamagedInput, or Refused for a format that a later release wrote.
        """
        _check_format(data, name)
        return _decode_as(cls, data, name)


class Plan(PlanHeader, Generic[World]):
    """A plan that can be run. At least one step: where nothing is to be done there is no plan."""

    steps: tuple[SerializeAsAny[Step[World]], ...] = Field(min_length=1)

    def encode(self) -> bytes:
        """Return the plan as JSON, indented for the people who open it at night."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes, steps: StepDecoder[World], name: str) -> "Plan[World]":
        """Read what `encode` wrote. Raises as `PlanOutline.decode` does."""
        _check_format(data, name)
        raw = _decode_as(_RawPlan, data, name)
        header = raw.model_dump(exclude={"steps"})
        decoded = [_decode_step(step, steps, name) for step in raw.steps]
        return cls(**header, steps=tuple(decoded))


def digest_of(encoded_plan: bytes) -> str:
    """Return the name by which an approval knows the plan: SHA-256 of its bytes, in hex."""
    return hashlib.sha256(encoded_plan).hexdigest()


def fingerprint_of(facts: JsonValue) -> str:
    """Return SHA-256, in hex, of the facts as JSON with sorted keys and no blanks.

    ValueError for NaN and infinities: they do not equal themselves, so they are no facts.
    """
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def new_run_id(now: datetime, random: Random) -> str:
    """Return an id like 20261121-031415-x7k2, in UTC: run ids sort by time."""
    if now.tzinfo is None:
        raise ValueError("a run id needs a time with its zone")
    tail = "".join(random.choices(_RUN_ID_LETTERS, k=4))
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{tail}"


def stages(steps: Sequence[StepOutline]) -> tuple[tuple[int, ...], ...]:
    """Return the indices of the steps, those that run together in one tuple, in order."""
    grouped = groupby(enumerate(steps), key=lambda item: item[1].together or item[0])
    return tuple(tuple(index for index, _ in group) for _, group in grouped)


class _FormatOnly(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format_version: int


class _RawPlan(PlanHeader):
    steps: tuple[dict[str, JsonValue], ...] = Field(min_length=1)


_Model = TypeVar("_Model", bound=BaseModel)


def _check_format(data: bytes, name: str) -> None:
    found = _decode_as(_FormatOnly, data, name).format_version
    if found != PLAN_FORMAT:
        raise Refused(
            f"{name} has plan format {found}, this requorum reads format {PLAN_FORMAT}",
            hint="Use the release of requorum that made the plan.",
        )


def _decode_as(model: type[_Model], data: bytes, name: str) -> _Model:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise _damaged(name, error) from error


def _decode_step(step: dict[str, JsonValue], steps: StepDecoder[World], name: str) -> Step[World]:
    try:
        return steps.validate_json(json.dumps(step).encode())
    except ValidationError as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: ValidationError) -> DamagedInput:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    return DamagedInput(f"{name} is no plan: {place}: {first['msg']}")
