"""Become another program that the kernel kills when our parent dies.

Run as a script: `python -I -S die_with_parent.py PARENT_PID PROGRAM [ARGUMENT...]`. So a staging
etcd does not outlive a requorum that was ended by SIGKILL. The kernel forgets the wish when a
set-user-ID program is run, and it holds for the program alone, not for children of its own.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_RUN = 127


def main(parent: int, argv: list[str]) -> None:
    """Replace this process by `argv`, tied to the life of `parent`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl PR_SET_PDEATHSIG")
    # It may have died before the kernel knew our wish: then another process is our parent.
    if os.getppid() != parent:
        raise SystemExit(_CANNOT_RUN)
    _undo_pythons_signals()
    os.execvp(argv[0], argv)  # noqa: S606 - an argument list, and no shell is the point


def _undo_pythons_signals() -> None:
    """Python ignores these for itself, and a program would inherit that."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), sys.argv[2:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[2]}: {error.strerror}\n")
        raise SystemExit(_CANNOT_RUN) from error
