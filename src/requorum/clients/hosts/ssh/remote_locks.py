"""Locks on files of a host: whether etcd holds one, and our own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncssh

from requorum.clients.hosts.ssh.connection import Connection
from requorum.clients.hosts.ssh.file_answers import complaint
from requorum.clients.hosts.ssh.lock_table import device_of_mount, is_listed, lists_of
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.clients.hosts.ssh.watched import UNTIL_SILENT, end, signs_of_life
from requorum.errors import DeadlineExceeded, Locked, Unreachable

_SECONDS = 60.0

# The lists come last: a shell has no words for an open-file-description lock, which etcd takes on
# its WAL. The flock of its db can be asked for, by taking a shared one for a moment.
_IN_USE = """
stat -L -c "%d %i" -- "$1" || exit 1
[ -f "$1" ] || exit 0
head -c 0 -- "$1" || exit 1
exec 9<"$1"
if flock -n -s 9; then echo free; else echo held; fi
sed -n "s/^mnt_id:[^0-9]*//p" /proc/self/fdinfo/9
exec 9<&-
cat /proc/locks || exit 1
echo --
cat /proc/self/mountinfo
"""

# The lock is the open file's: whatever may outlive this shell must not have it.
_LOCK = f"""
export LC_ALL=C
path=$1 holder=$2 tries=0
umask 077
same() {{
  [ "$(stat -L -c %d:%i /proc/self/fd/9)" = "$(stat -c %d:%i -- "$path" 2>/dev/null)" ]
}}
until [ "$tries" -eq 100 ]; do
  if [ -L "$path" ]; then echo ": Too many levels of symbolic links" >&2; exit 1; fi
  touch -- "$path" || exit 1
  exec 9<>"$path"
  if ! flock -n 9; then echo locked; head -c 4096 <&9; exit 0; fi
  if same; then break; fi
  exec 9>&-
  tries=$((tries + 1))
done
if [ "$tries" -eq 100 ]; then echo "$path is taken and given back all the time" >&2; exit 1; fi
printf %s "$holder" | dd of="$path" conv=fsync status=none || exit 1
echo held
{UNTIL_SILENT}
if same; then rm -f -- "$path"; fi
"""


async def in_use(questions: Questions, path: str) -> bool:
    """Return whether a process holds a lock on that file; NotPermitted where we may not look."""
    answer = await questions.ask(_IN_USE, path, deadline=_SECONDS)
    if answer.status != 0:
        raise complaint(path, answer.err)
    file, *rest = answer.out.decode(errors="replace").split("\n", 3)
    if len(rest) < 3:
        return False  # no regular file: nobody locks those
    flocked, mount_id, lists = rest
    locks, mountinfo = lists_of(lists)
    device, inode = (int(word) for word in file.split())
    of_mount = device_of_mount(mountinfo, int(mount_id))
    devices = {(os.major(device), os.minor(device)), *(() if of_mount is None else (of_mount,))}
    return flocked == "held" or is_listed(locks, frozenset(devices), inode)


@asynccontextmanager
async def lock(shell: RemoteShell, path: str, holder: str) -> AsyncIterator[None]:
    """Hold an exclusive flock on the file `path`; Locked names who else holds it.

    The host gives it back when it has not heard of us for 30 s. Where we notice that first, every
    further call to the host is refused: somebody else may work there by then. Unreachable at the
    end where the lock was lost meanwhile.
    """
    name = shell.connection.name
    async with shell.script(_LOCK, path, holder, stays=True) as script:
        async with signs_of_life(script.process):
            await _acquire(script, name, path)
            watch = asyncio.create_task(_fence_when_lost(shell.connection, script, path))
            try:
                yield
            finally:
                lost = await _give_back(shell.connection, script, path, watch)
        if lost:
            raise Unreachable(_lost(name, path))


async def _give_back(
    connection: Connection, script: Script, path: str, watch: "asyncio.Task[None]"
) -> bool:
    """Return whether the lock had been lost by then."""
    lost = watch.done()
    watch.cancel()
    await asyncio.wait({watch})
    connection.unfence(path)
    return not await end(script.process) or lost


async def _acquire(script: Script, name: str, path: str) -> None:
    process = script.process
    try:
        async with asyncio.timeout(_SECONDS):
            with ssh_errors(name):
                said = await process.stdout.readline()
                if said == b"held\n":
                    return
                out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
                await process.wait_closed()
    except TimeoutError as error:
        raise DeadlineExceeded(f"{path}: {name} did not answer within {_SECONDS:g} s") from error
    if process.returncode is None:
        raise cut(name)
    raise _locked(name, path, out) if said == b"locked\n" else complaint(path, err)


async def _fence_when_lost(connection: Connection, script: Script, path: str) -> None:
    # It says nothing more until it ends, and that only when it was told to, or has lost us.
    with suppress(asyncssh.Error, OSError):
        await script.process.stdout.read()
    connection.fence(path, _lost(connection.name, path))


def _lost(name: str, path: str) -> str:
    return f"the lock {path} on {name} was lost with the connection"


def _locked(name: str, path: str, holder: bytes) -> Locked:
    # Empty for the moment between its lock and its first write.
    who = holder.decode(errors="replace").strip() or "another process"
    return Locked(
        f"{path} on {name} is locked by {who}",
        hint="Wait until it ends. The lock goes with its process, so never remove the file.",
    )
