"""Processes by id and start time."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from requorum.errors import DamagedInput
from requorum.lab.process import (
    ProcessId,
    alive,
    find_by_argv,
    frozen,
    kill_all,
    spawn_daemon,
    stop_all,
    wait_gone,
)

pytestmark = pytest.mark.processes


def sleeper(tmp_path: Path, seconds: str) -> ProcessId:
    """Start a process that does nothing for long."""
    return spawn_daemon(["/bin/sleep", seconds], log=tmp_path / "log", env={})


def test_a_daemon_has_a_session_of_its_own_and_is_found_by_its_arguments(tmp_path: Path) -> None:
    """So it survives the terminal of whoever started it, and a lost pid file."""
    process = sleeper(tmp_path, "86001")
    try:
        assert os.getsid(process.pid) == process.pid
        assert alive(process)
        assert find_by_argv(["/bin/sleep", "86001"]) == process
        assert find_by_argv(["/bin/sleep", "8600"]) is None
    finally:
        kill_all([process])
    assert not alive(process)
    assert find_by_argv(["/bin/sleep", "86001"]) is None


def test_a_recycled_process_id_is_never_killed(tmp_path: Path) -> None:
    """Another start time: another process."""
    process = sleeper(tmp_path, "86002")
    try:
        stranger = ProcessId(process.pid, process.start_time - 1)
        assert not alive(stranger)
        stop_all([stranger], grace=1)
        kill_all([stranger])
        assert alive(process)
    finally:
        kill_all([process])


def test_what_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    """Stopping is bounded."""
    ready = tmp_path / "log"
    process = spawn_daemon(
        ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
        log=ready,
        env={"PATH": os.environ["PATH"]},
    )
    give_up = time.monotonic() + 5
    while not ready.read_text() and time.monotonic() < give_up:
        pass
    started = time.monotonic()
    stop_all([process], grace=0.3)
    assert 0.3 <= time.monotonic() - started < 5
    assert not alive(process)


def test_waiting_ends_with_its_deadline_or_with_the_process(tmp_path: Path) -> None:
    """False while it runs, True once it is gone, and for one that was never there."""
    process = sleeper(tmp_path, "86003")
    assert not wait_gone(process, deadline=0.05)
    kill_all([process])
    assert wait_gone(process, deadline=0)


def test_a_frozen_process_stands_still_and_goes_on(tmp_path: Path) -> None:
    """SIGSTOP while the block runs, SIGCONT afterwards."""
    process = sleeper(tmp_path, "86004")

    def state() -> str:
        return subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process.pid)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout[0]

    try:
        with frozen(process):
            assert state() == "T"
        give_up = time.monotonic() + 5
        while state() == "T" and time.monotonic() < give_up:
            pass
        assert state() == "S"
    finally:
        kill_all([process])


def test_a_pid_file_is_read_back_and_a_malformed_one_refused() -> None:
    """A truncated pid file must not name a process."""
    process = ProcessId(4711, 123456)
    assert ProcessId.from_text(process.to_text()) == process
    for text in ("", "4711", "4711 x", "-1 5", "1 2 3"):
        with pytest.raises(DamagedInput):
            ProcessId.from_text(text)
