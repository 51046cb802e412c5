"""A configuration file of a host, whole."""

from requorum.errors import DamagedInput, RequorumError
from requorum.ports.host import Host

SIZE_MAX = 1 << 20
"""Bytes of a configuration file. A larger one is something else."""


async def read_text(host: Host, path: str) -> str:
    """Return its text. RequorumError where it is not there, DamagedInput where it is no text."""
    data = bytearray()
    async with host.read_stream(path) as chunks:
        async for chunk in chunks:
            data += chunk
            if len(data) > SIZE_MAX:
                raise DamagedInput(f"{path} on {host.name} has more than {SIZE_MAX} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise DamagedInput(
            f"{path} on {host.name} is no text: byte {error.start} is no UTF-8"
        ) from error


async def read_text_if_there(host: Host, path: str) -> str | None:
    """Return its text, None where nothing has that name."""
    if await host.stat(path) is None:
        return None
    try:
        return await read_text(host, path)
    except RequorumError:
        if await host.stat(path) is None:
            return None  # it went meanwhile
        raise
