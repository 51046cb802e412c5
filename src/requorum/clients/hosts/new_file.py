"""A large new file of this machine: written beside its place, and put there only when it is whole.

It never replaces anything: the last step fails where a file of that name has appeared meanwhile.
"""

import errno
import hashlib
import os
import posixpath
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from requorum.clients.hosts.local_files import sync_directory, write_all
from requorum.clients.hosts.local_source import FileSource
from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import NotEnoughSpace, NotPermitted, Refused, RequorumError, UsageError

_BUFFER_SIZE = 4 << 20
_NAME_SHOWN_MAX = 128
"""Bytes. A name may have 255 of them, on some file systems fewer."""

_HINT = "Name a file that does not exist yet."
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


OnFile = Callable[["NewFile"], None]


class NewFile:
    """A file under a name of its own, until `publish`. Use `new_file`: it cleans up.

    Nothing is there before `create`: so whoever may end this process can learn before of what it
    will have to `abandon`.
    """

    def __init__(self, path: str, *, mode: int = 0o600) -> None:
        self.path = path
        self._mode = mode
        self.beside = _name_beside(path)
        self._folder = str(Path(path).parent)
        self._buffer = bytearray()
        self._size = 0
        self._fd = -1
        self._published = False

    def create(self) -> None:
        """Begin."""
        with _write_errors(self.path):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._fd = os.open(self.beside, flags, 0o600)
            os.fchmod(self._fd, self._mode)

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        self._buffer += data
        if len(self._buffer) >= _BUFFER_SIZE:
            self._flush()

    def put(self, offset: int, data: bytes) -> None:
        """Write over bytes that were written before."""
        self._flush()
        with _write_errors(self.path):
            write_all(self._fd, data, offset)

    def sync(self) -> None:
        """Make durable what was written."""
        self._flush()
        with _write_errors(self.path):
            os.fsync(self._fd)

    def seal(self) -> str:
        """Append the SHA-256 of everything before it, as a snapshot has it; return it in hex."""
        self._flush()
        digest = hashlib.sha256()
        with path_errors(self.path):
            for offset in range(0, self._size, _BUFFER_SIZE):
                digest.update(os.pread(self._fd, min(_BUFFER_SIZE, self._size - offset), offset))
        self.write(digest.digest())
        self.sync()
        return digest.hexdigest()

    @contextmanager
    def read_back(self) -> Iterator[FileSource]:
        """Open what was written for reading."""
        self._flush()
        source = FileSource(self.beside)
        try:
            yield source
        finally:
            source.close()

    def publish(self) -> None:
        """Put the file in its place, durably; Refused where there is something by now."""
        self.sync()
        with _write_errors(self.path):
            try:
                os.link(self.beside, self.path)
            except FileExistsError:
                raise Refused(f"{self.path} exists by now; it was not replaced") from None
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                self._rename()
            else:
                Path(self.beside).unlink()
            self._published = True
            sync_directory(self._folder)

    def _rename(self) -> None:
        """Do the same without hard links, with a moment between the look and the rename."""
        if os.path.lexists(self.path):
            raise Refused(f"{self.path} exists by now; it was not replaced")
        Path(self.beside).rename(self.path)

    def close(self) -> None:
        """Close it, and remove it where it was not published: nobody else knows its name."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        with path_errors(self.path):
            try:
                os.close(fd)
            finally:
                Path(self.beside).unlink(missing_ok=True)

    def abandon(self) -> bool:
        """Remove it unless it is published by now; return whether it is.

        For whoever is ending this process, while a thread of it may still be at work here: what
        lost its name first cannot be given another one.
        """
        if self._fd < 0:
            return self._published
        Path(self.beside).unlink(missing_ok=True)
        self._published = self._published or self._is_in_its_place()
        if self._published:
            sync_directory(self._folder)
        return self._published

    def _is_in_its_place(self) -> bool:
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _flush(self) -> None:
        if not self._buffer:
            return
        with _write_errors(self.path):
            write_all(self._fd, bytes(self._buffer), self._size)
        self._size += len(self._buffer)
        self._buffer.clear()


def refuse_unfit(path: str) -> None:
    """Raise UsageError where no file can have that name, Refused where something has it already.

    NotPermitted where we may not make files.
    """
    folder, name = posixpath.split(path)
    folder = folder or "."
    if not path or "\0" in path:
        what = "a name with a zero byte" if path else "an empty name"
        raise UsageError(f"{what} is none that a file can have", hint=_HINT)
    with path_errors(path):
        if name in ("", ".", "..") or Path(path).is_dir():
            raise UsageError(f"{path} names a directory", hint="Name a file in it.")
        if not Path(folder).is_dir():
            raise UsageError(f"there is no directory {folder}", hint="Make it first.")
        if _is_there(path):
            raise Refused(f"{path} exists already", hint=_HINT)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise NotPermitted(f"no file can be made in {folder}", hint="Name another directory.")


def _is_there(path: str) -> bool:
    """Return whether anything has that name, be it a link that leads nowhere."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _name_beside(path: str) -> str:
    """Return a name that says what it is to whoever finds it after a crash, and is not too long."""
    folder, name = posixpath.split(path)
    begin = os.fsencode(name)[:_NAME_SHOWN_MAX].decode("utf-8", "ignore")
    return posixpath.join(folder, f".{begin}.{secrets.token_hex(4)}.unfinished")


@contextmanager
def _write_errors(path: str) -> Iterator[None]:
    """Say what is left of a file that cannot be written to its end: nothing."""
    try:
        with path_errors(path):
            yield
    except NotEnoughSpace as error:
        # It was thought to be enough, and nothing was refused: this is how it failed.
        hint = "Nothing is left of it. Name a file on a disk with more space."
        raise RequorumError(error.message, hint=hint) from error


def tell_nobody(_file: NewFile) -> None:
    """Nobody has to know of it."""


@contextmanager
def new_file(path: str, on_file: OnFile = tell_nobody, *, mode: int = 0o600) -> Iterator[NewFile]:
    """Write a new file; whatever happens before it is published, nothing is left of it.

    `on_file` is told of it before there is anything.
    """
    refuse_unfit(path)
    file = NewFile(path, mode=mode)
    on_file(file)
    file.create()
    try:
        yield file
    finally:
        file.close()
