"""Run the system's own programs, wherever root's PATH has them or not."""

import os

from requorum.lab.obtain.command import run

SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"]
)
"""A shell that became root by `su` has no sbin on its PATH, where half of what we need lies."""

_SECONDS = 30


def call(*argv: str, deadline: float = _SECONDS) -> str:
    """Return stdout; ToolUnfit with the program's last line, DeadlineExceeded after `deadline`."""
    return run(argv, deadline=deadline, env={"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"})
