"""A systemd unit: a member's own, or one that uses the cluster, such as kubelet."""

import asyncio
from dataclasses import dataclass

from requorum.clients.hosts.systemctl import ASK_DEADLINE, Systemctl
from requorum.errors import StepFailed
from requorum.formats.systemd.unit_state import UnitState
from requorum.ports.host import Host

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemdDeadlines:
    """How long each may take, in seconds; longer than systemd's own 90 s for either by default."""

    start: float = 150.0
    stop: float = 150.0


_DEADLINES = SystemdDeadlines()


class SystemdServiceControl:
    """Starts, stops and asks for one unit. It ends no process: systemd does that."""

    def __init__(self, host: Host, unit: str, *, deadlines: SystemdDeadlines = _DEADLINES) -> None:
        self._host = host
        self._systemctl = Systemctl(host, unit)
        self._deadlines = deadlines

    async def running(self) -> bool:
        """Return whether it runs, or systemd will start it by itself: see `UnitState.runs`.

        StepFailed when systemd does not tell, or has no such unit: that says nothing about the
        member.
        """
        return (await self._systemctl.state()).runs

    async def start(self) -> None:
        """Start it and wait until it is up; StepFailed with the journal's last lines otherwise.

        A unit that failed too often in a row is given its attempts back first.
        """
        if (await self._systemctl.state()).active == "failed":
            await self._systemctl.run("reset-failed", "--", self._unit, deadline=ASK_DEADLINE)
        done = await self._systemctl.run("start", "--", self._unit, deadline=self._deadlines.start)
        state = await self._systemctl.state()
        if done.returncode != 0:
            error = self._systemctl.failed("start", done)
            raise StepFailed(
                error.message + await self._systemctl.journal(), hint=self._look(state)
            )
        if not state.started:
            raise StepFailed(
                f"{self._unit} on {self._host.name} was started and is {state}"
                + await self._systemctl.journal(),
                hint=self._look(state),
            )

    async def stop(self) -> None:
        """Stop it and wait until it is gone; StepFailed when it stays."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._deadlines.stop
        done = await self._systemctl.run("stop", "--", self._unit, deadline=self._deadlines.stop)
        if done.returncode != 0:
            raise self._systemctl.failed("stop", done)
        while (state := await self._systemctl.state()).runs:
            if clock() > end:
                raise StepFailed(
                    f"{self._unit} on {self._host.name} is still {state} "
                    f"{self._deadlines.stop:g} s after it was stopped",
                    hint="Something starts it again. Find out what, and stop that first.",
                )
            await asyncio.sleep(_POLL_SECONDS)

    @property
    def _unit(self) -> str:
        return self._systemctl.unit

    def _look(self, state: UnitState) -> str:
        # What began to start and failed is "failed"; systemd soon forgets why it did not begin.
        if state.active == "inactive":
            return (
                f"A condition or an assertion of the unit is not met: `systemctl cat {self._unit}` "
                "shows them. One that names requorum is the fence of a run."
            )
        return f"`journalctl -u {self._unit}` on that host says more."
