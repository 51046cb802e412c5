"""What the operating system says of a path, in our terms."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from requorum.errors import NotEnoughSpace, NotPermitted, RequorumError, UsageError

_CLASSES: dict[int, type[RequorumError]] = {
    errno.ENOSPC: NotEnoughSpace,
    errno.EDQUOT: NotEnoughSpace,
    errno.EACCES: NotPermitted,
    errno.EPERM: NotPermitted,
    # No file can have such a name, or whoever made the links made a mistake.
    errno.ENAMETOOLONG: UsageError,
    errno.ELOOP: UsageError,
    errno.ENOTDIR: UsageError,
}
_HINTS = {
    errno.EACCES: "Run requorum as a user who may, such as root.",
    errno.EPERM: "Run requorum as a user who may, such as root.",
    errno.EBUSY: "It may be a mount point: those cannot be renamed.",
    errno.EXDEV: "A rename cannot lead to another file system.",
    errno.ELOOP: "The links lead back to themselves: `namei -l PATH` shows where each one leads.",
    errno.EMFILE: "Raise the limit: `ulimit -n 1024`.",
    errno.ENFILE: "Raise the system's limit: `sysctl fs.file-max`.",
}


@contextmanager
def path_errors(path: str) -> Iterator[None]:
    """Turn an OSError into one of ours that names `path`."""
    try:
        yield
    except OSError as error:
        raise error_about(path, error.errno or 0) from error


def error_about(path: str | None, number: int) -> RequorumError:
    """Return what errno `number` means, for a path or without any."""
    where = "" if path is None else f"{path}: "
    message = f"{where}{os.strerror(number).lower()}"
    return _CLASSES.get(number, RequorumError)(message, hint=_HINTS.get(number))
