"""Work that is done beside the caller's: whoever asks for its result need not know where.

A thread runs at the same time only where the interpreter lets it: while large buffers are hashed
or read.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Thread
from typing import Generic, Protocol, TypeVar

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Pending(Protocol[_T_co]):
    """Work that somebody has begun."""

    def result(self) -> _T_co:
        """Wait for it; return its result, or raise its error."""
        ...


class Begin(Protocol):
    """Begins with some work elsewhere; what is not asked for at the end of the context is left."""

    def __call__(self, function: Callable[[], _T], /) -> AbstractContextManager[Pending[_T]]:
        """Return the context; the function must not change anything but what it returns."""
        ...


class Beside(Generic[_T]):
    """A function that runs in a thread. It must not outlive what it reads: ask for its result.

    The end of the process does not wait for it.
    """

    def __init__(self, function: Callable[[], _T]) -> None:
        self._function = function
        self._results: list[_T] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> _T:
        """Wait for it; return what it returned, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
            self._error = error
