"""Work in a process of its own, for what threads of one interpreter keep each other from.

The child shares our memory as it is when it begins, mappings of files too, and only its result
comes back. Whatever keeps it from giving one, be it an error or a signal, is found again by doing
the work here: so nothing depends on it but time.
"""

import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

_T = TypeVar("_T")


class Forked(Generic[_T]):
    """A function that begins in a child of ours; to be used as a context, which ends the child.

    The function must take no locks, for whoever holds one does not exist in the child: so where
    other threads run, or where there is but one processor, there is no child. `otherwise` is what
    is done here then, and where the child fails: the same, unless told.
    """

    def __init__(
        self, function: Callable[[], _T], otherwise: Callable[[], _T] | None = None
    ) -> None:
        self._function = function
        self._otherwise = otherwise or function
        self._child: int | None = None
        self._pipe = -1
        self._answered = False

    def __enter__(self) -> Self:
        if threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1:
            self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
            os.close(self._pipe)
            # To give back a mapping takes a child as long as to make it; nobody waits for that.
            os.waitpid(self._child, os.WNOHANG if self._answered else 0)

    def result(self) -> _T:
        """Wait for it; return what the function returned, or raise what it raises."""
        if self._child is None:
            return self._otherwise()
        with os.fdopen(self._pipe, "rb", closefd=False) as pipe:
            try:
                result: _T = pickle.load(pipe)  # noqa: S301  # our own child wrote it
            except (EOFError, pickle.UnpicklingError):
                return self._otherwise()
        self._answered = True
        return result

    def _begin(self) -> None:
        self._pipe, theirs = os.pipe()
        with warnings.catch_warnings():
            # From 3.12 on: numpy's threads count too, which wait for work that nobody has.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            self._be_child(theirs)
        os.close(theirs)

    def _be_child(self, pipe: int) -> None:
        """Never return: what lies above on the stack is the parent's."""
        status = 1
        try:
            with os.fdopen(pipe, "wb") as out:
                pickle.dump(self._function(), out, protocol=5)
            status = 0
        finally:
            os._exit(status)
