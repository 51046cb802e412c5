"""Where a database lies, as it is named on the command line.

A place is a snapshot file, a db file, or a data directory, whose db is meant then. Only places of
this machine are known yet: this is where `HOST:PATH` and `s3://…` become another `Host`, or
another way to open a `Source`, and nothing that reads a place has to change for it.
"""

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from posixpath import join

from requorum.errors import UsageError
from requorum.formats.source import Source
from requorum.ports.host import Host

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ON_A_HOST = re.compile(r"(?:[^/:\s]+@)?[A-Za-z0-9][A-Za-z0-9._-]*:[^/]?.*")
_WHERE_A_DB_LIES = ("member/snap/db", "snap/db", "db")


@dataclass(frozen=True, slots=True)
class Place:
    """A database's place. `name` is what the operator wrote.

    `path` is the file on `host`; `member_dir` is the `member` directory around it, None for a
    file that was named itself.
    """

    name: str
    host: Host
    path: str
    member_dir: str | None = None

    def open(self) -> AbstractAsyncContextManager[Source]:
        """Open the file for random reading."""
        return self.host.open(self.path)

    @property
    def wal_dir(self) -> str | None:
        """Return where this member's WAL lies, if it lies in its data directory."""
        return None if self.member_dir is None else join(self.member_dir, "wal")


async def find_place(name: str, host: Host) -> Place:
    """Return the place that `name` means; UsageError where there is none, or none we can reach."""
    found = await host.stat(name)
    if found is None:
        raise _not_found(name)
    if found.kind == "dir":
        return await _in_directory(name, host)
    if found.kind != "file":
        raise UsageError(f"{name} is neither a file nor a directory")
    return Place(name, host, await host.real_path(name))


async def _in_directory(name: str, host: Host) -> Place:
    directory = await host.real_path(name)
    for inside in _WHERE_A_DB_LIES:
        path = join(directory, inside)
        found = await host.stat(path)
        if found is not None and found.kind == "file":
            member_dir = path.removesuffix("/snap/db") if path.endswith("/snap/db") else None
            return Place(name, host, path, member_dir)
    raise UsageError(
        f"there is no member/snap/db in {name}",
        hint="Name a snapshot file, a db file, or the directory that etcd has as --data-dir.",
    )


def _not_found(name: str) -> UsageError:
    if _SCHEME.match(name):
        return UsageError(
            f"{name} lies in a store, and stores are not read yet",
            hint="Copy the file to this machine and name the copy.",
        )
    if _ON_A_HOST.fullmatch(name):
        return UsageError(
            f"there is no file {name} here, and files of other hosts are not read yet",
            hint="Copy the file to this machine and name the copy.",
        )
    return UsageError(
        f"there is no file or directory {name}",
        hint="Name a snapshot file, a db file, or the directory that etcd has as --data-dir.",
    )
