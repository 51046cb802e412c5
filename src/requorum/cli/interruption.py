"""Ctrl-C, and the signals by which others end us.

Until a command has something to put in order, it ends at once and without unwinding: an exception
in the middle of an import gets lost there or becomes another one, and whoever unwinds waits for
threads that read gigabytes. Other commands unwind, as Python does for Ctrl-C.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED = 130
"""The exit code after SIGINT, SIGTERM or SIGHUP, as a shell has it for Ctrl-C."""

LastAct = Callable[[], str | None]
"""What is done before the end, within a signal handler: briefly, and without waiting for a thread.

It returns what is to be told, None for nothing.
"""

_PYTHONS_OWN: dict[signal.Signals, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
_last_acts: list[LastAct] = []
_process = 0


def leave_at_once() -> None:
    """From now on, end where we are. A signal that is ignored, as nohup does, stays ignored."""
    global _process  # noqa: PLW0603  # a handler belongs to the process, as its signals do
    _process = os.getpid()
    for number in _PYTHONS_OWN:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def unwind() -> None:
    """From now on, end as Python does: KeyboardInterrupt for Ctrl-C."""
    for number, handler in _PYTHONS_OWN.items():
        if signal.getsignal(number) is _leave:
            signal.signal(number, handler)


def before_leaving(act: LastAct) -> None:
    """Do this before a signal ends us, from now on."""
    _last_acts.append(act)


@contextmanager
def before_leaving_here(act: LastAct) -> Iterator[None]:
    """Do this before a signal ends us, if it does so within the block."""
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)


def _leave(_number: int, _frame: FrameType | None) -> None:
    # A child of ours that was forked has nothing to tell and nothing of its own to put in order.
    if os.getpid() == _process:
        told = [_done(act) for act in reversed(_last_acts)]
        with suppress(OSError):
            os.write(2, "; ".join(["interrupted", *filter(None, told)]).encode() + b"\n")
    os._exit(INTERRUPTED)


def _done(act: LastAct) -> str | None:
    try:
        return act()
    except Exception as error:  # noqa: BLE001  # told, and nothing keeps us from leaving
        return str(error)
