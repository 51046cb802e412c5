"""Run one program to its end, within a deadline, and leave no child of it behind."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from requorum.domain.version import EtcdVersion
from requorum.errors import DeadlineExceeded, ToolUnfit


def run(
    argv: Sequence[str],
    *,
    deadline: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Return stdout. `env` is added to our own.

    ToolUnfit, with the last line that the program said, when it fails or is not there;
    DeadlineExceeded when it takes longer than `deadline` seconds.
    """
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolUnfit(f"{argv[0]} does not start: {error.strerror}") from error
    with process:
        return _communicate(process, argv, deadline)


def _communicate(process: subprocess.Popen[str], argv: Sequence[str], deadline: float) -> str:
    try:
        stdout, stderr = process.communicate(timeout=deadline)
    except BaseException as error:
        # The whole session: `go build` has compilers below it that outlive their parent.
        os.killpg(process.pid, signal.SIGKILL)
        if isinstance(error, subprocess.TimeoutExpired):
            message = f"{Path(argv[0]).name} did not end within {deadline:.0f} s"
            raise DeadlineExceeded(message) from error
        raise
    if process.returncode != 0:
        raise ToolUnfit(f"{Path(argv[0]).name} failed: {_last_line(stderr or stdout)}")
    return stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def etcd_version(binary: Path) -> EtcdVersion:
    """Ask an etcd, etcdctl or etcdutl of any release for its version."""
    flag = "version" if binary.name in {"etcdctl", "etcdutl"} else "--version"
    answer = run([str(binary), flag], deadline=10, env={"ETCDCTL_API": "3"})
    version = EtcdVersion.parse(answer)
    if version is None:
        raise ToolUnfit(f"{binary} does not say which version it is")
    return version
