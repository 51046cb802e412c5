"""The memory that a command needs for itself: what is neither a mapped file nor shared.

Linux keeps no peak of it (VmHWM counts mapped files too), so it is looked at every millisecond,
with all processes that the command has started.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_EVERY_S = 0.001


def private_peak(argv: Sequence[str | Path]) -> int:
    """Run a command and return the most bytes of private memory that it had at any moment."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_private, _family(process.pid))))
            time.sleep(_EVERY_S)
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{argv} ended with {process.returncode}")
    return peak


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in _text(pid, f"task/{pid}/children").split():
        yield from _family(int(child))


def _private(pid: int) -> int:
    """Return the bytes of anonymous memory; what a fork shares with its parent counts twice."""
    for line in _text(pid, "status").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="ascii")
    except OSError:
        # It has ended in this moment.
        return ""
