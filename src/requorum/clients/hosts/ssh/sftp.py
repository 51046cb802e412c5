"""The SFTP session of a connection: random reads, and renames.

The host's own sftp-server is run as a command: so it can be root's by sudo, and what a login shell
prints before it does no harm. Its subsystem is the way where it is built into sshd.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncssh
from asyncssh.sftp import MIN_SFTP_VERSION, start_sftp_client

from requorum.clients.hosts.ssh.connection import Ssh
from requorum.clients.hosts.ssh.remote_shell import RemoteShell
from requorum.clients.hosts.ssh.ssh_errors import ssh_errors
from requorum.errors import DeadlineExceeded, RequorumError, Unreachable

_START_SECONDS = 90.0

# Debian, RHEL and Fedora, SUSE and Arch, others; then what sshd itself is told.
_SERVER = """
for server in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server \
  /usr/lib/ssh/sftp-server /usr/libexec/sftp-server /usr/lib/sftp-server \
  $(PATH="$PATH:/usr/sbin:/sbin" sshd -T 2>/dev/null | sed -n "s/^subsystem sftp //p")
do
  if [ -x "$server" ]; then echo found; exec "$server"; fi
done
echo none
"""
_FOUND = b"found\n"

# Names are bytes there, of whatever encoding.
_PATHS = ("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class _Session:
    ssh: Ssh
    client: asyncssh.SFTPClient
    stack: AsyncExitStack


class Sftp:
    """The session, opened when first needed, and anew where it was lost."""

    def __init__(self, shell: RemoteShell) -> None:
        self._shell = shell
        self._session: _Session | None = None
        self._opening: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def client(self) -> asyncssh.SFTPClient:
        """Return the client; Unreachable where the host has none."""
        ssh = await self._shell.connection.get()
        async with self._lock():
            if self._session is None or self._session.ssh is not ssh:
                self._session = await self._open(ssh)
            return self._session.client

    async def drop(self) -> None:
        """End the session: it hangs, or it is not needed any more. No error when there is none."""
        session, self._session = self._session, None
        if session is not None:
            session.client.exit()
            await session.stack.aclose()

    async def _open(self, ssh: Ssh) -> _Session:
        name = self._shell.connection.name
        try:
            async with asyncio.timeout(_START_SECONDS), AsyncExitStack() as stack:
                with ssh_errors(name):
                    client = await self._start(ssh, stack)
                return _Session(ssh, client, stack.pop_all())
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the sftp-server of {name} did not answer within {_START_SECONDS:g} s"
            ) from error
        except Unreachable as error:
            if ssh.is_closed() or isinstance(error, DeadlineExceeded):
                raise
            raise _no_server(name) from error

    async def _start(self, ssh: Ssh, stack: AsyncExitStack) -> asyncssh.SFTPClient:
        script = await stack.enter_async_context(self._shell.script(_SERVER, stays=True))
        process = script.process
        if await process.stdout.readline() == _FOUND:
            loop = asyncio.get_running_loop()
            streams = (process.stdout, process.stdin)
            return await start_sftp_client(
                ssh, loop, "replace", *streams, *_PATHS, MIN_SFTP_VERSION
            )
        if self._shell.connection.settings.become is not None:
            raise _no_server(self._shell.connection.name)
        encoding, errors = _PATHS
        return await ssh.start_sftp_client(
            env=None, send_env=None, path_encoding=encoding, path_errors=errors
        )

    def _lock(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._opening is None or self._opening[0] is not loop:
            self._opening = loop, asyncio.Lock()
        return self._opening[1]


def _no_server(name: str) -> RequorumError:
    return Unreachable(
        f"{name} has no sftp-server that answers",
        hint="It belongs to OpenSSH's server: see `Subsystem sftp` in the host's sshd_config.",
    )
