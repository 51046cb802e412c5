"""Processes that run in the background on a host, and end with us."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from requorum.clients.hosts.ssh.file_answers import complaint
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.clients.hosts.ssh.watched import UNTIL_SILENT, signs_of_life, tell_to_end
from requorum.clients.hosts.ssh.watched_program import (
    KILL_SECONDS,
    Identity,
    arguments_of,
    identity_of,
    make_gone,
    returncode_of,
    watched,
)
from requorum.errors import DeadlineExceeded

_START_SECONDS = 60.0
_SIGKILL = 9

# etcd takes each ETCD_* of its environment for a flag, and a host's login may set some.
_SPAWN = """
log=$1 watched=$2; shift 2
[ ! -d "$log" ] || { echo "$log: Is a directory" >&2; exit 1; }
LC_ALL=C touch -- "$log" || exit 1
for name in $(env | sed -n "s/^\\(ETCD_[A-Za-z0-9_]*\\)=.*/\\1/p"); do unset "$name"; done
exec 7<&0 9>&1 </dev/null >>"$log" 2>&1
timeout 0 sh -c "$watched" sh "$@"
echo "$?" >&9
"""


async def spawn(
    shell: RemoteShell,
    questions: Questions,
    argv: Sequence[str],
    *,
    log: str,
    env: Mapping[str, str] | None,
) -> "RemoteProcess":
    """Start in the background; it is killed when we are gone, or were not heard for 30 s."""
    name = shell.connection.name
    arguments = (log, watched(until=UNTIL_SILENT), *arguments_of(argv, env))
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(shell.script(_SPAWN, *arguments, stays=True))
        await stack.enter_async_context(signs_of_life(script.process))
        try:
            async with asyncio.timeout(_START_SECONDS):
                with ssh_errors(name):
                    found = await identity_of(script, argv, name)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{argv[0]} was not started on {name} within {_START_SECONDS:g} s"
            ) from error
        if not isinstance(found, Identity):
            raise complaint(log, found)
        return RemoteProcess(script, questions, found, stack.pop_all())


class RemoteProcess:
    """A process that we started on a host and that only we end."""

    def __init__(
        self, script: Script, questions: Questions, identity: Identity, stack: AsyncExitStack
    ) -> None:
        self._script = script
        self._questions = questions
        self._identity = identity
        self._made_gone = False
        self._ended = asyncio.create_task(self._await_status(stack))
        # Whoever asks is told; where nobody does, it is no error.
        self._ended.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def pid(self) -> int:
        """Return its process id on its host."""
        return self._identity.pid

    async def returncode(self) -> int | None:
        """Return its exit status, None while it runs; Unreachable where the connection was cut.

        Negative: the signal that ended it.
        """
        if self._made_gone:
            return -_SIGKILL
        if not self._ended.done():
            return None
        if self._ended.exception() is not None:
            raise cut(self._questions.connection.name) from self._ended.exception()
        return self._ended.result()

    async def kill(self) -> None:
        """End it and its process group with SIGKILL and wait until it is gone.

        Where the connection was cut, a new one makes sure that the process is gone.
        """
        tell_to_end(self._script.process)
        await asyncio.wait({self._ended}, timeout=KILL_SECONDS)
        lost = not self._ended.done() or self._ended.exception() is not None
        if lost or self._ended.result() == -_SIGKILL:
            # Its group was killed, and the first of it to be gone is not always this one.
            await make_gone(self._questions, self._identity)
        self._made_gone = lost

    async def _await_status(self, stack: AsyncExitStack) -> int:
        name = self._questions.connection.name
        async with stack:
            with ssh_errors(name):
                status = await self._script.process.stdout.readline()
            if not status:
                raise cut(name)
            return returncode_of(status)
