"""Processes of this machine."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from eventually import eventually

from requorum.clients.hosts.local_processes import run, spawn
from requorum.errors import DeadlineExceeded, RequorumError

pytestmark = pytest.mark.processes


def alive(pid: int) -> bool:
    """Return whether the process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> None:
    """Wait, for a bounded time, until the process is gone."""
    await eventually(lambda: not alive(pid))


async def pid_in(path: Path) -> int:
    """Wait, for a bounded time, until a process has written its id."""
    await eventually(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())  # noqa: ASYNC240 - a test may block


async def test_run_tells_everything() -> None:
    """Exit status and both outputs; bytes that are no UTF-8 are replaced."""
    argv = ("sh", "-c", "printf 'a\\377'; printf b >&2; exit 3")
    done = await run(argv, deadline=10, env=None)
    assert (done.argv, done.returncode, done.stdout, done.stderr) == (argv, 3, "a\ufffd", "b")


async def test_run_adds_to_the_environment() -> None:
    """Our own variables stay."""
    argv = ("sh", "-c", "echo $ADDED $HOME")
    done = await run(argv, deadline=10, env={"ADDED": "x"})
    assert done.stdout.split() == ["x", os.environ["HOME"]]


async def test_run_gives_no_stdin() -> None:
    """A command that asks gets an end of file, it does not wait."""
    assert (await run(("cat",), deadline=10, env=None)).returncode == 0


async def test_run_with_large_output() -> None:
    """More output than a pipe holds."""
    done = await run(("head", "-c", "3000000", "/dev/zero"), deadline=30, env=None)
    assert len(done.stdout) == 3_000_000


async def test_signal_is_a_negative_status() -> None:
    """As subprocess tells it."""
    done = await run(("sh", "-c", "kill -9 $$"), deadline=10, env=None)
    assert done.returncode == -signal.SIGKILL


async def test_deadline_kills_the_whole_group(tmp_path: Path) -> None:
    """The children of a command that hangs end with it."""
    pid_file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {pid_file}; wait"
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"`sh -c .*` did not end within 1 s"):
        await run(("sh", "-c", script), deadline=1, env=None)
    assert time.monotonic() - begin < 8
    await gone(await pid_in(pid_file))


async def test_cancellation_kills_the_whole_group(tmp_path: Path) -> None:
    """A cancelled call leaves nothing behind."""
    pid_file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {pid_file}; wait"
    task = asyncio.create_task(run(("sh", "-c", script), deadline=600, env=None))
    pid = await pid_in(pid_file)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)


async def test_run_does_not_wait_for_a_daemon(tmp_path: Path) -> None:
    """A daemon that keeps stdout and stderr neither blocks the call nor dies of its end."""
    pid_file, written = tmp_path / "pid", tmp_path / "written"
    daemon = f"sleep 0.5; echo late; echo late >&2; echo done > {written}; sleep 600"
    script = f"setsid sh -c '{daemon}' & echo $! > {pid_file}; echo started"
    begin = time.monotonic()
    done = await run(("sh", "-c", script), deadline=30, env=None)
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert time.monotonic() - begin < 10
    pid = await pid_in(pid_file)
    await eventually(written.exists)
    assert alive(pid)
    os.killpg(pid, signal.SIGKILL)
    await gone(pid)


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "/etc/passwd"])
async def test_no_such_program(program: str, tmp_path: Path) -> None:
    """The error names what was to be run, for both ways to start it."""
    with pytest.raises(RequorumError, match=f"{program} is not a program"):
        await run((program,), deadline=10, env=None)
    with pytest.raises(RequorumError, match=f"{program} is not a program"):
        spawn((program,), log=f"{tmp_path}/log", env=None)


async def test_program_in_a_foreign_format(tmp_path: Path) -> None:
    """What the kernel refuses to run is an error of ours."""
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(RequorumError, match="cannot be run: Exec format error"):
        await run((str(path),), deadline=10, env=None)


async def test_spawn_and_kill(tmp_path: Path) -> None:
    """A background process runs until it is killed; killing twice is no error."""
    log = tmp_path / "log"
    log.write_text("before\n")
    argv = ("sh", "-c", "echo $ADDED; echo err >&2; exec sleep 600")
    process = spawn(argv, log=str(log), env={"ADDED": "x"})
    await eventually(lambda: log.read_text() == "before\nx\nerr\n")
    assert await process.returncode() is None
    assert os.getsid(process.pid) == process.pid
    for _ in range(2):
        await process.kill()
        assert await process.returncode() == -signal.SIGKILL
    assert not alive(process.pid)


async def test_kill_ends_the_children_too(tmp_path: Path) -> None:
    """A wrapper script's own etcd ends with it."""
    pid_file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {pid_file}; wait"
    process = spawn(("sh", "-c", script), log=f"{tmp_path}/log", env=None)
    pid = await pid_in(pid_file)
    await process.kill()
    await gone(pid)


async def test_spawned_process_that_ends_by_itself(tmp_path: Path) -> None:
    """Its exit status is told."""
    process = spawn(("sh", "-c", "exit 5"), log=f"{tmp_path}/log", env=None)
    await eventually(lambda: not alive(process.pid))
    assert await process.returncode() == 5
    await process.kill()


async def test_log_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the log."""
    with pytest.raises(RequorumError, match=f"{tmp_path}/none/log: no such file"):
        spawn(("true",), log=f"{tmp_path}/none/log", env=None)
