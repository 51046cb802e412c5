"""The actions that plans are made of, each with its undo."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from requorum.runbooks.steps.await_health import AwaitHealth
from requorum.runbooks.steps.build_image import BuildImage
from requorum.runbooks.steps.exchange import RestoreMember, SetAside
from requorum.runbooks.steps.service import StartMember, StopMember

AnyStep = Annotated[
    StopMember | StartMember | BuildImage | SetAside | RestoreMember | AwaitHealth,
    Field(discriminator="kind"),
]

STEP_DECODER: TypeAdapter[AnyStep] = TypeAdapter(AnyStep)
"""Turns a step's JSON back into the step."""
