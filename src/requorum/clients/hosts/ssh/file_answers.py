"""What a host's tools say when they fail, in our terms."""

import errno
import os

from requorum.clients.hosts.path_errors import path_error
from requorum.errors import RequorumError

_NUMBERS = {os.strerror(number): number for number in errno.errorcode}

_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})


def complaint(path: str, stderr: bytes) -> RequorumError:
    """Return the error for a tool's own words; LC_ALL=C, so that they are known ones."""
    number = error_number(stderr)
    if number is not None:
        return path_error(path, number)
    lines = _lines(stderr)
    return RequorumError(f"{path}: {lines[-1] if lines else 'it failed, and did not say why'}")


def error_number(stderr: bytes) -> int | None:
    """Return the errno that the first complaint ends with, None where none is one.

    What a tool says later may only follow from it.
    """
    numbers = (_NUMBERS.get(line.rpartition(": ")[2]) for line in _lines(stderr))
    return next((number for number in numbers if number is not None), None)


def says_missing(stderr: bytes) -> bool:
    """Return whether the tool says that nothing is there."""
    return error_number(stderr) in _MISSING


def _lines(stderr: bytes) -> list[str]:
    lines = stderr.decode(errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]
