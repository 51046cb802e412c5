"""A large new file of this machine: written beside its place, and put there only when it is whole.

It never replaces anything: the last step fails where a file of that name has appeared meanwhile.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from requorum.clients.hosts.local_files import sync_directory, write_all
from requorum.clients.hosts.local_source import FileSource
from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import Refused, UsageError

_BUFFER_SIZE = 4 << 20
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class NewFile:
    """A file under a name of its own, until `publish`. Use `new_file`: it cleans up."""

    def __init__(self, path: str, *, mode: int = 0o600) -> None:
        self.path = path
        folder, name = str(Path(path).parent), Path(path).name
        self.beside = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
        self._folder = folder
        self._buffer = bytearray()
        self._size = 0
        with path_errors(path):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._fd = os.open(self.beside, flags, 0o600)
            os.fchmod(self._fd, mode)

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        self._buffer += data
        if len(self._buffer) >= _BUFFER_SIZE:
            self._flush()

    def put(self, offset: int, data: bytes) -> None:
        """Write over bytes that were written before."""
        self._flush()
        with path_errors(self.path):
            write_all(self._fd, data, offset)

    def sync(self) -> None:
        """Make durable what was written."""
        self._flush()
        with path_errors(self.path):
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
        with path_errors(self.path):
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
            sync_directory(self._folder)

    def _rename(self) -> None:
        """Do the same without hard links, with a moment between the look and the rename."""
        if os.path.lexists(self.path):
            raise Refused(f"{self.path} exists by now; it was not replaced")
        Path(self.beside).rename(self.path)

    def close(self) -> None:
        """Close it, and remove it where it was not published: nobody else knows its name."""
        os.close(self._fd)
        Path(self.beside).unlink(missing_ok=True)

    def _flush(self) -> None:
        if not self._buffer:
            return
        with path_errors(self.path):
            write_all(self._fd, bytes(self._buffer), self._size)
        self._size += len(self._buffer)
        self._buffer.clear()


def refuse_existing(path: str) -> None:
    """Raise Refused where something has that name already, UsageError where its folder is not."""
    if os.path.lexists(path):
        raise Refused(f"{path} exists already", hint="Name a file that does not exist yet.")
    if not Path(path).parent.is_dir():
        raise UsageError(f"there is no directory {Path(path).parent}")


@contextmanager
def new_file(path: str, *, mode: int = 0o600) -> Iterator[NewFile]:
    """Write a new file; whatever happens before it is published, nothing is left of it."""
    refuse_existing(path)
    file = NewFile(path, mode=mode)
    try:
        yield file
    finally:
        file.close()
