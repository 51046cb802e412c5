"""The runs of this machine: listed newest first, found by id, by the start of one, or `latest`."""

import re
from dataclasses import dataclass
from pathlib import Path

from requorum.errors import RequorumError, UsageError
from requorum.workflow.durable_file import explained
from requorum.workflow.plan import RUN_ID_PATTERN, PlanOutline
from requorum.workflow.run_files import read_run_files
from requorum.workflow.run_lock import lock_holder
from requorum.workflow.run_state import RunState


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run that can be read."""

    run_id: str
    run_dir: Path
    outline: PlanOutline
    state: RunState


@dataclass(frozen=True, slots=True)
class DamagedRun:
    """A run directory that is not what it should be, and why."""

    run_id: str
    run_dir: Path
    damage: str


def list_runs(runs_dir: Path) -> tuple[ListedRun | DamagedRun, ...]:
    """Return all runs, newest first. RequorumError when the directory itself cannot be read."""
    return tuple(read_run(run_dir) for run_dir in _run_dirs(runs_dir))


def read_run(run_dir: Path) -> ListedRun | DamagedRun:
    """Return what a run directory holds, without taking its lock."""
    try:
        held_by = lock_holder(run_dir)
        files = read_run_files(run_dir)
        state = files.state(held_by=held_by)
    except RequorumError as error:
        return DamagedRun(run_dir.name, run_dir, error.message)
    return ListedRun(run_dir.name, run_dir, files.outline, state)


def find_run(runs_dir: Path, wanted: str) -> Path:
    """Return the directory of a run: its id, the start of one and only one id, or `latest`.

    UsageError when there is none, or more than one.
    """
    found = _matching(_run_dirs(runs_dir), wanted)
    if not found and wanted == "latest":
        raise UsageError("no run was ever made here")
    if not found:
        raise UsageError(f"no run is called {wanted!r}", hint="`requorum runs list` shows all.")
    if len(found) > 1:
        names = ", ".join(run_dir.name for run_dir in found)
        raise UsageError(f"{wanted!r} may be {names}", hint="Give more of the run's id.")
    return found[0]


def _matching(run_dirs: tuple[Path, ...], wanted: str) -> tuple[Path, ...]:
    if wanted == "latest":
        return run_dirs[:1]
    return tuple(each for each in run_dirs if wanted and each.name.startswith(wanted))


def _run_dirs(runs_dir: Path) -> tuple[Path, ...]:
    """Return what is named like a run, newest first; nothing where no run was ever made."""
    with explained(f"cannot read {runs_dir}"):
        if not runs_dir.exists():
            return ()
        named = (each for each in runs_dir.iterdir() if re.fullmatch(RUN_ID_PATTERN, each.name))
        return tuple(sorted(named, key=lambda each: each.name, reverse=True))
