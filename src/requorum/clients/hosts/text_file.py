"""A small text file of a host, whole."""

import asyncio

from requorum.ports.host import Host


async def read_text(host: Host, path: str) -> str:
    """Return its text; what is no UTF-8 reads as replacement characters."""
    async with host.open(path) as source:
        data = await asyncio.to_thread(source.read, 0, source.size)
    return bytes(data).decode("utf-8", "replace")
