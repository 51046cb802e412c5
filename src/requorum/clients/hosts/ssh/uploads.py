"""Files that are written to a host: beside their place, and put there only when they are whole."""

import asyncio
import base64
import errno
import secrets
from collections.abc import AsyncIterator, Callable
from posixpath import basename, dirname

import asyncssh

from requorum.clients.hosts.ssh.file_answers import complaint, error_number
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_shell import RemoteShell, Script
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.clients.hosts.stream_check import StreamCheck
from requorum.errors import DeadlineExceeded, Refused, RequorumError

OnBytes = Callable[[int], None]
"""Is told how many bytes have been sent since it was last told."""

_STALL_SECONDS = 60.0
_SYNC_SECONDS = 600.0

# A host that cannot hear us any more waits no longer than the slowest network would need.
_SLOWEST_BYTES_A_SECOND = 100_000

_CHUNK = 256 << 10
_AT_ONCE = 48 << 10

# Takes exactly `size` bytes, and then a line: without it the data is not ours to publish, be it
# that its digest is wrong or that the connection was cut.
_TAKE = """
export LC_ALL=C
path=$1 beside=$2 mode=$3 size=$4 limit=$5 how=$6
fail() { rm -f -- "$beside"; exit 1; }
if [ ! -L "$path" ] && [ -d "$path" ]; then echo ": Is a directory" >&2; exit 1; fi
if [ "$how" = -n ] && { [ -e "$path" ] || [ -L "$path" ]; }; then
  echo ": File exists" >&2; exit 1
fi
umask 077
dd if=/dev/null of="$beside" conv=excl status=none || exit 1
chmod "$mode" -- "$beside" || fail
timeout "$limit" head -c "$size" >>"$beside" || fail
[ "$(stat -c %s -- "$beside")" = "$size" ] || fail
sync -- "$beside" || fail
read -r word || fail
mv "$how" -T -- "$beside" "$path" || fail
if [ -e "$beside" ]; then echo ": File exists" >&2; fail; fi
sync -- "${path%/*}/" && echo done
"""

# The data is in the script itself, so that all of it is there or nothing is written.
_WRITE_AT = """
printf %s "$3" | base64 -d | dd of="$1" oflag=seek_bytes seek="$2" bs=65536 iflag=fullblock \
  conv=notrunc,nocreat,fsync status=none
"""


async def write_new(shell: RemoteShell, path: str, data: bytes, mode: int) -> None:
    """Write a whole file beside `path`, fsync it, rename it to `path`, fsync the folder."""
    await _Upload(shell, path, len(data), mode, how="-f").send(_pieces(data), None, None)


async def write_stream(
    shell: RemoteShell,
    path: str,
    chunks: AsyncIterator[bytes],
    *,
    size: int,
    sha256: str,
    mode: int,
    on_bytes: OnBytes | None,
) -> None:
    """Write a new file of that size and digest, durably.

    Refused where something is there, DamagedInput where the chunks are not what was asked for;
    nothing is left of it then. DeadlineExceeded where nothing moves for a minute.
    """
    await _Upload(shell, path, size, mode, how="-n").send(chunks, sha256, on_bytes)


async def write_at(questions: Questions, path: str, offset: int, data: bytes) -> None:
    """Write into an existing file, then fsync it."""
    for start in range(0, len(data), _AT_ONCE):
        text = base64.b64encode(data[start : start + _AT_ONCE]).decode()
        place = str(offset + start)
        answer = await questions.ask(_WRITE_AT, path, place, text, deadline=_SYNC_SECONDS)
        if answer.status != 0:
            raise complaint(path, answer.err)


class _Upload:
    def __init__(self, shell: RemoteShell, path: str, size: int, mode: int, *, how: str) -> None:
        self._shell = shell
        self._path = path
        self._size = size
        beside = f"{dirname(path)}/.{basename(path)}.{secrets.token_hex(4)}.tmp"
        limit = f"{_STALL_SECONDS + size / _SLOWEST_BYTES_A_SECOND:.0f}"
        self._arguments = (path, beside, f"{mode:o}", str(size), limit, how)

    async def send(
        self, chunks: AsyncIterator[bytes], sha256: str | None, on_bytes: OnBytes | None
    ) -> None:
        check = StreamCheck(self._path, size=self._size, sha256=sha256)
        async with self._shell.script(_TAKE, *self._arguments) as script:
            if await self._send_all(script, chunks, check, on_bytes):
                check.finish()
                await self._write(script, b"\n")
            await self._await_done(script)

    async def _send_all(
        self,
        script: Script,
        chunks: AsyncIterator[bytes],
        check: StreamCheck,
        on_bytes: OnBytes | None,
    ) -> bool:
        """Return whether the host took it all: where it did not, it says why."""
        async for chunk in chunks:
            check.add(chunk)
            if not await self._write(script, chunk):
                return False
            if on_bytes is not None:
                on_bytes(len(chunk))
        return True

    async def _write(self, script: Script, data: bytes) -> bool:
        stdin = script.process.stdin
        try:
            async with asyncio.timeout(_STALL_SECONDS):
                for start in range(0, len(data), _CHUNK):
                    stdin.write(data[start : start + _CHUNK])
                    await stdin.drain()
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{self._shell.connection.name} took nothing of {self._path} for "
                f"{_STALL_SECONDS:g} s"
            ) from error
        except (asyncssh.Error, OSError):
            return False
        return True

    async def _await_done(self, script: Script) -> None:
        process, name = script.process, self._shell.connection.name
        try:
            async with asyncio.timeout(_SYNC_SECONDS):
                with ssh_errors(name):
                    out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
                    await process.wait_closed()
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{self._path}: {name} did not answer within {_SYNC_SECONDS:g} s"
            ) from error
        if process.returncode is None:
            raise cut(name)
        if out != b"done\n":
            raise self._error(err)

    def _error(self, err: bytes) -> RequorumError:
        if error_number(err) == errno.EEXIST:
            return Refused(f"{self._path} exists by now; it was not replaced")
        return complaint(self._path, err)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data
