"""Where the new file must not lie: among the files that it is made of."""

from collections.abc import AsyncIterator, Sequence
from posixpath import basename, dirname, join

from requorum.app.salvage.inputs import Inputs
from requorum.errors import Refused
from requorum.ports.host import Host

_DIRECTORIES_INSIDE = ("", "member", "member/snap", "member/wal", "snap", "wal")


async def refuse_among_inputs(
    host: Host, output: str, named: Sequence[str], inputs: Inputs
) -> None:
    """Raise Refused where the output would lie in a directory that is etcd's, links followed.

    `named` are the files and directories that the command line names.
    """
    folder = await host.real_path(dirname(output) or ".")
    async for directory in _directories(host, named, inputs):
        if (folder + "/").startswith(directory.rstrip("/") + "/"):
            raise Refused(
                f"{output} would lie in {directory}, among the files that are read: "
                "etcd could take it for its own, and the next salvage for a part of the old data",
                hint="Name a file in a directory that is not etcd's.",
            )


async def _directories(host: Host, named: Sequence[str], inputs: Inputs) -> AsyncIterator[str]:
    """Yield what was named and what lies in it, which may be links to other disks."""
    for path in named:
        for inside in _DIRECTORIES_INSIDE:
            directory = await host.real_path(join(path, inside) if inside else path)
            found = await host.stat(directory)
            if found is not None and found.kind == "dir":
                yield directory
    for log in inputs.logs:
        yield await host.real_path(log.files.path)
    for database in inputs.databases:
        data_dir = _data_dir_around(database.path)
        if data_dir is not None:
            yield data_dir


def _data_dir_around(path: str) -> str | None:
    """Return the data directory of a database that was named itself, None for a mere copy."""
    snap_dir = dirname(path)
    member_dir = dirname(snap_dir)
    if (basename(member_dir), basename(snap_dir)) != ("member", "snap"):
        return None
    return dirname(member_dir)
