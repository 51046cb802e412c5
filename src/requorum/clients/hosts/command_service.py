"""A member whose supervisor is driven by three commands of the operator's."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from requorum.domain.cluster import CommandService
from requorum.errors import DeadlineExceeded, StepFailed
from requorum.ports.host import Completed, Host

_TAIL_LINES = 5
_POLL_SECONDS = 0.2

# What a shell says of a command that it could not run. It must not be taken for "it is stopped".
_NOT_RUN = frozenset({126, 127})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDeadlines:
    """How long each command may take, in seconds. `stop` includes the wait until it is gone."""

    start: float = 120.0
    stop: float = 120.0
    status: float = 15.0


_DEADLINES = CommandDeadlines()


class CommandServiceControl:
    """Starts, stops and asks for one member on its host."""

    def __init__(
        self, host: Host, spec: CommandService, *, deadlines: CommandDeadlines = _DEADLINES
    ) -> None:
        self._host = host
        self._spec = spec
        self._deadlines = deadlines

    async def running(self) -> bool:
        """Return whether the status command exits with 0.

        StepFailed when it could not be run or was killed: that says nothing about the member.
        """
        done = await self._run("status", self._spec.status, self._deadlines.status)
        if done.returncode < 0 or done.returncode in _NOT_RUN:
            raise command_failed("status", done)
        return done.returncode == 0

    async def start(self) -> None:
        """Start it; StepFailed with the command's own words when that fails."""
        done = await self._run("start", self._spec.start, self._deadlines.start)
        if done.returncode != 0:
            raise command_failed("start", done)

    async def stop(self) -> None:
        """Stop it and wait until it is gone; StepFailed when it stays."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._deadlines.stop
        done = await self._run("stop", self._spec.stop, self._deadlines.stop)
        if done.returncode != 0:
            raise command_failed("stop", done)
        while await self.running():
            if clock() > end:
                raise StepFailed(
                    f"the member still runs {self._deadlines.stop:g} s after `{_line(done.argv)}`",
                    hint="Stop it by hand, or correct the stop and status commands.",
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _run(self, name: str, argv: Sequence[str], deadline: float) -> Completed:
        try:
            return await self._host.run(argv, deadline=deadline)
        except DeadlineExceeded as error:
            raise StepFailed(f"the {name} command failed: {error}", hint=error.hint) from error


def command_failed(name: str, done: Completed) -> StepFailed:
    """Return what to raise for one of the operator's commands: its line and its last words."""
    words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-_TAIL_LINES:]
    said = ": " + " / ".join(words) if words else ""
    return StepFailed(f"the {name} command `{_line(done.argv)}` {_ending(done.returncode)}{said}")


def _ending(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by signal {-returncode}"
    return f"exited with status {returncode}"


def _line(argv: Sequence[str]) -> str:
    return " ".join(argv)
