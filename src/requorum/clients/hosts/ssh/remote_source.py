"""A file of a host as a `Source`, read over SFTP.

Formats read synchronously, in a thread; the bytes come by the event loop. So a read in the
loop's own thread could only wait for itself: that is refused as a mistake of the caller's.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncssh

from requorum.clients.hosts.ssh.read_ahead import ReadAhead
from requorum.clients.hosts.ssh.sftp import Sftp
from requorum.clients.hosts.ssh.sftp_errors import sftp_errors
from requorum.errors import DamagedInput, DeadlineExceeded, RequorumError
from requorum.formats.source import check_range

_SECONDS = 60.0
_PIECE_BYTES = 8 << 20


@asynccontextmanager
async def open_source(sftp: Sftp, name: str, path: str) -> AsyncIterator["RemoteSource"]:
    """Open a file of the host `name` for random reading; its size is the size at opening."""
    client = await sftp.client()
    try:
        async with asyncio.timeout(_SECONDS):
            with sftp_errors(name, path):
                file, size = await _open(client, path)
    except TimeoutError as error:
        await sftp.drop()
        raise _too_late(name, path) from error
    source = RemoteSource(sftp, name, path, file, size)
    try:
        yield source
    finally:
        source.close()
        # Its session may be gone, and its handle with it.
        with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                await file.close()


async def _open(client: asyncssh.SFTPClient, path: str) -> tuple[asyncssh.SFTPClientFile, int]:
    # To open a fifo would keep the host's server waiting for a writer, and everyone else.
    if (await client.stat(path)).type != asyncssh.FILEXFER_TYPE_REGULAR:
        raise RequorumError(f"{path} is not a regular file")
    file = await client.open(path, "rb")
    size = (await file.stat()).size
    return file, size or 0


class RemoteSource:
    """Random reads of one open file of a host, to be used in a thread of its own.

    `bytes_read`: how many came over the network so far.
    """

    def __init__(
        self, sftp: Sftp, name: str, path: str, file: asyncssh.SFTPClientFile, size: int
    ) -> None:
        self.bytes_read = 0
        self._sftp = sftp
        self._name = name
        self._path = path
        self._file: asyncssh.SFTPClientFile | None = file
        self._size = size
        self._loop = asyncio.get_running_loop()
        self._blocks = ReadAhead(size, self._fetch)
        self._one_at_a_time = threading.Lock()

    @property
    def size(self) -> int:
        """Return the number of bytes at opening."""
        return self._size

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes [offset, offset + length).

        DamagedInput outside of the file, where the host's disk cannot be read, and where the file
        has become shorter since; Unreachable where the connection was cut.
        """
        check_range(self._size, offset, length)
        if self._file is None:
            raise ValueError(f"read of {self._path} after it was closed")
        self._refuse_loops_thread()
        with self._one_at_a_time:
            return memoryview(self._blocks.read(offset, length))

    def close(self) -> None:
        """Let no further read begin. Views stay valid."""
        self._file = None

    def _refuse_loops_thread(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        if running is self._loop:
            raise RuntimeError(f"{self._path} of {self._name} is read in the event loop's thread")

    def _fetch(self, offset: int, length: int) -> bytes:
        return asyncio.run_coroutine_threadsafe(self._read(offset, length), self._loop).result()

    async def _read(self, offset: int, length: int) -> bytes:
        pieces = [
            await self._piece(start, min(_PIECE_BYTES, offset + length - start))
            for start in range(offset, offset + length, _PIECE_BYTES)
        ]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _piece(self, offset: int, length: int) -> bytes:
        if self._file is None:
            raise ValueError(f"read of {self._path} after it was closed")
        try:
            async with asyncio.timeout(_SECONDS):
                with sftp_errors(self._name, self._path):
                    data = cast("bytes", await self._file.read(length, offset))
        except TimeoutError as error:
            await self._sftp.drop()
            raise _too_late(self._name, self._path) from error
        except RequorumError as error:
            if isinstance(error.__cause__, asyncssh.SFTPFailure):
                raise DamagedInput(f"{self._path}, byte {offset}: it cannot be read") from error
            raise
        self.bytes_read += len(data)
        if len(data) < length:
            raise DamagedInput(f"{self._path} became shorter while it was read")
        return data


def _too_late(name: str, path: str) -> DeadlineExceeded:
    return DeadlineExceeded(f"{path}: {name} did not answer within {_SECONDS:g} s")
