"""A port of ours that leads to an address as the host sees it.

The listener is ours, not the connection's: so its port stays the same when the connection was cut
and is opened anew.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncssh

from requorum.clients.hosts.ssh.connection import Connection
from requorum.clients.hosts.ssh.ssh_errors import ssh_errors
from requorum.errors import Barred, DeadlineExceeded, RequorumError, Unreachable

_SECONDS = 10.0
_CHUNK = 64 << 10

Address = tuple[str, int]


class Forwarding:
    """The listeners of one host, one for each address."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._servers: dict[Address, asyncio.Server] = {}
        self._leading: set[asyncio.Task[object]] = set()

    async def to(self, host: str, port: int) -> Address:
        """Return the loopback address that leads there; Unreachable where nothing is there."""
        await self._try(host, port)
        server = self._servers.get((host, port))
        if server is None or server.get_loop() is not asyncio.get_running_loop():
            server = await asyncio.start_server(self._leading_to(host, port), "127.0.0.1", 0)
            self._servers[host, port] = server
        local: Address = server.sockets[0].getsockname()[:2]
        return local

    async def close(self) -> None:
        """Stop listening, and end what is led. No error when nothing listens."""
        servers, self._servers = self._servers, {}
        loop = asyncio.get_running_loop()
        for server in servers.values():
            if server.get_loop() is loop:
                server.close()
        leading = [task for task in self._leading if task.get_loop() is loop]
        for task in leading:
            task.cancel()
        await asyncio.gather(*leading)

    async def _try(self, host: str, port: int) -> None:
        """Open one connection for nothing: whoever uses the port later is told no reason."""
        _, writer = await self._open(host, port)
        writer.close()

    def _leading_to(
        self, host: str, port: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def lead(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
            if (task := asyncio.current_task()) is not None:
                self._leading.add(task)
                task.add_done_callback(self._leading.discard)
            try:
                far_in, far_out = await self._open(host, port)
                try:
                    await asyncio.gather(_copy(near_in, far_out), _copy(far_in, near_out))
                finally:
                    far_out.close()
            except (RequorumError, asyncssh.Error, OSError):
                return  # one side is not there, or broke: the end is the only word that TCP has
            except asyncio.CancelledError:
                return  # by `close`; asyncio would log a handler that ends cancelled as a failure
            finally:
                near_out.close()

        return lead

    async def _open(
        self, host: str, port: int
    ) -> tuple["asyncssh.SSHReader[bytes]", "asyncssh.SSHWriter[bytes]"]:
        name = self._connection.name
        ssh = await self._connection.get()
        try:
            async with asyncio.timeout(_SECONDS):
                with ssh_errors(name):
                    return await ssh.open_connection(host, port, encoding=None)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{host}:{port} did not answer {name} within {_SECONDS:g} s"
            ) from error
        except Unreachable as error:
            if isinstance(error.__cause__, asyncssh.ChannelOpenError):
                raise _no_way(name, host, port, error.__cause__) from error
            raise


async def _copy(
    source: "asyncio.StreamReader | asyncssh.SSHReader[bytes]",
    target: "asyncio.StreamWriter | asyncssh.SSHWriter[bytes]",
) -> None:
    """Copy until the source ends, and say so to the target: it may still have an answer."""
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()
    target.write_eof()


def _no_way(name: str, host: str, port: int, error: asyncssh.ChannelOpenError) -> Unreachable:
    said = f"{name} does not lead to {host}:{port}: {error.reason.lower()}"
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return Barred(said, hint="Set AllowTcpForwarding to yes in the host's sshd_config.")
    return Unreachable(said, hint="Nothing listens there.")
