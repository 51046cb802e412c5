"""What the command line names: databases and logs, wherever they lie in a data directory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from posixpath import join

from requorum.app.files.wal_files import WalFiles
from requorum.errors import Refused, UsageError
from requorum.formats.snap import parse_snap_db_name
from requorum.formats.wal import parse_segment_name
from requorum.ports.host import Host

_SNAP_DIRS = ("member/snap", "snap", "")
_WAL_DIRS = ("member/wal", "wal", "")
_HINT = (
    "Name db files, snapshot files, or the directories that etcd has as --data-dir; "
    "--wal takes the directory of a log."
)


@dataclass(frozen=True, slots=True)
class NamedDatabase:
    """A database file; `name` is as it is shown."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class NamedLog:
    """The segments of a log."""

    name: str
    files: WalFiles


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that is to be read.

    `empty` are directories that hold nothing of it, `without_log` those of members without one.
    """

    databases: tuple[NamedDatabase, ...]
    logs: tuple[NamedLog, ...]
    empty: tuple[str, ...]
    without_log: tuple[str, ...]


async def find_inputs(host: Host, paths: Sequence[str], wal_dirs: Sequence[str]) -> Inputs:
    """Return what was named, each file once.

    Raises UsageError for what does not exist, Refused where an etcd runs on any of it.
    """
    databases: dict[str, NamedDatabase] = {}
    logs: dict[str, NamedLog] = {}
    empty: list[str] = []
    without_log: list[str] = []
    for path in paths:
        found = await _kind(host, path)
        if found == "file":
            real = await host.real_path(path)
            databases.setdefault(real, NamedDatabase(path, real))
            continue
        inside = [d async for d in _databases_in(host, path)]
        log = await _log_in(host, path)
        databases |= {d.path: d for d in inside if d.path not in databases}
        if log is not None:
            logs.setdefault(log.files.path, log)
        else:
            (without_log if inside else empty).append(path)
    for path in wal_dirs:
        log = await _log_in(host, path) if await _kind(host, path) == "dir" else None
        if log is None:
            raise UsageError(f"there is no WAL in {path}", hint=_HINT)
        logs.setdefault(log.files.path, log)
    # A log that lies elsewhere may be that of a directory without one.
    unexplained = without_log[len(wal_dirs) :]
    inputs = Inputs(
        tuple(databases.values()), tuple(logs.values()), tuple(empty), tuple(unexplained)
    )
    await _refuse_running(host, inputs)
    return inputs


async def _kind(host: Host, path: str) -> str:
    found = await host.stat(path)
    if found is None:
        raise UsageError(f"there is no file or directory {path}", hint=_HINT)
    if found.kind == "other":
        raise UsageError(f"{path} is neither a file nor a directory", hint=_HINT)
    return found.kind


async def _databases_in(host: Host, path: str) -> AsyncIterator[NamedDatabase]:
    """Yield the db of a data directory, and whole databases that a leader had sent."""
    directory = await host.real_path(path)
    for inside in _SNAP_DIRS:
        folder = join(directory, inside) if inside else directory
        for name in await _names(host, folder):
            if name == "db" or parse_snap_db_name(name) is not None:
                shown = join(path, inside, name) if inside else join(path, name)
                yield NamedDatabase(path if name == "db" else shown, join(folder, name))


async def _log_in(host: Host, path: str) -> NamedLog | None:
    directory = await host.real_path(path)
    for inside in _WAL_DIRS:
        folder = join(directory, inside) if inside else directory
        names = tuple(n for n in await _names(host, folder) if parse_segment_name(n))
        if names:
            return NamedLog(path, WalFiles(folder, names))
    return None


async def _names(host: Host, folder: str) -> Iterator[str]:
    found = await host.stat(folder)
    if found is None or found.kind != "dir":
        return iter(())
    return iter(await host.list_dir(folder) or ())


async def _refuse_running(host: Host, inputs: Inputs) -> None:
    segments = ((n.name, join(n.files.path, n.files.names[-1])) for n in inputs.logs)
    for name, path in (*((d.name, d.path) for d in inputs.databases), *segments):
        if await host.in_use(path):
            raise Refused(
                f"etcd runs on {name}: what it is writing now cannot be read in one piece",
                hint="Stop that member first, or salvage a copy that `etcdctl snapshot save` made.",
            )
