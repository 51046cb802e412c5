"""Real processes, really killed: SIGKILL at random moments, and the signals that ask."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from toy_world import GOAL, START, ToyWorld, approved, new_world, toy_plan

import requorum
from requorum.errors import Locked
from requorum.workflow import events
from requorum.workflow.journal import Journal
from requorum.workflow.run_files import read_run_files
from requorum.workflow.run_state import RunState
from requorum.workflow.runs import ListedRun, read_run

pytestmark = pytest.mark.processes

PAUSE_SECONDS = 0.02
RUN_SECONDS = 0.25
KILLS = 30


@contextmanager
def toy_run(
    direction: str, run_dir: Path, root: Path, *, pause: float = PAUSE_SECONDS
) -> Iterator[subprocess.Popen[str]]:
    """Start a process that works on the run, and wait until it is about to begin."""
    script = Path(__file__).with_name("toy_run.py")
    source = Path(requorum.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, script, direction, run_dir, root, str(pause)],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
            yield process
        finally:
            process.kill()


def state_of(run_dir: Path) -> RunState:
    """Return the run's state as `requorum runs list` sees it."""
    run = read_run(run_dir)
    assert isinstance(run, ListedRun)
    return run.state


@pytest.mark.slow
def test_kill_minus_nine_at_random_moments(tmp_path: Path) -> None:
    """After 30 kills, up to three of each run, every run reached its goal or its start."""
    random = Random(20261121)
    kills, runs, ends = 0, 0, set()
    while kills < KILLS:
        run_dir, root = approved(tmp_path / f"runs{runs}", toy_plan()), tmp_path / f"world{runs}"
        new_world(root)
        direction = "execute"
        for _ in range(random.randint(1, 3)):
            kills += kill_somewhere(direction, run_dir, root, random)
            direction = next_direction(run_dir, random)
        ends.add(complete(direction, run_dir, root))
        runs += 1
    assert ends == {"finished", "rolled-back"}


def kill_somewhere(direction: str, run_dir: Path, root: Path, random: Random) -> bool:
    """Kill the run at a random moment; return whether it was still running then."""
    if state_of(run_dir).status in {"finished", "rolled-back"}:
        return False
    with toy_run(direction, run_dir, root) as process:
        try:
            process.wait(random.uniform(0, RUN_SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode == -signal.SIGKILL


def next_direction(run_dir: Path, random: Random) -> str:
    """Go on or go back, as the state and the dice have it."""
    state = state_of(run_dir)
    allowed = [("execute", state.can_resume), ("rollback", state.can_rollback)]
    return random.choice([name for name, can in allowed if can] or ["execute"])


def complete(direction: str, run_dir: Path, root: Path) -> str:
    """Bring the run to its end in a new process; check the world; return the end."""
    if state_of(run_dir).status not in {"finished", "rolled-back"}:
        with toy_run(direction, run_dir, root, pause=0) as process:
            assert process.wait(30) == 0
    end = state_of(run_dir).status
    assert ToyWorld(root).contents() == (GOAL if end == "finished" else START)
    return end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_journaled(tmp_path: Path, number: signal.Signals) -> None:
    """A run that is asked to stop writes down who asked, and can go on or back."""
    new_world(tmp_path / "world")
    run_dir = approved(tmp_path / "runs", toy_plan())
    with toy_run("execute", run_dir, tmp_path / "world", pause=60) as process:
        wait_for_a_step(run_dir)
        process.send_signal(number)
        assert process.wait(30) != 0
    assert read_run_files(run_dir).records[-1].event == events.Interrupted(reason=number.name)
    state = state_of(run_dir)
    assert (state.status, state.can_resume, state.can_rollback) == ("interrupted", True, True)


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    """While a process works on a run it is listed as running, and no other may write."""
    new_world(tmp_path / "world")
    run_dir = approved(tmp_path / "runs", toy_plan())
    with toy_run("execute", run_dir, tmp_path / "world", pause=60) as process:
        wait_for_a_step(run_dir)
        with pytest.raises(Locked, match=f"process {process.pid}"):
            Journal.open(run_dir, redact=str)
        state = state_of(run_dir)
    assert (state.status, state.held_by) == ("running", f"process {process.pid}")
    assert not state.can_resume
    assert not state.can_rollback
    assert state_of(run_dir).status == "interrupted"


def wait_for_a_step(run_dir: Path) -> None:
    """Wait until a step is begun."""
    end = time.monotonic() + 30
    while not state_of(run_dir).was_touched:
        assert time.monotonic() < end
        time.sleep(0.01)
