"""The memory that a command needs for itself: what is neither a mapped file nor shared.

Linux keeps no peak of it (VmHWM counts mapped files too), so it is looked at every millisecond,
with all processes that the command has started.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.command import FOUND, Argv
from bench.measure import Figure

_EVERY_S = 0.001
_MIB = 1 << 20


def memory_of(what: str, argv: Argv, *, aim_mib: int | None = None) -> Figure:
    """Return the private memory of a command as a figure; `aim_mib` is what it may be."""
    peak = private_peak(argv) / _MIB
    aim = "" if aim_mib is None else f", at most {aim_mib}{' MISSED' if peak > aim_mib else ''}"
    return Figure(what, f"{peak:.0f} MiB", f"private memory{aim}")


def private_peak(argv: Argv) -> int:
    """Run a command and return the most bytes of private memory that it had at any moment."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_private, _family(process.pid))))
            time.sleep(_EVERY_S)
    if process.returncode not in {0, FOUND}:
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
