"""Large files of this machine, piece by piece, with their SHA-256."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from requorum.clients.hosts.new_file import NewFile, new_file
from requorum.clients.hosts.path_errors import path_errors
from requorum.errors import DamagedInput, DeadlineExceeded
from requorum.ports import OnBytes


async def write_stream(
    path: str, pieces: AsyncIterator[bytes], *, sha256: str | None, on_bytes: OnBytes, mode: int
) -> None:
    """Write a new file; see `requorum.ports.Host.write_stream`."""
    digest, done = hashlib.sha256(), 0
    with new_file(path) as file:
        async for piece in pieces:
            await asyncio.to_thread(_take, file, digest, piece)
            done += len(piece)
            on_bytes(done)
        if sha256 is not None and digest.hexdigest() != sha256:
            raise DamagedInput(
                f"{path} did not arrive whole: its SHA-256 is {digest.hexdigest()}, not {sha256}",
                hint="Nothing was left of it. Try again; if it repeats, check that host's memory.",
            )
        await asyncio.to_thread(_finish, file, mode)


async def sha256(path: str, *, deadline: float) -> str:
    """Return the SHA-256 of a file, in hex."""
    try:
        async with asyncio.timeout(deadline):
            return await asyncio.to_thread(_sha256, path)
    except TimeoutError as error:
        raise DeadlineExceeded(f"{path} could not be read within {deadline:g} s") from error


def _take(file: NewFile, digest: "hashlib._Hash", piece: bytes) -> None:
    digest.update(piece)
    file.write(piece)


def _finish(file: NewFile, mode: int) -> None:
    file.sync()
    with path_errors(file.path):
        Path(file.beside).chmod(mode)
    file.publish()


def _sha256(path: str) -> str:
    with path_errors(path), Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
