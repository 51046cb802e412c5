"""Processes of this machine."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from requorum.clients.hosts import die_with_parent
from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import DeadlineExceeded, RequorumError
from requorum.ports.host import Completed

# Our own login. A member that we start would keep it in its environment for months.
_OURS_ALONE = frozenset({"ETCDCTL_USER", "ETCDCTL_PASSWORD"})

# After SIGKILL only a process that waits for a disk stays, perhaps for ever.
_KILL_SECONDS = 10.0


async def run(
    argv: Sequence[str],
    *,
    deadline: float,
    env: Mapping[str, str] | None,
    dies_with_us: bool = False,
) -> Completed:
    """Run to the end of the command itself; what it left behind may go on.

    With `dies_with_us` the kernel kills the command when we die; see `spawn` for the thread.

    Output goes to memory, neither to pipes nor to a disk: a daemon that a start command leaves
    behind keeps its stdout, and must not block us, nor die of a pipe that we closed. A daemon
    should redirect its output, for what it writes there stays in memory as long as it runs.
    """
    environment = _environment(argv, env)
    out, err = _memory_file("stdout"), _memory_file("stderr")
    try:
        process = await asyncio.create_subprocess_exec(
            *(_tied_to_us(argv) if dies_with_us else argv),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            start_new_session=True,
        )
        returncode = await _exit_status(process, argv, deadline)
        return Completed(tuple(argv), returncode, _text(out), _text(err))
    except OSError as error:
        raise RequorumError(f"{argv[0]} cannot be run: {error.strerror}") from error
    finally:
        os.close(out)
        os.close(err)


def spawn(argv: Sequence[str], *, log: str, env: Mapping[str, str] | None) -> "LocalProcess":
    """Start in the background, in a session of its own; it is killed when we die.

    To be called in a thread that lives as long as we do, the event loop's: the kernel takes the
    end of the thread that starts a child for the death of its parent.
    """
    environment = _environment(argv, env, without="ETCD_")
    with path_errors(log), Path(log).open("ab") as output:
        process = subprocess.Popen(
            _tied_to_us(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    return LocalProcess(process)


def _tied_to_us(argv: Sequence[str]) -> list[str]:
    script = die_with_parent.__file__
    return [sys.executable, "-I", "-S", script, str(os.getpid()), *argv]


class LocalProcess:
    """A process that we started and that only we end; killed by the kernel when we die."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Return its process id, which is also its process group's."""
        return self._process.pid

    async def returncode(self) -> int | None:
        """Return its exit status, or None while it runs. Negative: the signal that ended it."""
        return self._process.poll()

    async def kill(self) -> None:
        """End it and its process group with SIGKILL and wait until it is gone."""
        if self._process.poll() is None:
            _kill_group(self.pid)
        try:
            await asyncio.to_thread(self._process.wait, _KILL_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(
                f"process {self.pid} did not end within {_KILL_SECONDS:g} s of SIGKILL"
            ) from error


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports that were free at the same time; another program may take one meanwhile."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return tuple(each.getsockname()[1] for each in sockets)


async def _exit_status(
    process: asyncio.subprocess.Process, argv: Sequence[str], deadline: float
) -> int:
    try:
        async with asyncio.timeout(deadline):
            return await process.wait()
    except TimeoutError as error:
        raise DeadlineExceeded(f"`{' '.join(argv)}` did not end within {deadline:g} s") from error
    finally:
        # Also when we are cancelled.
        if process.returncode is None:
            _kill_group(process.pid)
            await _reap(process)


async def _reap(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_KILL_SECONDS):
            await process.wait()
    except TimeoutError:
        return  # it waits for a disk; its command's own error says that it did not end


def _kill_group(pid: int) -> None:
    """Kill the process group that `pid`, not yet waited for, leads."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _environment(
    argv: Sequence[str], env: Mapping[str, str] | None, *, without: str | None = None
) -> dict[str, str]:
    """Return the program's environment; RequorumError when there is no such program.

    Our own variables whose names begin with `without` are left out: etcd takes each ETCD_* for a
    flag, and an operator's shell may have read the member's environment file. Nothing that we run
    logs in to etcd, so nothing gets the password.
    """
    inherited = {
        k: v
        for k, v in os.environ.items()
        if k not in _OURS_ALONE and (without is None or not k.startswith(without))
    }
    environment = {**inherited, **(env or {})}
    if shutil.which(argv[0], path=environment.get("PATH")) is None:
        raise RequorumError(f"{argv[0]} is not a program that can be run here")
    return environment


def _memory_file(name: str) -> int:
    return os.memfd_create(name, os.MFD_CLOEXEC)


def _text(fd: int) -> str:
    # Not by read(2): a daemon may still write, and shares the file's position with us.
    return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")
