"""What starts and stops a member on its host, and keeps it from starting."""

from collections.abc import Mapping
from typing import Protocol


class ServiceControl(Protocol):
    """How one member is started and stopped on its host."""

    async def running(self) -> bool:
        """Return whether the supervisor says that the member runs."""
        ...

    async def start(self) -> None:
        """Start it; StepFailed with the command's own words when that fails."""
        ...

    async def stop(self) -> None:
        """Stop it and wait until it is gone; StepFailed when it stays."""
        ...


class SettingsControl(Protocol):
    """How a member's settings, by flag name without dashes, are changed for its next start."""

    async def change(self, run: str, settings: Mapping[str, str]) -> None:
        """Set these, and keep what was set before; no change where that is done already."""

    async def put_back(self, run: str) -> None:
        """Set what was set before that run changed it; no change where it changed nothing."""


class Fence(Protocol):
    """What keeps a member from being started, by whomever, and after a reboot, too."""

    async def held_by(self) -> str | None:
        """Return the id of the run whose fence stands, None where none does."""
        ...

    async def put_up(self, run: str, *, stays: bool = False) -> None:
        """Put it up; no change where this run's stands. What runs goes on.

        One that `stays` is not lifted by the run's end, and the next run takes its place.
        StepFailed where another run's stands.
        """
        ...

    async def lift(self, run: str, *, as_before: bool = False) -> None:
        """Take this run's fence away; `as_before` puts back the one whose place it took."""
        ...
