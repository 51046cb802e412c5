"""Whole files of this machine, chunk after chunk. What may wait for a disk runs in a thread."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from requorum.clients.hosts.new_file import new_file
from requorum.clients.hosts.path_errors import path_errors
from requorum.clients.hosts.stream_check import StreamCheck
from requorum.errors import DeadlineExceeded

_CHUNK = 1 << 20


@asynccontextmanager
async def read_stream(path: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open a file as chunks."""
    with path_errors(path):
        fd = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield _chunks(fd, path)
    finally:
        os.close(fd)


async def _chunks(fd: int, path: str) -> AsyncIterator[bytes]:
    with path_errors(path):
        while chunk := await asyncio.to_thread(os.read, fd, _CHUNK):
            yield chunk


async def write_stream(
    path: str,
    chunks: AsyncIterator[bytes],
    *,
    size: int,
    sha256: str,
    mode: int,
    on_bytes: Callable[[int], None] | None,
) -> None:
    """Write a new file of that size and digest, durably.

    Refused where something is there, DamagedInput where the chunks are not what was asked for;
    nothing is left of it then.
    """
    check = StreamCheck(path, size=size, sha256=sha256)
    with new_file(path, mode=mode) as file:
        async for chunk in chunks:
            check.add(chunk)
            await asyncio.to_thread(file.write, chunk)
            if on_bytes is not None:
                on_bytes(len(chunk))
        check.finish()
        await asyncio.to_thread(file.publish)


async def sha256(path: str, deadline: float) -> str:
    """Return the SHA-256 of a file in hex."""
    digest = hashlib.sha256()
    try:
        async with asyncio.timeout(deadline), read_stream(path) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(digest.update, chunk)
    except TimeoutError as error:
        raise DeadlineExceeded(f"{path} was not read within {deadline:g} s") from error
    return digest.hexdigest()
