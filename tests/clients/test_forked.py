"""Work in a process of its own, and what happens where it fails."""

import os
import signal
import threading
from pathlib import Path

import pytest

from requorum.clients.hosts import forked
from requorum.clients.hosts.forked import Forked


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look like a process without other threads, on a machine with two processors."""
    monkeypatch.setattr(forked.threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1}, raising=False)


def is_gone(pid: int | None) -> bool:
    """Return whether there was such a process and is none, not even a zombie."""
    return pid is not None and not Path(f"/proc/{pid}").exists()


def has_ended(pid: int | None) -> bool:
    """Return whether it is gone, or is about to go now that it has answered."""
    if pid is not None and not is_gone(pid):
        os.waitpid(pid, 0)
    return is_gone(pid)


@pytest.mark.usefixtures("alone")
def test_result_comes_from_a_child() -> None:
    """Whatever its size."""
    with Forked(lambda: (os.getpid(), b"x" * (1 << 20))) as work:
        child = work._child
        pid, data = work.result()
    assert pid == child != os.getpid()
    assert len(data) == 1 << 20
    assert has_ended(child)


@pytest.mark.usefixtures("alone")
def test_what_is_not_asked_for_is_ended() -> None:
    """An error of ours on the way does not leave the child behind."""
    with Forked(signal.pause) as work:
        child = work._child
        assert not is_gone(child)
    assert is_gone(child)


@pytest.mark.usefixtures("alone")
def test_error_is_raised_here() -> None:
    """What fails in the child is done again, and its error is ours then."""
    with Forked(lambda: 1 // 0) as work, pytest.raises(ZeroDivisionError):
        work.result()


@pytest.mark.usefixtures("alone")
def test_what_is_done_otherwise() -> None:
    """Where the child fails, something else may be done here: the same, but with care."""
    with Forked(lambda: 1 // 0, lambda: 42) as work:
        assert work.result() == 42


@pytest.mark.usefixtures("alone")
def test_child_that_is_killed() -> None:
    """As by a disk that cannot be read beneath a mapping: the work is done here."""
    ours = os.getpid()

    def work() -> str:
        if os.getpid() != ours:
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    with Forked(work) as begun:
        child = begun._child
        assert begun.result() == "done"
    assert is_gone(child)


def test_no_fork_among_threads() -> None:
    """Another thread may hold a lock that nobody would ever give back in the child."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    with Forked(os.getpid) as work:
        assert work.result() == os.getpid()
    done.set()
    other.join()


def test_no_fork_on_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would cost time instead of saving it."""
    monkeypatch.setattr(forked.threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0}, raising=False)
    with Forked(os.getpid) as work:
        assert work.result() == os.getpid()
