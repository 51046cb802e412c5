"""Programs on a host, each below a shell that ends it when we say so."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext

from requorum.clients.hosts.ssh.file_answers import complaint
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.clients.hosts.ssh.watched import (
    UNTIL_SILENT,
    UNTIL_TOLD,
    end,
    signs_of_life,
    tell_to_end,
)
from requorum.errors import DeadlineExceeded, RequorumError
from requorum.ports import Completed

# The host has a limit of its own, for when it cannot hear us. Ours comes first.
_LATER_SECONDS = 5.0
_KILL_SECONDS = 10.0

# How sh tells that a program was ended by a signal; Linux has 64 of them.
_SIGNALLED = range(129, 129 + 64)
_SIGKILL = 9

_ABSENT = b"absent"

# Becomes the program, once it has said who it is: its pid, and when that began.
_BECOME = """
count=$1; shift
while [ "$count" -gt 0 ]; do export "$1"; shift; count=$((count - 1)); done
found=$(command -v -- "$1") && case $found in
*/*) [ -f "$found" ] && [ -x "$found" ] ;;
esac || { echo absent >&9; exit 127; }
echo "$$ $(cut -d " " -f 22 "/proc/$$/stat")" >&9
exec 7<&- 9>&-
exec "$@"
"""

# Runs below `timeout`, which leads the process group: to kill the group, 0, kills all of it. What
# the shell itself has to say, such as "Killed", is not the program's; a subshell, for dash would
# redirect its own stderr too while it waits.
_WATCHED = """
exec 6>&2 2>/dev/null
({until}
kill -KILL 0) <&7 >/dev/null 6>&- 7<&- 9>&- &
watch=$!
(exec sh -c '{become}' sh "$@" 2>&6 6>&-)
status=$?
kill "$watch"
exit "$status"
"""

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

# etcd takes each ETCD_* of its environment for a flag, and a host's login may set some.
_SPAWN = """
log=$1 watched=$2; shift 2
[ ! -d "$log" ] || { echo "$log: Is a directory" >&2; exit 1; }
touch -- "$log" || exit 1
for name in $(env | sed -n "s/^\\(ETCD_[A-Za-z0-9_]*\\)=.*/\\1/p"); do unset "$name"; done
exec 7<&0 9>&1 </dev/null >>"$log" 2>&1
timeout 0 sh -c "$watched" sh "$@"
echo "$?" >&9
"""

# A pid alone may be another's by now. A zombie is gone once its threads are: until then they hold
# its files, locks and ports.
_KILL_AGAIN = """
pid=$1 began=$2 tries=0
while [ "$tries" -lt 100 ]; do
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || exit 0
  set -- ${stat##*) }
  [ "${20}" = "$began" ] || exit 0
  state=$1
  set -- "/proc/$pid/task/"*
  [ "$state" != Z ] || [ "$#" -gt 1 ] || exit 0
  kill -KILL "$pid"
  [ "$tries" -lt 5 ] || sleep 0.1
  tries=$((tries + 1))
done
exit 1
"""


async def run(
    shell: RemoteShell,
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
    name = shell.connection.name
    limit = f"{deadline + _LATER_SECONDS:.3f}"
    arguments = (limit, _watched(dies_with_us=dies_with_us), *_with_env(argv, env))
    async with shell.script(_RUN, *arguments) as script:
        with ssh_errors(name):
            out, err = await _output(script, argv, deadline, beats=dies_with_us)
        said, _, rest = out.partition(b"\n")
        status, newline, stdout = rest.partition(b"\n")
        if said == _ABSENT:
            raise _absent(argv, name)
        if not newline:
            raise _not_begun(script, argv, err, name)
    return Completed(tuple(argv), _returncode(status), _text(stdout), _text(err))


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
    arguments = (log, _watched(dies_with_us=True), *_with_env(argv, env))
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(shell.script(_SPAWN, *arguments, stays=True))
        await stack.enter_async_context(signs_of_life(script.process))
        with ssh_errors(name):
            said = await script.process.stdout.readline()
            if said.strip() == _ABSENT:
                raise _absent(argv, name)
            if not said:
                err = await script.process.stderr.read()
                await script.process.wait_closed()
                raise cut(name) if script.process.returncode is None else complaint(log, err)
        pid, began = said.split()
        return RemoteProcess(script, questions, (int(pid), began.decode()), stack.pop_all())


class RemoteProcess:
    """A process that we started on a host and that only we end."""

    def __init__(
        self,
        script: Script,
        questions: Questions,
        identity: tuple[int, str],
        stack: AsyncExitStack,
    ) -> None:
        self._script = script
        self._questions = questions
        self._pid, self._began = identity
        self._made_sure = False
        self._ended = asyncio.create_task(self._await_status(stack))
        # Whoever asks is told; where nobody does, it is no error.
        self._ended.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def pid(self) -> int:
        """Return its process id on its host."""
        return self._pid

    async def returncode(self) -> int | None:
        """Return its exit status, None while it runs; Unreachable where the connection was cut.

        Negative: the signal that ended it.
        """
        if self._made_sure:
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
        await asyncio.wait({self._ended}, timeout=_KILL_SECONDS)
        lost = not self._ended.done() or self._ended.exception() is not None
        if lost or self._ended.result() == -_SIGKILL:
            # Its group was killed, and the first of it to be gone is not always this one.
            await self._make_sure()
        self._made_sure = lost

    async def _make_sure(self) -> None:
        answer = await self._questions.ask(
            _KILL_AGAIN, str(self._pid), self._began, deadline=2 * _KILL_SECONDS
        )
        if answer.status != 0:
            raise DeadlineExceeded(
                f"process {self._pid} on {self._questions.connection.name} did not end within "
                f"{_KILL_SECONDS:g} s of SIGKILL"
            )

    async def _await_status(self, stack: AsyncExitStack) -> int:
        name = self._questions.connection.name
        async with stack:
            with ssh_errors(name):
                status = await self._script.process.stdout.readline()
            if not status:
                raise cut(name)
            return _returncode(status)


async def _output(
    script: Script, argv: Sequence[str], deadline: float, *, beats: bool
) -> tuple[bytes, bytes]:
    """Return all of stdout and stderr once the script has ended; it is ended if we give up."""
    process = script.process
    try:
        async with asyncio.timeout(deadline), signs_of_life(process) if beats else nullcontext():
            out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
            await process.wait_closed()
            return out, err
    except TimeoutError as error:
        raise DeadlineExceeded(f"`{' '.join(argv)}` did not end within {deadline:g} s") from error
    finally:
        # Also when we are cancelled.
        if not process.is_closing():
            await end(process)


def _watched(*, dies_with_us: bool) -> str:
    until = UNTIL_SILENT if dies_with_us else UNTIL_TOLD
    return _WATCHED.format(until=until, become=_BECOME)


def _with_env(argv: Sequence[str], env: Mapping[str, str] | None) -> tuple[str, ...]:
    pairs = tuple(f"{name}={value}" for name, value in (env or {}).items())
    return (str(len(pairs)), *pairs, *argv)


def _returncode(status: bytes) -> int:
    number = int(status)
    return 128 - number if number in _SIGNALLED else number


def _absent(argv: Sequence[str], name: str) -> RequorumError:
    return RequorumError(f"{argv[0]} is not a program that can be run on {name}")


def _not_begun(script: Script, argv: Sequence[str], err: bytes, name: str) -> RequorumError:
    if script.process.returncode is None:
        return cut(name)
    return RequorumError(f"{argv[0]} cannot be run on {name}: {_text(err).strip()}")


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
