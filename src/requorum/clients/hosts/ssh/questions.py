"""Questions to a host that are one small script each, answered in one round trip.

A channel for each would cost a login shell with its .bashrc, and a sudo with its entry in the
system's log, several times over for each file. So a few shells stay open, and take one script
after the other.
"""

import asyncio
import os
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncssh

from requorum.clients.hosts.ssh.connection import Connection, Ssh
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import ssh_errors
from requorum.errors import DeadlineExceeded

_SHELLS = 2

# Takes a line, which may hold no newline but as $NL, runs it apart, and says its status.
_SHELL = r"""
export LC_ALL=C
NL='
'
while IFS= read -r line; do
  (eval "$line") </dev/null
  status=$?
  printf '\n%s\n%s\n' "$status" "$0"
  printf '\n%s\n' "$0" >&2
done
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script printed before it ended. `status` above 128: a signal, as sh tells it."""

    status: int
    out: bytes
    err: bytes


@dataclass(frozen=True, slots=True)
class _Worker:
    """A shell that waits for scripts; `stack` closes it."""

    ssh: Ssh
    script: Script
    stack: AsyncExitStack


class Questions:
    """The shells of one host; as many questions at a time as there are shells."""

    def __init__(self, shell: RemoteShell) -> None:
        self._shell = shell
        self._idle: list[_Worker] = []
        self._limit = _Limit()

    @property
    def connection(self) -> Connection:
        """Return the host's connection."""
        return self._shell.connection

    async def ask(self, text: str, *arguments: str, deadline: float) -> Answer:
        """Run a script to its end; it has no stdin, and its tools speak English.

        Raises Unreachable, DeadlineExceeded, and NotPermitted where sudo does not let us. What
        the script began may go on after its deadline.
        """
        name = self.connection.name
        try:
            async with self._limit.semaphore(), asyncio.timeout(deadline), self._worker() as worker:
                with ssh_errors(name):
                    return await _ask(worker.script, text, arguments)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{name} did not answer within {deadline:g} s") from error

    async def close(self) -> None:
        """End the shells. No error when there are none."""
        idle, self._idle = self._idle, []
        for worker in idle:
            await worker.stack.aclose()

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[_Worker]:
        """Lend a shell. It is used again unless the question ended in an error."""
        worker = await self._take()
        async with AsyncExitStack() as on_error:
            on_error.push_async_callback(worker.stack.aclose)
            yield worker
            on_error.pop_all()
        self._idle.append(worker)

    async def _take(self) -> _Worker:
        ssh = await self.connection.get()
        while self._idle:
            worker = self._idle.pop()
            # One of a connection that is gone, or of an event loop that is, can only be dropped.
            if worker.ssh is ssh and not worker.script.process.is_closing():
                return worker
        stack = AsyncExitStack()
        script = await stack.enter_async_context(self._shell.script(_SHELL, stays=True))
        return _Worker(ssh, script, stack)


class _Limit:
    """A semaphore for each event loop."""

    def __init__(self) -> None:
        self._of: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    def semaphore(self) -> asyncio.Semaphore:
        """Return that of the running loop."""
        loop = asyncio.get_running_loop()
        if self._of is None or self._of[0] is not loop:
            self._of = loop, asyncio.Semaphore(_SHELLS)
        return self._of[1]


async def _ask(script: Script, text: str, arguments: tuple[str, ...]) -> Answer:
    process = script.process
    process.stdin.write(os.fsencode(_one_line(text, arguments)))
    end = b"\n" + script.marker + b"\n"
    out, err = await asyncio.gather(_until(process.stdout, end), _until(process.stderr, end))
    said, _, status = out.rpartition(b"\n")
    return Answer(int(status), said, err)


def _one_line(text: str, arguments: tuple[str, ...]) -> str:
    """Return the script with its arguments as one line: what it holds of newlines is $NL."""
    quoted = shlex.quote(f"set -- {shlex.join(arguments)}\n{text}")
    return "eval {}\n".format(quoted.replace("\n", "'\"$NL\"'"))


async def _until(reader: asyncssh.SSHReader[bytes], end: bytes) -> bytes:
    """Read up to `end`, after which nothing comes; EOFError where the shell is gone."""
    found = bytearray()
    while not found.endswith(end):
        chunk = await reader.read(1 << 16)
        if not chunk:
            raise EOFError
        found += chunk
    return bytes(found[: -len(end)])
