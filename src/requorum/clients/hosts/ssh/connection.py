"""One connection to a host, opened when first needed and shared by all calls.

A host that cannot be reached costs one connect timeout, not one for each question: for a few
seconds the failure itself is the answer. A connection that was cut is opened anew by the next
call; the call that was cut fails, for nobody knows how far it came.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from requorum.clients.hosts.ssh.connect import connect
from requorum.clients.hosts.ssh.destination import Destination, SshSettings
from requorum.clients.hosts.ssh.ssh_errors import ssh_errors
from requorum.errors import RequorumError, Unreachable

Ssh = asyncssh.SSHClientConnection
Process = asyncssh.SSHClientProcess[bytes]

# sshd takes ten sessions on a connection, unless told otherwise (MaxSessions). The rest is for
# what stays open: two shells for questions, SFTP, locks, a staging etcd.
_CHANNELS = 3

_REMEMBER_FAILURE_SECONDS = 5.0
_CLOSE_SECONDS = 5.0


@dataclass(slots=True)
class _Live:
    """What belongs to one event loop: it cannot be used in another."""

    loop: asyncio.AbstractEventLoop
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    channels: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CHANNELS))
    ways: tuple[Ssh, ...] = ()
    failure: RequorumError | None = None
    failed_at: float = 0.0


class Connection:
    """The connection to one host, through its jump hosts."""

    def __init__(self, name: str, destination: Destination, settings: SshSettings) -> None:
        self.name = name
        self.settings = settings
        self._destination = destination
        self._live: _Live | None = None
        self._lost_locks: dict[str, str] = {}

    async def get(self) -> Ssh:
        """Return the open connection, a new one where there is none or it was cut.

        Raises Unreachable, Refused for a host key, UsageError for an ssh config.
        """
        for reason in self._lost_locks.values():
            raise Unreachable(reason, hint="Run it again: it takes the lock anew, if it can.")
        live = self._of_this_loop()
        async with live.opening:
            if live.ways and not live.ways[-1].is_closed():
                return live.ways[-1]
            if live.failure is not None:
                if time.monotonic() - live.failed_at < _REMEMBER_FAILURE_SECONDS:
                    raise _again(live.failure)
                live.failure = None
            await _close(live)
            try:
                live.ways = await connect(self._destination, self.settings)
            except RequorumError as error:
                live.failure, live.failed_at = error, time.monotonic()
                raise
            return live.ways[-1]

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one of the few channels that come and go; those that stay need none."""
        async with self._of_this_loop().channels:
            yield

    @asynccontextmanager
    async def process(self, command: bytes) -> AsyncIterator[Process]:
        """Start a command line in the login shell; its channel is closed at the end."""
        ssh = await self.get()
        with ssh_errors(self.name):
            process = await _start(ssh, command)
        try:
            yield process
        finally:
            process.close()

    def fence(self, lock: str, reason: str) -> None:
        """Refuse every further call: a lock that they rely on is lost."""
        self._lost_locks[lock] = reason

    def unfence(self, lock: str) -> None:
        """Let calls through again: nobody relies on that lock any more."""
        self._lost_locks.pop(lock, None)

    async def close(self) -> None:
        """End it. No error when it is closed, or was never open."""
        live, self._live = self._live, None
        if live is not None and live.loop is asyncio.get_running_loop():
            await _close(live)

    def _of_this_loop(self) -> _Live:
        loop = asyncio.get_running_loop()
        if self._live is None or self._live.loop is not loop:
            self._live = _Live(loop)
        return self._live


async def _start(ssh: Ssh, command: bytes) -> Process:
    # SendEnv, SetEnv, RemoteCommand and RequestTTY of the user's ssh config are for people.
    return await ssh.create_process(
        command, encoding=None, env=None, send_env=None, request_pty=False, x11_forwarding=False
    )


async def _close(live: _Live) -> None:
    ways, live.ways = live.ways, ()
    for way in reversed(ways):
        way.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await way.wait_closed()
        except TimeoutError:
            way.abort()  # nobody takes our farewell


def _again(error: RequorumError) -> RequorumError:
    """Return the same error for another call: an exception that is raised twice grows."""
    return type(error)(error.message, hint=error.hint)
