"""A supervisor of three commands, with real commands."""

import os
import signal
import time
from pathlib import Path

import pytest

from requorum.clients.hosts.command_service import CommandDeadlines, CommandServiceControl
from requorum.clients.hosts.local import LocalHost
from requorum.domain.cluster import CommandService
from requorum.errors import RequorumError, StepFailed
from requorum.ports.service import ServiceControl

pytestmark = pytest.mark.processes


def sh(script: str) -> tuple[str, ...]:
    """Return the command line of a shell script."""
    return ("sh", "-c", script)


def control(*, start: str = "true", stop: str = "true", status: str = "true") -> ServiceControl:
    """Return a control with short deadlines."""
    spec = CommandService(start=sh(start), stop=sh(stop), status=sh(status))
    deadlines = CommandDeadlines(start=2, stop=2, status=1)
    return CommandServiceControl(LocalHost(), spec, deadlines=deadlines)


async def test_life_of_a_daemon(tmp_path: Path) -> None:
    """A daemon that inherits stdout does not hold up start; stop waits until it is gone."""
    pid = tmp_path / "pid"
    service = control(
        start=f"setsid sleep 600 & echo $! > {pid}",
        # It goes some time after the command has returned.
        stop=f"(sleep 0.5; kill -9 $(cat {pid}); rm {pid}) >/dev/null 2>&1 &",
        status=f"test -e {pid}",
    )
    assert not await service.running()
    begin = time.monotonic()
    await service.start()
    assert time.monotonic() - begin < 2
    assert await service.running()
    daemon = int(pid.read_text())
    os.kill(daemon, 0)
    await service.stop()
    assert not pid.exists()


async def test_start_that_fails() -> None:
    """The error holds the command and the end of what it said."""
    service = control(start="for n in 1 2 3 4 5 6 7; do echo line $n >&2; done; exit 4")
    with pytest.raises(StepFailed) as caught:
        await service.start()
    assert "the start command `sh -c for n in" in caught.value.message
    assert "exited with status 4: line 3 / line 4" in caught.value.message
    assert caught.value.message.endswith("line 7")


async def test_start_that_hangs() -> None:
    """A command that does not end is a failed step that says so."""
    with pytest.raises(StepFailed, match=r"the start command failed: .* did not end within 2 s"):
        await control(start="sleep 600").start()


async def test_stop_that_fails() -> None:
    """A stop command's words are passed on, from stdout when stderr is empty."""
    with pytest.raises(StepFailed, match="exited with status 1: no such unit"):
        await control(stop="echo no such unit; exit 1").stop()


async def test_member_that_stays() -> None:
    """A member that runs on after its stop command is a failed step."""
    with pytest.raises(StepFailed, match="still runs 2 s after") as caught:
        await control(stop="true", status="true").stop()
    assert caught.value.hint


@pytest.mark.parametrize("script", ["exit 127", "exit 126", f"kill -{signal.SIGTERM} $$"])
async def test_status_that_cannot_tell(script: str) -> None:
    """A status command that could not be run does not mean that the member is stopped."""
    with pytest.raises(StepFailed, match="the status command"):
        await control(status=script).running()


async def test_status_that_hangs() -> None:
    """No answer is no answer."""
    with pytest.raises(StepFailed, match="did not end within 1 s"):
        await control(status="sleep 600").running()


async def test_status_program_that_is_missing() -> None:
    """Nor does a missing program mean that the member is stopped."""
    spec = CommandService(start=("true",), stop=("true",), status=("/no/such/program",))
    with pytest.raises(RequorumError, match="/no/such/program"):
        await CommandServiceControl(LocalHost(), spec).running()


async def test_status() -> None:
    """Exit status 0 means running, others not."""
    assert await control(status="exit 0").running()
    assert not await control(status="exit 3").running()
