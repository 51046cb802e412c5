"""Small shell scripts on a host, with their arguments, each quoted once.

A script begins by saying its marker: what a login shell prints before it (a greeting in .bashrc)
is dropped, and where the marker does not come, the script never ran, be it for sudo or for a
login shell that is none.
"""

import asyncio
import os
import secrets
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncssh

from requorum.clients.hosts.ssh.connection import Connection, Process
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.errors import DeadlineExceeded, NotPermitted, RequorumError

# To connect takes up to ten for each station of the way; then a login shell has to come up.
_START_SECONDS = 60.0

_SUDO = ("sudo", "-n", "--")
_SAY_MARKER = 'printf "%s\\n" "$0"; printf "%s\\n" "$0" >&2\n'


@dataclass(frozen=True, slots=True)
class Script:
    """A script that runs: its process, and the line by which it says so."""

    process: Process
    marker: bytes


class RemoteShell:
    """Runs scripts with sh there, as root where the operator becomes root by sudo."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @asynccontextmanager
    async def script(
        self, text: str, *arguments: str, stays: bool = False
    ) -> AsyncIterator[Script]:
        """Start a script on a channel of its own, which is closed at the end.

        `stays`: it is open for long, and needs no turn among those that come and go. Raises
        Unreachable, and NotPermitted where sudo or the login shell does not let us.
        """
        marker = f"requorum-{secrets.token_hex(8)}"
        argv = (*self._become, "sh", "-c", _SAY_MARKER + text, marker, *arguments)
        command = os.fsencode(shlex.join(argv))
        async with AsyncExitStack() as stack:
            if not stays:
                await stack.enter_async_context(self.connection.turn())
            yield await self._begin(stack, command, marker.encode())

    async def _begin(self, stack: AsyncExitStack, command: bytes, marker: bytes) -> Script:
        try:
            async with asyncio.timeout(_START_SECONDS):
                process = await stack.enter_async_context(self.connection.process(command))
                script = Script(process, marker)
                await self._await_marker(script)
                return script
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{self.connection.name} ran no shell for us within {_START_SECONDS:g} s",
                hint="A login may hang there for a dead disk or network mount: try one by hand.",
            ) from error

    async def _await_marker(self, script: Script) -> None:
        process = script.process
        with ssh_errors(self.connection.name):
            for reader in (process.stderr, process.stdout):
                if (said := await _lines_before(reader, script.marker)) is not None:
                    said = said or await _lines_before(process.stdout, script.marker) or []
                    raise await self._never_ran(process, said)

    @property
    def _become(self) -> Sequence[str]:
        return _SUDO if self.connection.settings.become == "sudo" else ()

    async def _never_ran(self, process: Process, said: list[str]) -> RequorumError:
        await process.wait_closed()
        if process.returncode is None:
            return cut(self.connection.name)
        reason = said[-1] if said else f"it exits with status {process.returncode}"
        if self._become:
            return NotPermitted(
                f"sudo on {self.connection.name} does not let us: {reason}",
                hint="`sudo -n true` must succeed there: let the user run every command with "
                "NOPASSWD, or log in as root and leave `become` out.",
            )
        return NotPermitted(
            f"{self.connection.name} does not run commands for us: {reason}",
            hint="The user's login shell must be one that knows POSIX quoting, such as sh.",
        )


async def _lines_before(reader: asyncssh.SSHReader[bytes], marker: bytes) -> list[str] | None:
    """Drop the lines before the marker; where it never comes, return them."""
    lines: list[str] = []
    while line := await reader.readline():
        if line.rstrip(b"\n") == marker:
            return None
        lines.append(line.decode(errors="replace").strip())
    return [each for each in lines if each]
