"""Files that are there after a power cut, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from requorum.errors import RequorumError


def write_new(path: Path, data: bytes) -> None:
    """Write a whole file, readable by its owner only: new name, fsync, rename, fsync the folder.

    RequorumError when that cannot be done; the file then is as it was before.
    """
    draft = path.with_name(f"{path.name}.new")
    with explained(f"cannot write {path}"):
        with _open_draft(draft) as fd:
            write_all(fd, data)
            os.fsync(fd)
        draft.rename(path)
        sync_dir(path.parent)


def make_dir(path: Path) -> None:
    """Make a directory that is its owner's only, with its missing parents, and make it last.

    RequorumError when it exists or cannot be made.
    """
    with explained(f"cannot make {path}"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
        sync_dir(path.parent)


def sync_dir(path: Path) -> None:
    """Make the names in the directory last."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte; a disk that fills up in the middle shows as OSError, not as less."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


@contextmanager
def explained(what: str, *, hint: str | None = None) -> Iterator[None]:
    """Turn the system's errors into ours: "`what`: no space left on device"."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequorumError(f"{what}: {reason}", hint=hint) from error


@contextmanager
def _open_draft(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)
