"""The lock of a run."""

from pathlib import Path

import pytest
from toy_world import approved, redact, toy_plan

from requorum.errors import Locked, RequorumError
from requorum.workflow.journal import Journal
from requorum.workflow.run_lock import RunLock, lock_holder


def test_a_second_taker_is_told_who_has_it(tmp_path: Path) -> None:
    """Only one at a time; the other learns the process id."""
    lock = RunLock(tmp_path)
    holder = lock_holder(tmp_path)
    assert holder is not None
    with pytest.raises(Locked, match=holder):
        RunLock(tmp_path)
    lock.release()
    assert lock_holder(tmp_path) is None
    RunLock(tmp_path).release()


def test_a_lock_file_that_a_killed_process_left_locks_nothing(tmp_path: Path) -> None:
    """The kernel's lock counts, not the file."""
    (tmp_path / "lock").write_text("4711")
    assert lock_holder(tmp_path) is None
    RunLock(tmp_path).release()


def test_a_run_that_nobody_ever_locked_is_free(tmp_path: Path) -> None:
    """Looking makes no file."""
    assert lock_holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_lock_can_be(tmp_path: Path) -> None:
    """The system's refusal is ours, with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RequorumError, match="not a directory"):
        RunLock(tmp_path / "file")
    with pytest.raises(RequorumError, match="not a directory"):
        lock_holder(tmp_path / "file")


def test_a_journal_gives_its_run_back(tmp_path: Path) -> None:
    """Also when it could not be opened."""
    run_dir = approved(tmp_path, toy_plan())
    assert lock_holder(run_dir) is None
    with Journal.open(run_dir, redact=redact):
        assert lock_holder(run_dir) is not None
    (run_dir / "plan.json").write_text("{}")
    with pytest.raises(RequorumError):
        Journal.open(run_dir, redact=redact)
    assert lock_holder(run_dir) is None
