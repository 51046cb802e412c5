"""One process at a time writes a run; the kernel frees the lock when that process dies."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from requorum.errors import Locked
from requorum.workflow.durable_file import explained

_TRIES = 20
_PAUSE_SECONDS = 0.01


class RunLock:
    """An exclusive lock on a run directory, with our process id in it for whom it keeps out.

    The file stays when the lock is given back: removing it would let two processes lock two
    files of the same name.
    """

    def __init__(self, run_dir: Path) -> None:
        """Take the lock. Locked, naming the other process, when one has it."""
        self._path = run_dir / "lock"
        with explained(f"cannot lock {run_dir}"):
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(run_dir)
        except BaseException:
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Give it back."""
        os.close(self._fd)

    def _take(self, run_dir: Path) -> None:
        if not self._try_for_a_while():
            raise Locked(
                f"run {run_dir.name} is being worked on by {_holder_in(self._path)}",
                hint="Wait until it ends, or stop it; then ask again.",
            )
        with suppress(OSError):  # on a full disk the lock holds all the same, without a name
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def _try_for_a_while(self) -> bool:
        """Outlast `lock_holder`, which holds the lock for an instant when it looks."""
        for _ in range(_TRIES):
            if _try_lock(self._fd, fcntl.LOCK_EX):
                return True
            time.sleep(_PAUSE_SECONDS)
        return False


def lock_holder(run_dir: Path) -> str | None:
    """Return who works on the run, as "process 4711"; None when nobody does.

    RequorumError when the system does not let us look.
    """
    path = run_dir / "lock"
    with explained(f"cannot look at {path}"):
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return None if _try_lock(fd, fcntl.LOCK_SH) else _holder_in(path)
        finally:
            os.close(fd)


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_in(path: Path) -> str:
    pid = path.read_bytes()[:20].decode("ascii", "replace")
    return f"process {pid}" if pid.isdecimal() else "another process"
