"""Processes that outlive us, known by process id and start time so that no other is ever killed.

A process id alone is not enough: after a day, or a reboot, it may name someone else's process.
Signals go through a pidfd that was opened before the start time was compared, so that nothing can
slip in between.
"""

import os
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from requorum.errors import DamagedInput, DeadlineExceeded

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of this boot. `start_time` in clock ticks since boot (proc(5), field 22)."""

    pid: int
    start_time: int

    def to_text(self) -> str:
        """Return the pid file's content."""
        return f"{self.pid} {self.start_time}\n"

    @classmethod
    def from_text(cls, text: str) -> "ProcessId":
        """Read a pid file's content; DamagedInput when it is not one."""
        words = text.split()
        if len(words) != 2 or not all(word.isdecimal() for word in words):
            raise DamagedInput(f"{text!r} is not a process id and a start time")
        return cls(int(words[0]), int(words[1]))


def spawn_daemon(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> ProcessId:
    """Start `argv` in a session of its own, output appended to `log`; it survives us."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
        # Python ignores SIGPIPE, and what is ignored stays ignored over an exec.
        setsigdef=(signal.SIGPIPE, signal.SIGINT),
    )
    _, start_time = _stat(pid)
    return ProcessId(pid, start_time)


def _stat(pid: int) -> tuple[str, int]:
    """Return state and start time; FileNotFoundError or ProcessLookupError when it is gone.

    The name in parentheses may hold anything, a parenthesis too: fields count from the last one.
    """
    fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    after_name = fields.rpartition(")")[2].split()
    return after_name[0], int(after_name[19])


def alive(process: ProcessId) -> bool:
    """Return whether that very process runs; one that ended and was not yet reaped does not."""
    try:
        state, start_time = _stat(process.pid)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return start_time == process.start_time and state not in "ZX"


def find_by_argv(argv: Sequence[str]) -> ProcessId | None:
    """Return the process that was started with exactly these arguments, if there is one.

    For a start whose pid file was never written, because whoever started it was killed before.
    """
    wanted = b"".join(os.fsencode(word) + b"\0" for word in argv)
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            # It may end, or be another user's, while we look at it.
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if (entry / "cmdline").read_bytes() == wanted:
                    found = ProcessId(int(entry.name), _stat(int(entry.name))[1])
                    return found if alive(found) else None
    return None


@contextmanager
def _opened(process: ProcessId) -> Iterator[int | None]:
    """Give a pidfd of that very process, None when it is gone."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield pidfd if alive(process) else None
    finally:
        os.close(pidfd)


def send_signal(process: ProcessId, number: signal.Signals) -> None:
    """Send it a signal; nothing when it is gone."""
    with _opened(process) as pidfd:
        if pidfd is not None:
            _send(pidfd, number)


def _send(pidfd: int, number: signal.Signals) -> None:
    # It may end between the look and the signal: then it is as gone as was wanted.
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


def wait_gone(process: ProcessId, *, deadline: float) -> bool:
    """Wait up to `deadline` seconds for it to end; return whether it did."""
    with _opened(process) as pidfd:
        ended = pidfd is None or _wait(pidfd, deadline)
    if ended:
        _reap(process)
    return ended


def _wait(pidfd: int, deadline: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(max(deadline, 0) * 1000))


def _reap(process: ProcessId) -> None:
    # Only where it is our own child; a daemon that another run started has another parent.
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def kill_all(processes: Sequence[ProcessId], *, deadline: float = 10) -> None:
    """SIGKILL all of them at the same moment and wait until they are gone."""
    with ExitStack() as stack:
        pidfds = [stack.enter_context(_opened(process)) for process in processes]
        for pidfd in pidfds:
            if pidfd is not None:
                _send(pidfd, signal.SIGKILL)
    _all_gone(processes, deadline)


def stop_all(processes: Sequence[ProcessId], *, grace: float = 10) -> None:
    """SIGTERM all of them, wait up to `grace` seconds, then SIGKILL what is left."""
    for process in processes:
        send_signal(process, signal.SIGTERM)
    give_up = time.monotonic() + grace
    stubborn = [
        process
        for process in processes
        if not wait_gone(process, deadline=give_up - time.monotonic())
    ]
    kill_all(stubborn)


def _all_gone(processes: Sequence[ProcessId], deadline: float) -> None:
    give_up = time.monotonic() + deadline
    for process in processes:
        if not wait_gone(process, deadline=give_up - time.monotonic()):
            raise DeadlineExceeded(f"process {process.pid} outlived SIGKILL for {deadline:.0f} s")


@contextmanager
def frozen(process: ProcessId, *, deadline: float = 10) -> Iterator[None]:
    """Stop it (SIGSTOP) while the block runs: its files are then as a crash would leave them."""
    send_signal(process, signal.SIGSTOP)
    try:
        _wait_stopped(process, deadline)
        yield
    finally:
        send_signal(process, signal.SIGCONT)


def _wait_stopped(process: ProcessId, deadline: float) -> None:
    """Wait until every thread stands still; SIGSTOP reaches them one after another."""
    give_up = time.monotonic() + deadline
    while alive(process) and not _stopped(process.pid):
        if time.monotonic() > give_up:
            raise DeadlineExceeded(f"process {process.pid} did not stop within {deadline:.0f} s")
        time.sleep(0.001)


def _stopped(pid: int) -> bool:
    tasks = list((_PROC / str(pid) / "task").iterdir())
    stats = [(task / "stat").read_text(encoding="utf-8", errors="replace") for task in tasks]
    return all(stat.rpartition(")")[2].split()[0] in "TtZX" for stat in stats)
