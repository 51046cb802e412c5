"""Shell text that ends what runs on a host when we are not there any more.

It watches its stdin, which is our channel. Signs of life keep it waiting; any other byte, the end
of the channel, and silence end it: nothing tells a host that a network was cut.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncssh

from requorum.clients.hosts.ssh.connection import Process

SILENCE_SECONDS = 30

_BEAT_SECONDS = 5.0
_END_SECONDS = 10.0

_ALIVE = b"."
_END = b"\n"

UNTIL_SILENT = f"""
while sign=$(exec 9>&-; timeout {SILENCE_SECONDS} head -c 1) && [ "$sign" = . ]; do :; done
"""

UNTIL_TOLD = "read -r word || exit"
"""Waits for a line. A channel that is cut ends the watch, and nothing else."""


@asynccontextmanager
async def signs_of_life(process: Process) -> AsyncIterator[None]:
    """Send them as long as the context lasts."""
    beating = asyncio.create_task(_beat(process))
    try:
        yield
    finally:
        beating.cancel()


def tell_to_end(process: Process) -> None:
    """Tell what watches to end. No error when it has ended, or the connection has."""
    with suppress(OSError):
        process.stdin.write(_END)


async def end(process: Process) -> bool:
    """Tell it to end; return whether it did so in time, its output dropped."""
    tell_to_end(process)
    try:
        async with asyncio.timeout(_END_SECONDS):
            await asyncio.gather(process.stdout.read(), process.stderr.read())
            await process.wait_closed()
    except (asyncssh.Error, OSError):
        return False
    return process.returncode is not None


async def _beat(process: Process) -> None:
    while not process.is_closing():
        process.stdin.write(_ALIVE)
        await asyncio.sleep(_BEAT_SECONDS)
