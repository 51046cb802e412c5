"""A file that should be a database: found, opened, and refused where it is something else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from posixpath import basename

from requorum.app.files.foreign_refusal import UNFINISHED, refuse_foreign
from requorum.app.files.places import Place, find_place
from requorum.errors import UsageError
from requorum.formats.snap import parse_snap_name
from requorum.formats.source import Source
from requorum.ports.host import Host


@asynccontextmanager
async def database_file(name: str, host: Host) -> AsyncIterator[tuple[Place, Source]]:
    """Open a file for reading, or the db of the data directory that is named.

    Raises UsageError where there is no such file, and DamagedInput, with what to do, where the
    file is empty, compressed, a text, or something else that is no database.
    """
    place = await find_place(name, host)
    if parse_snap_name(basename(place.path)) is not None:
        raise UsageError(
            f"{name} is Raft's snapshot of the members, not the database",
            hint="The database lies beside it and is named db.",
        )
    async with place.open() as source:
        await asyncio.to_thread(refuse_foreign, name, source)
        yield place, source


async def warnings_of(place: Place, size: int) -> tuple[str, ...]:
    """Return what an operator should know before believing what is read of the file."""
    found = []
    if await place.host.in_use(place.path):
        found.append(
            f"{place.name} is locked by a running process, as etcd locks it: pages that change "
            "while they are read may look damaged. `etcdctl snapshot save` makes a file that "
            "stands still"
        )
    if place.name.endswith(UNFINISHED):
        found.append(
            f"{place.name} was not finished: `etcdctl snapshot save` renames the file once it is "
            f"whole. It has {size} bytes"
        )
    return tuple(found)
