"""A program on a host, below a shell that ends it when we say so.

The shell tells which process the program is, and its exit status at the end; see `watched` for
what ends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_shell import Script
from requorum.clients.hosts.ssh.ssh_errors import cut
from requorum.errors import DeadlineExceeded, RequorumError

KILL_SECONDS = 10.0

# How sh tells that a program was ended by a signal; Linux has 64 of them.
_SIGNALLED = range(129, 129 + 64)

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

# A pid alone may be another's by now. A zombie is gone once its threads are: until then they hold
# its files, locks and ports.
_MAKE_GONE = """
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


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process a program is, among all that ever had or will have its pid."""

    pid: int
    began: str


def watched(*, until: str) -> str:
    """Return the shell's text; `until` returns when the program is to end.

    It expects our channel as 7 for its stdin and as 9 to tell who it is, and as arguments those
    of `arguments_of`.
    """
    return _WATCHED.format(until=until, become=_BECOME)


def arguments_of(argv: Sequence[str], env: Mapping[str, str] | None) -> tuple[str, ...]:
    """Return the arguments for the text of `watched`."""
    pairs = tuple(f"{name}={value}" for name, value in (env or {}).items())
    return (str(len(pairs)), *pairs, *argv)


async def identity_of(script: Script, argv: Sequence[str], name: str) -> Identity | bytes:
    """Return which process it is; what the shell says on stderr where it did not come so far.

    RequorumError where there is no such program, Unreachable where the connection was cut.
    """
    process = script.process
    said = await process.stdout.readline()
    if said.strip() == _ABSENT:
        raise RequorumError(f"{argv[0]} is not a program that can be run on {name}")
    if said:
        pid, began = said.decode().split()
        return Identity(int(pid), began)
    err = await process.stderr.read()
    await process.wait_closed()
    if process.returncode is None:
        raise cut(name)
    return err


def returncode_of(status: bytes) -> int:
    """Return the exit status that the shell tells; negative: the signal that ended the program."""
    number = int(status)
    return 128 - number if number in _SIGNALLED else number


async def make_gone(questions: Questions, identity: Identity) -> None:
    """Kill it, where it still is there, and wait; DeadlineExceeded when it does not go."""
    answer = await questions.ask(
        _MAKE_GONE, str(identity.pid), identity.began, deadline=2 * KILL_SECONDS
    )
    if answer.status != 0:
        raise DeadlineExceeded(
            f"process {identity.pid} on {questions.connection.name} did not end within "
            f"{KILL_SECONDS:g} s of SIGKILL"
        )
