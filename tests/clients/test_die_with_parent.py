"""A spawned process ends when we are killed: no staging etcd stays behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running_etcd import release_dir

from requorum.clients.hosts import die_with_parent

pytestmark = pytest.mark.processes

SECONDS = 10.0

PARENT = """
import asyncio, sys
from requorum.clients.hosts.local import LocalHost

async def main():
    process = await LocalHost().spawn(sys.argv[2:], log=sys.argv[1])
    await LocalHost().stat("/")
    print(process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def program_of(pid: int) -> str:
    """Return what the process runs, nothing for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until_it_runs(pid: int, program: str) -> None:
    """Wait until the wrapper has become the program."""
    end = time.monotonic() + SECONDS
    while program_of(pid) != program:
        assert time.monotonic() < end, program_of(pid)
        time.sleep(0.01)


def wait_until_gone(pid: int) -> None:
    """Wait until the process has ended; a zombie of a lazy init has no command line."""
    end = time.monotonic() + SECONDS
    while program_of(pid):
        assert time.monotonic() < end, "it outlived its parent"
        time.sleep(0.01)


def kill_parent_of(argv: list[str], log: Path) -> int:
    """Spawn `argv` from another Python, kill that with SIGKILL, return the child's pid."""
    command = [sys.executable, "-c", PARENT, str(log), *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        try:
            pid = int(parent.stdout.readline())
            wait_until_it_runs(pid, argv[0])
        finally:
            parent.kill()
    return pid


def test_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL of the parent leaves no child."""
    wait_until_gone(kill_parent_of(["sleep", "600"], tmp_path / "log"))


@pytest.mark.etcd
def test_etcd_dies_with_a_killed_parent(release: str, tmp_path: Path) -> None:
    """The same with what it is for."""
    etcd = f"{release_dir(release)}/etcd"
    flags = [
        f"--data-dir={tmp_path}/data",
        "--listen-client-urls=http://127.0.0.1:0",
        "--advertise-client-urls=http://127.0.0.1:0",
        "--listen-peer-urls=http://127.0.0.1:0",
    ]
    wait_until_gone(kill_parent_of([etcd, *flags], tmp_path / "log"))


def test_a_parent_that_died_early() -> None:
    """When the parent is another one by then, the program is not even started."""
    script = die_with_parent.__file__
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, "1", "echo", "ran"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (127, b"")


def test_pythons_ignored_signals_are_not_inherited(tmp_path: Path) -> None:
    """A program under the wrapper sees SIGPIPE as it would without."""
    status = tmp_path / "status"
    script = (
        f"import subprocess, sys; subprocess.run(sys.argv[1:], stdout=open({str(status)!r}, 'w'))"
    )
    wrapper = (
        "import os, runpy, sys\n"
        f"sys.argv = ['x', str(os.getppid()), 'cat', '/proc/self/status']\n"
        f"runpy.run_path({die_with_parent.__file__!r}, run_name='__main__')\n"
    )
    subprocess.run([sys.executable, "-c", script, sys.executable, "-c", wrapper], check=True)
    (line,) = [row for row in status.read_text().splitlines() if row.startswith("SigIgn:")]
    ignored = int(line.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))


def test_program_that_cannot_be_run() -> None:
    """The reason goes to stderr, which is the log."""
    script = (
        "import subprocess, sys, os\n"
        "sys.exit(subprocess.call([sys.executable, '-I', '-S', sys.argv[1], str(os.getpid()),"
        " '/no/such/program']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, die_with_parent.__file__],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (127, "/no/such/program: No such file or directory\n")
