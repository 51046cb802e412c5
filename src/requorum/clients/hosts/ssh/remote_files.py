"""Files of a host, by the tools that each has. Every path is absolute.

Not over SFTP, where a protocol of 2001 rounds times to seconds, and tells neither devices nor
what a failure was: a full disk looks like a busy one.
"""

import os
from decimal import Decimal
from posixpath import dirname
from stat import S_IMODE, S_ISDIR, S_ISREG
from typing import Literal

from requorum.clients.hosts.ssh.file_answers import complaint, says_missing
from requorum.clients.hosts.ssh.questions import Answer, Questions
from requorum.ports.host import Disk, FileStat

_SECONDS = 60.0

# For what takes as long as a disk needs to write what it was given before.
_SYNC_SECONDS = 600.0

_STAT = """
stat -L --printf "%f %s %.9Y %u %g" -- "$1" || exit
if mountpoint -q -- "$1"; then printf " mount"; fi
"""
_LIST = 'exec find "$1/" -mindepth 1 -maxdepth 1 -printf "%f\\0"'
_DISK = """
path=$1
until [ -e "$path" ] || [ -L "$path" ] || [ -z "$path" ]; do path=${path%/*}; done
stat -L -c %d -- "${path:-/}" && stat -f -c "%S %f %a" -- "${path:-/}" && id -u
"""
_MAKE_DIRS = """
mode=$2
make() {
  [ -z "$1" ] || [ -d "$1" ] || { make "${1%/*}" && mkdir -p -m "$mode" -- "$1"; }
}
make "$1"
"""
_SYNC_TREE = """
exec timeout "$2" find -H "$1" \\( -type f -o -type d \\) -exec sync -- {} +
"""
_CHOWN_TREE = """
exec timeout "$4" find "$1" \\( ! -uid "$2" -o ! -gid "$3" \\) -exec chown -h "$2:$3" -- {} +
"""


async def stat(questions: Questions, path: str) -> FileStat | None:
    """Return what `path` is, None where nothing is. `mode` holds the permission bits."""
    answer = await questions.ask(_STAT, path, deadline=_SECONDS)
    if answer.status != 0:
        if says_missing(answer.err):
            return None
        raise complaint(path, answer.err)
    mode, size, mtime, uid, gid, *mount = answer.out.decode().split()
    bits = int(mode, 16)
    return FileStat(
        kind=_kind(bits),
        size=int(size),
        mtime_ns=int(Decimal(mtime).scaleb(9)),
        mode=S_IMODE(bits),
        uid=int(uid),
        gid=int(gid),
        is_mount_point=bool(mount),
    )


async def real_path(questions: Questions, path: str) -> str:
    """Return the path with every symbolic link followed; what does not exist stays as it is."""
    answer = await _ask(questions, path, 'exec realpath -mz -- "$1"', path)
    return os.fsdecode(answer.out.rstrip(b"\0"))


async def list_dir(questions: Questions, path: str) -> tuple[str, ...] | None:
    """Return the sorted names in the directory, None where nothing is."""
    answer = await questions.ask(_LIST, path, deadline=_SECONDS)
    if answer.status == 0:
        return tuple(sorted(os.fsdecode(name) for name in answer.out.split(b"\0")[:-1]))
    if says_missing(answer.err) and await stat(questions, path) is None:
        return None
    raise complaint(path, answer.err)


async def disk(questions: Questions, path: str) -> Disk:
    """Return its file system; root may also use the blocks that are reserved for it."""
    answer = await _ask(questions, path, _DISK, path)
    device, block_size, free, available, uid = (int(word) for word in answer.out.split())
    return Disk(filesystem=f"{device:x}", free=block_size * (free if uid == 0 else available))


async def make_dirs(questions: Questions, path: str, mode: int) -> None:
    """Create the directory and its missing parents, all with `mode`."""
    await _ask(questions, path, _MAKE_DIRS, path, f"{mode:o}")


async def sync_parents(questions: Questions, *paths: str) -> None:
    """Make the names of the paths durable."""
    for parent in dict.fromkeys(dirname(path) for path in paths):
        await _ask(questions, parent, 'exec sync -- "$1"', parent, deadline=_SYNC_SECONDS)


async def sync_tree(questions: Questions, path: str) -> None:
    """Sync `path` and every file and directory below it; links are not followed."""
    limit = f"{_SYNC_SECONDS:.0f}"
    await _ask(questions, path, _SYNC_TREE, path, limit, deadline=_SYNC_SECONDS)


async def chown_tree(questions: Questions, path: str, uid: int, gid: int) -> None:
    """Give `path` and all below it to that owner; links themselves, not what they lead to."""
    arguments = (path, str(uid), str(gid), f"{_SYNC_SECONDS:.0f}")
    await _ask(questions, path, _CHOWN_TREE, *arguments, deadline=_SYNC_SECONDS)


async def sha256(questions: Questions, path: str, deadline: float) -> str:
    """Return the SHA-256 of a file in hex."""
    script = 'exec timeout "$2" sha256sum -- "$1"'
    answer = await _ask(questions, path, script, path, f"{deadline:.3f}", deadline=deadline)
    # A backslash goes before the digest of a file whose name has an odd character.
    return answer.out.decode(errors="replace").removeprefix("\\")[:64]


async def read_text(questions: Questions, path: str) -> str:
    """Return what a small file holds, such as those of /proc, which have no size."""
    answer = await _ask(questions, path, 'exec cat -- "$1"', path)
    return answer.out.decode("utf-8", "surrogateescape")


async def _ask(
    questions: Questions, path: str, script: str, *arguments: str, deadline: float = _SECONDS
) -> Answer:
    answer = await questions.ask(script, *arguments, deadline=deadline)
    if answer.status != 0:
        raise complaint(path, answer.err)
    return answer


def _kind(mode: int) -> Literal["file", "dir", "other"]:
    if S_ISREG(mode):
        return "file"
    return "dir" if S_ISDIR(mode) else "other"
