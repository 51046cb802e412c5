"""The list of runs, with whatever else lies about in their directory."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from toy_world import NOW, approved, redact, toy_plan

from requorum.errors import RequorumError, UsageError
from requorum.workflow.journal import Journal
from requorum.workflow.plan import new_run_id
from requorum.workflow.runs import DamagedRun, ListedRun, find_run, list_runs

IDS = tuple(new_run_id(NOW + timedelta(hours=hour), Random(hour)) for hour in range(3))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Return a directory with three runs."""
    for run_id in IDS:
        approved(tmp_path, toy_plan(run_id=run_id))
    return tmp_path


def test_runs_are_listed_newest_first(runs_dir: Path) -> None:
    """Each with its plan and state."""
    runs = list_runs(runs_dir)
    assert [run.run_id for run in runs] == list(reversed(IDS))
    assert all(isinstance(run, ListedRun) and run.state.status == "approved" for run in runs)


def test_before_the_first_run(tmp_path: Path) -> None:
    """No directory is no run, and no error."""
    assert list_runs(tmp_path / "runs") == ()
    with pytest.raises(UsageError, match="no run was ever made here"):
        find_run(tmp_path / "runs", "latest")


def test_a_directory_that_cannot_be_read(tmp_path: Path) -> None:
    """The system's reason is shown."""
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RequorumError, match="not a directory"):
        list_runs(tmp_path / "runs")


def test_broken_runs_are_listed_as_damaged(runs_dir: Path) -> None:
    """Each kind of breakage has its line; none hides the others."""
    (runs_dir / IDS[0] / "plan.json").write_bytes(b"\0" * 10)
    (runs_dir / IDS[1] / "journal.jsonl").unlink()
    (runs_dir / "20200101-000000-aaaa").mkdir()
    (runs_dir / "20200101-000000-bbbb").write_text("a file")
    (runs_dir / "20200101-000000-cccc" / "plan.json").mkdir(parents=True)
    (runs_dir / "20200101-000000-dddd").symlink_to(runs_dir / IDS[2])
    (runs_dir / "lost+found").mkdir()
    damages = {run.run_id: run.damage for run in list_runs(runs_dir) if isinstance(run, DamagedRun)}
    assert set(damages) == {*IDS[:2], *(f"20200101-000000-{letter * 4}" for letter in "abcd")}
    assert "plan.json is no plan" in damages[IDS[0]]
    assert "journal.jsonl is missing or empty" in damages[IDS[1]]
    assert "plan.json is missing or empty" in damages["20200101-000000-aaaa"]
    assert "not a directory" in damages["20200101-000000-bbbb"]
    assert "is a directory" in damages["20200101-000000-cccc"]
    assert f"holds the plan of run {IDS[2]}" in damages["20200101-000000-dddd"]


def test_a_journal_of_another_plan_is_damaged(runs_dir: Path) -> None:
    """A journal is believed only about the plan that it was begun for."""
    journal = (runs_dir / IDS[0] / "journal.jsonl").read_bytes()
    (runs_dir / IDS[1] / "journal.jsonl").write_bytes(journal)
    (run,) = (run for run in list_runs(runs_dir) if run.run_id == IDS[1])
    assert isinstance(run, DamagedRun)
    assert "is not the plan that was planned" in run.damage


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("latest", IDS[2]), (IDS[1], IDS[1]), (IDS[0][:13], IDS[0]), (IDS[2][:-1], IDS[2])],
)
def test_a_run_is_found(runs_dir: Path, wanted: str, found: str) -> None:
    """By its id, by the start of it, or as the latest."""
    assert find_run(runs_dir, wanted) == runs_dir / found


@pytest.mark.parametrize("wanted", ["", "x", "../" + IDS[0], IDS[0] + "/", "."])
def test_a_run_that_is_not_there(runs_dir: Path, wanted: str) -> None:
    """No other path is ever reached by a name."""
    with pytest.raises(UsageError, match="no run is called"):
        find_run(runs_dir, wanted)


def test_a_start_that_fits_several(runs_dir: Path) -> None:
    """The error names them all."""
    with pytest.raises(UsageError) as caught:
        find_run(runs_dir, "2026")
    assert all(run_id in caught.value.message for run_id in IDS)


def test_a_run_is_not_made_twice(runs_dir: Path) -> None:
    """An id that exists is never written over."""
    with pytest.raises(RequorumError, match="file exists"):
        Journal.create(runs_dir, toy_plan(run_id=IDS[0]), redact=redact)
