"""Whole files read from a host, as fast as the connection carries them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from requorum.clients.hosts.ssh.file_answers import complaint
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.errors import DeadlineExceeded

_STALL_SECONDS = 60.0
_CHUNK = 256 << 10

_GIVE = """
export LC_ALL=C
exec cat -- "$1"
"""


@asynccontextmanager
async def read_stream(shell: RemoteShell, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open a file as chunks. DeadlineExceeded where nothing comes for a minute."""
    async with shell.script(_GIVE, path) as script:
        yield _chunks(script, shell.connection.name, path)


async def _chunks(script: Script, name: str, path: str) -> AsyncIterator[bytes]:
    process = script.process
    try:
        with ssh_errors(name):
            while True:
                async with asyncio.timeout(_STALL_SECONDS):
                    chunk = await process.stdout.read(_CHUNK)
                if not chunk:
                    break
                yield chunk
            err = await process.stderr.read()
            await process.wait_closed()
    except TimeoutError as error:
        raise DeadlineExceeded(f"{path}: {name} sent nothing for {_STALL_SECONDS:g} s") from error
    if process.returncode is None:
        raise cut(name)
    if process.returncode != 0:
        raise complaint(path, err)
