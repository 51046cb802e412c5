"""Signals that ask us to stop become a cancellation, which the runner writes down."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Within the block SIGINT, SIGTERM and SIGHUP cancel the current task, naming themselves.

    Only in the main thread. A signal that is ignored, as nohup ignores SIGHUP, stays ignored.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("signals can cancel a task only from within it")
    with ExitStack() as stack:
        for number in _SIGNALS:
            stack.enter_context(_cancelling(task, number))
        yield


@contextmanager
def _cancelling(task: "asyncio.Task[object]", number: signal.Signals) -> Iterator[None]:
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, task.cancel, number.name)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
        signal.signal(number, before)
