"""A whole data directory, read without changing anything in it: every file, every record."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from posixpath import join

from requorum.errors import DamagedInput
from requorum.facts.data_dir import SEGMENT_READ_MAX
from requorum.formats.snap import parse_snap_db_name, read_snap
from requorum.formats.source import Head, Source
from requorum.formats.wal import parse_segment_name
from requorum.inspection.boot.database_facts import DatabaseFacts, examine
from requorum.inspection.boot.directory import Directory, LogFacts, SnapFile
from requorum.inspection.boot.whole_log import read_whole_log
from requorum.inspection.leftovers import Folder, leftover
from requorum.ports.host import Disk, FileStat, Host

Say = Callable[[str], None]
"""Is told what is being read, for who waits."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a data directory lies, and its WAL if that lies elsewhere."""

    data_dir: str
    wal_dir: str

    @classmethod
    def of(cls, data_dir: str, wal_dir: str | None) -> "Place":
        """Return the place that etcd's flags --data-dir and --wal-dir mean."""
        return cls(data_dir, wal_dir or join(data_dir, "member", "wal"))

    @property
    def member_dir(self) -> str:
        """Return the directory that holds all the rest."""
        return join(self.data_dir, "member")

    @property
    def snap_dir(self) -> str:
        """Return where snapshots and the database lie."""
        return join(self.member_dir, "snap")

    @property
    def database(self) -> str:
        """Return the database's path."""
        return join(self.snap_dir, "db")

    @property
    def folders(self) -> tuple[tuple[Folder, str], ...]:
        """Return the directories that belong to the member."""
        return (
            (Folder.DATA, self.data_dir),
            (Folder.MEMBER, self.member_dir),
            (Folder.SNAP, self.snap_dir),
            (Folder.WAL, self.wal_dir),
        )


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file or directory of the member. `leftover` says what it is, None for its data."""

    folder: Folder
    path: str
    name: str
    stat: FileStat
    leftover: str | None


@dataclass(frozen=True, slots=True)
class WholeDir:
    """All that one look at a data directory tells. `disk` is that of the data directory."""

    place: Place
    directory: Directory
    files: tuple[FoundFile, ...]
    disk: Disk


async def read_whole_dir(host: Host, place: Place, say: Say) -> WholeDir:
    """Read everything. NotPermitted where we lack the rights: whoever has them finds the data."""
    files = await _files(host, place)
    names = {folder: _names(files, folder) for folder in Folder}
    in_use = await _in_use(host, files)
    log = await _log(host, place.wal_dir, names[Folder.WAL], say)
    directory = Directory(
        log=log,
        database=await _database(host, place, files, say),
        snaps=await _snaps(host, place, names[Folder.SNAP]),
        snap_dbs=await _snap_dbs(host, place, names[Folder.SNAP], say),
        litter=tuple(n for n in names[Folder.SNAP] if n.startswith(("tmp", "db.tmp"))),
        has_member="member" in names[Folder.DATA],
        has_proxy="proxy" in names[Folder.DATA],
        in_use=in_use,
    )
    return WholeDir(place, directory, files, await host.disk(place.data_dir))


async def _files(host: Host, place: Place) -> tuple[FoundFile, ...]:
    found = []
    for folder, path in place.folders:
        for name in await host.list_dir(path) or ():
            stat = await host.stat(join(path, name))
            if stat is not None:
                what = leftover(folder, name)
                found.append(FoundFile(folder, join(path, name), name, stat, what))
    return tuple(found)


def _names(files: Sequence[FoundFile], folder: Folder) -> tuple[str, ...]:
    """Return the names in a folder; what is no directory, but in the data directory itself."""
    anything = folder in (Folder.DATA, Folder.MEMBER)
    return tuple(
        f.name for f in files if f.folder is folder and (anything or f.stat.kind == "file")
    )


async def _in_use(host: Host, files: Sequence[FoundFile]) -> bool:
    """Return whether a process holds the database or the newest segment."""
    databases = [f.path for f in files if f.folder is Folder.SNAP and f.name == "db"]
    segments = [f.path for f in files if f.folder is Folder.WAL and parse_segment_name(f.name)]
    for path in (*databases, *sorted(segments)[-1:]):
        if await host.in_use(path):
            return True
    return False


async def _log(host: Host, wal_dir: str, names: Sequence[str], say: Say) -> LogFacts:
    segments = [name for name in names if parse_segment_name(name)]
    misnamed = tuple(n for n in names if n.endswith(".wal") and not parse_segment_name(n))
    async with AsyncExitStack() as stack:
        sources: list[tuple[str, Source]] = []
        for name in sorted(segments):
            source = await stack.enter_async_context(host.open(join(wal_dir, name)))
            sources.append((name, Head(source, SEGMENT_READ_MAX)))
        say(f"reading {len(sources)} segments of the log")
        return await asyncio.to_thread(read_whole_log, sources, misnamed=misnamed)


async def _database(
    host: Host, place: Place, files: Sequence[FoundFile], say: Say
) -> DatabaseFacts | None:
    there = any(f.folder is Folder.SNAP and f.name == "db" for f in files)
    return await _examined(host, place.database, say) if there else None


async def _snap_dbs(
    host: Host, place: Place, names: Sequence[str], say: Say
) -> dict[int, DatabaseFacts]:
    found = {}
    for name in names:
        index = parse_snap_db_name(name)
        if index is not None:
            found[index] = await _examined(host, join(place.snap_dir, name), say)
    return found


async def _examined(host: Host, path: str, say: Say) -> DatabaseFacts:
    say(f"checking {path}")
    async with host.open(path) as source:
        return await asyncio.to_thread(examine, source)


async def _snaps(host: Host, place: Place, names: Sequence[str]) -> tuple[SnapFile, ...]:
    return tuple(
        [
            await _snap(host, join(place.snap_dir, name), name)
            for name in names
            if name.endswith(".snap")
        ]
    )


async def _snap(host: Host, path: str, name: str) -> SnapFile:
    async with host.open(path) as source:
        try:
            return SnapFile(name, source.size, await asyncio.to_thread(read_snap, source), None)
        except DamagedInput as error:
            return SnapFile(name, source.size, None, error.message)
