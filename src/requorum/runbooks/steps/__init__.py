"""The actions that plans are made of, each with its undo."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from requorum.runbooks.steps.await_health import AwaitHealth
from requorum.runbooks.steps.backup import TakeBackup
from requorum.runbooks.steps.build_image import BuildImage
from requorum.runbooks.steps.catch_up import AwaitCaughtUp
from requorum.runbooks.steps.change_settings import ChangeSettings
from requorum.runbooks.steps.client import StartClient, StopClient
from requorum.runbooks.steps.data_dir import MakeDataDir
from requorum.runbooks.steps.exchange import RestoreMember, SetAside
from requorum.runbooks.steps.fence import FenceMember, LiftFence
from requorum.runbooks.steps.furnish import CopyFiles, EnableUnit
from requorum.runbooks.steps.join_settings import JoinSettings
from requorum.runbooks.steps.membership import (
    AddLearner,
    DisarmCorrupt,
    PromoteMember,
    RemoveMember,
)
from requorum.runbooks.steps.move_leader import MoveLeader
from requorum.runbooks.steps.probe_writes import ProbeWrites
from requorum.runbooks.steps.send_file import SendFile
from requorum.runbooks.steps.service import StartMember, StopMember

AnyStep = Annotated[
    StopClient
    | StopMember
    | FenceMember
    | BuildImage
    | SendFile
    | SetAside
    | RestoreMember
    | ChangeSettings
    | LiftFence
    | StartMember
    | AwaitHealth
    | ProbeWrites
    | StartClient
    | TakeBackup
    | CopyFiles
    | EnableUnit
    | MakeDataDir
    | MoveLeader
    | JoinSettings
    | RemoveMember
    | DisarmCorrupt
    | AddLearner
    | AwaitCaughtUp
    | PromoteMember,
    Field(discriminator="kind"),
]

STEP_DECODER: TypeAdapter[AnyStep] = TypeAdapter(AnyStep)
"""Turns a step's JSON back into the step."""
