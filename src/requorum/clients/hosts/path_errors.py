"""What the operating system says of a path, in our terms."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from requorum.errors import NotEnoughSpace, NotPermitted, RequorumError

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_HINTS = {
    errno.EACCES: "Run requorum as a user who may, such as root.",
    errno.EPERM: "Run requorum as a user who may, such as root.",
    errno.EBUSY: "It may be a mount point: those cannot be renamed.",
    errno.EXDEV: "A rename cannot lead to another file system.",
}


@contextmanager
def path_errors(path: str) -> Iterator[None]:
    """Turn an OSError into one of ours that names `path`."""
    try:
        yield
    except OSError as error:
        raise path_error(path, error.errno or 0) from error


def path_error(path: str, number: int) -> RequorumError:
    """Return our error for an errno; its class says whether rights or space are missing."""
    message = f"{path}: {os.strerror(number).lower()}"
    return _class_of(number)(message, hint=_HINTS.get(number))


def _class_of(number: int) -> type[RequorumError]:
    if number in _NO_SPACE:
        return NotEnoughSpace
    return NotPermitted if number in {errno.EACCES, errno.EPERM} else RequorumError
