"""The standard streams, whatever they are when we get them: full, closed, or with no reader left.

Output that cannot be written ends the command with `OutputLost`, once. Words on stderr that cannot
be written change nothing: there is nobody left to tell. `requorum version` passes through here, so
nothing heavy is imported.
"""

import codecs
import errno
import io
import os
import sys

TYPE_CHECKING = False  # that of `typing`, whose import takes half as long as a Python's start
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from requorum.errors import OutputLost

_ESCAPED = "requorum.escaped"
_REASONS = {errno.EBADF: "stdout is not open for writing"}


def take_streams() -> None:
    """Put our own streams in the place of Python's."""
    _fill_closed_numbers()
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    codecs.register_error(_ESCAPED, _escaped)
    sys.stdout = _text(sys.stdout, _Output(1, "w", closefd=False), errors=_ESCAPED)
    sys.stderr = _text(sys.stderr, _Words(2, "w", closefd=False), errors="backslashreplace")


def _fill_closed_numbers() -> None:
    """Give every closed stream a file, or the next one that is opened gets its number.

    What some library then writes to "stderr" would go into it. stdout gets one that takes nothing,
    since nothing is to get lost there.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, so this one. Programs that we run get it, too.
            os.set_inheritable(os.open(os.devnull, flags), True)  # noqa: FBT003  # its name


def _text(replaced: object, raw: io.FileIO, *, errors: str) -> io.TextIOWrapper:
    """Return a text stream over `raw` that is in all else like the one it replaces."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(replaced, "encoding", None),
        errors=errors,
        line_buffering=getattr(replaced, "line_buffering", False),
        write_through=getattr(replaced, "write_through", False),
    )


class _Output(io.FileIO):
    """stdout. What it did not take is an OutputLost once; all that comes later goes nowhere.

    So the flush at the interpreter's end, of what is still buffered then, finds nothing to say.
    """

    _lost = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._lost:
            return _size(data)
        try:
            return _written(self, data)
        except OSError as error:
            self._lost = True
            raise _output_lost(error) from error


class _Words(io.FileIO):
    """stderr. What it does not take is dropped."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return _written(self, data)
        except OSError:
            return _size(data)


def _written(raw: io.FileIO, data: "ReadableBuffer") -> int:
    """Write some of it; wait for the reader where the stream is one that does not wait itself."""
    while (written := io.FileIO.write(raw, data)) is None:
        import select  # noqa: PLC0415  # for a pipe that somebody made non-blocking, and is full

        select.select([], [raw.fileno()], [])
    return written


def _size(data: "ReadableBuffer") -> int:
    return memoryview(data).nbytes


def _output_lost(error: OSError) -> "OutputLost":
    from requorum.errors import OutputLost, OutputUnread  # noqa: PLC0415  # only where it is needed

    if error.errno == errno.EPIPE:
        return OutputUnread("nobody reads the output")
    number = error.errno or 0
    reason = _REASONS.get(number) or os.strerror(number).lower()
    return OutputLost(f"cannot write the output: {reason}")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Replace what an encoding does not have by \u and four digits each, which JSON takes, too."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{text[i : i + 4]}" for i in range(0, len(text), 4)), error.end
