"""Commands that are run to their end on a host."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.clients.hosts.ssh.watched import UNTIL_SILENT, UNTIL_TOLD, end, signs_of_life
from requorum.clients.hosts.ssh.watched_program import (
    Identity,
    arguments_of,
    identity_of,
    make_gone,
    returncode_of,
    watched,
)
from requorum.errors import DeadlineExceeded, RequorumError
from requorum.ports.host import Completed

# The host has a limit of its own, for when it cannot hear us. Ours comes first.
_LATER_SECONDS = 5.0

# Output goes to files without a name, in memory where possible, and not to our channel: a daemon
# that a start command leaves behind keeps its stdout, and must neither keep us waiting nor die
# of a pipe that was closed.
_RUN = """
limit=$1 watched=$2; shift 2
for dir in /dev/shm /run /tmp; do
  out=$(mktemp "$dir/requorum.XXXXXXXXXX" 2>/dev/null) && break
done
err=$(mktemp "$dir/requorum.XXXXXXXXXX") || exit 1
exec 3>"$out" 4>"$err" 5<"$out" 6<"$err"
rm -f -- "$out" "$err"
exec 7<&0 8>&2 9>&1 </dev/null >/dev/null 2>&1
timeout -s KILL "$limit" sh -c "$watched" sh "$@" >&3 2>&4 3>&- 4>&- 5<&- 6<&- 8>&-
echo "$?" >&9
cat <&6 >&8
exec cat <&5 >&9
"""


async def run(
    shell: RemoteShell,
    questions: Questions,
    argv: Sequence[str],
    *,
    deadline: float,
    env: Mapping[str, str] | None,
    dies_with_us: bool,
) -> Completed:
    """Run to the end of the command itself; what it left behind may go on.

    Its process group is killed at the deadline, and when we are cancelled. Where the connection
    is cut, `dies_with_us` has it killed then, and otherwise the host does so after the deadline.
    """
    text = watched(until=UNTIL_SILENT if dies_with_us else UNTIL_TOLD)
    limit = f"{deadline + _LATER_SECONDS:.3f}"
    async with shell.script(_RUN, limit, text, *arguments_of(argv, env)) as script:
        return await _Run(script, questions, argv, beats=dies_with_us).to_its_end(deadline)


class _Run:
    def __init__(
        self, script: Script, questions: Questions, argv: Sequence[str], *, beats: bool
    ) -> None:
        self._script = script
        self._questions = questions
        self._argv = argv
        self._beats = beats
        self._identity: Identity | None = None

    async def to_its_end(self, deadline: float) -> Completed:
        try:
            async with asyncio.timeout(deadline):
                with ssh_errors(self._name):
                    return await self._completed()
        except TimeoutError as error:
            doubt = "" if await self._is_ended() else f", and may still run on {self._name}"
            raise DeadlineExceeded(
                f"`{' '.join(self._argv)}` did not end within {deadline:g} s{doubt}"
            ) from error
        except asyncio.CancelledError:
            await self._is_ended()
            raise

    async def _completed(self) -> Completed:
        process = self._script.process
        async with signs_of_life(process) if self._beats else nullcontext():
            self._identity = await self._identify()
            out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
            await process.wait_closed()
        status, newline, stdout = out.partition(b"\n")
        if not newline:
            raise cut(self._name)
        return Completed(tuple(self._argv), returncode_of(status), _text(stdout), _text(err))

    async def _identify(self) -> Identity:
        found = await identity_of(self._script, self._argv, self._name)
        if isinstance(found, Identity):
            return found
        said = _text(found).strip()
        raise RequorumError(f"{self._argv[0]} cannot be run on {self._name}: {said}")

    async def _is_ended(self) -> bool:
        """End the command; return whether it is known to be gone."""
        await end(self._script.process)
        if self._identity is None:
            return False
        try:
            await make_gone(self._questions, self._identity)
        except RequorumError:
            return False
        return True

    @property
    def _name(self) -> str:
        return self._questions.connection.name


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
