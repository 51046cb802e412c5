"""The use case behind `requorum inspect datadir`."""

from collections.abc import Callable
from posixpath import join

from requorum.app.inspect.datadir.findings import findings
from requorum.app.inspect.datadir.parts import (
    boot_result,
    database_result,
    leftover_results,
    log_result,
    member_result,
    replay_result,
    snap_results,
)
from requorum.app.inspect.datadir.results import DataDirResult, RankResult
from requorum.clients.hosts.local import LocalHost
from requorum.domain.ids import hex_id
from requorum.errors import DamagedInput, UsageError
from requorum.facts.rank import read_rank
from requorum.facts.whole_dir import Place, WholeDir, read_whole_dir
from requorum.inspection.boot.boot import predict
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.release import FIRST, LAST, MINORS, Release
from requorum.inspection.boot.written_by import written_by
from requorum.inspection.member_lists import MemberRow, compare_lists, membership_at
from requorum.ports.host import Host

Say = Callable[[str], None]


async def inspect_datadir(
    data_dir: str, *, wal_dir: str | None, etcd: str | None, say: Say
) -> DataDirResult:
    """Read a directory and predict a start. UsageError where there is none, DamagedInput where
    nothing in it can be read.
    """  # noqa: D205  # one sentence on what it raises
    release = Release.parse(etcd) if etcd is not None else None
    host = LocalHost()
    place = await _place(host, data_dir, wal_dir)
    whole = await read_whole_dir(host, place, say)
    _refuse_unreadable(whole)
    return _result(whole, release)


async def rank_datadir(data_dir: str, *, wal_dir: str | None) -> RankResult:
    """Read only what chooses a survivor: kilobytes of the database and the end of the log."""
    host = LocalHost()
    place = await _place(host, data_dir, wal_dir)
    found = await read_rank(host, place)
    if found.log is None and found.database is None:
        raise DamagedInput(f"{data_dir}: {'; '.join(found.problems)}")
    log, metadata = found.log, found.log.metadata if found.log is not None else None
    state = found.database
    return RankResult(
        data_dir=place.data_dir,
        member_id=hex_id(metadata.node_id) if metadata is not None else None,
        cluster_id=hex_id(metadata.cluster_id) if metadata is not None else None,
        term=log.last_term if log is not None else None,
        index=log.last_index if log is not None else None,
        commit=log.commit if log is not None else None,
        consistent_index=state.consistent_index if state is not None else None,
        revision=state.current_revision if state is not None else None,
        problems=found.problems,
    )


async def _place(host: Host, data_dir: str, wal_dir: str | None) -> Place:
    for path in (data_dir, wal_dir):
        stat = await host.stat(path) if path is not None else None
        if path is not None and (stat is None or stat.kind != "dir"):
            raise UsageError(
                f"there is no directory {path}",
                hint="Name what etcd has as --data-dir, and as --wal-dir if it has that flag.",
            )
    place = Place.of(data_dir, wal_dir)
    if await host.stat(place.member_dir) is None and await host.list_dir(join(data_dir, "snap")):
        raise UsageError(
            f"{data_dir} is the member directory, not the data directory",
            hint="Name the directory above it.",
        )
    return place


def _refuse_unreadable(whole: WholeDir) -> None:
    """Raise DamagedInput where there is data, and not one word of it can be read."""
    directory = whole.directory
    database = directory.database
    readable = (
        directory.empty
        or any(len(segment) for segment in directory.log.segments)
        or any(file.snap is not None for file in directory.snaps)
        or (database is not None and database.state is not None)
    )
    if not readable:
        raise DamagedInput(
            f"{whole.place.data_dir}: neither log, snapshots nor database can be read",
            hint="`requorum salvage` looks for records in the pages that are left.",
        )


def _result(whole: WholeDir, release: Release | None) -> DataDirResult:
    directory = whole.directory
    asked, because = _asked(directory, release)
    others = [m for m in MINORS if asked is None or m.minor != asked.minor]
    releases = [*([asked] if asked is not None else []), *others]
    predictions = [predict(directory, each) for each in releases]
    members = _members(directory)
    log, metadata = directory.log.log, directory.log.log.metadata
    own = next((row for row in members if metadata and row.id == metadata.node_id), None)
    rows = tuple(member_result(row, directory.member_id) for row in members)
    return DataDirResult(
        data_dir=whole.place.data_dir,
        asked=str(asked) if asked is not None else None,
        asked_because=because,
        boots=tuple(map(boot_result, predictions)),
        findings=findings(whole, members, asked),
        in_use=directory.in_use,
        member_id=hex_id(metadata.node_id) if metadata is not None else None,
        cluster_id=hex_id(metadata.cluster_id) if metadata is not None else None,
        name=next((r.name for r in rows if r.itself), None) if own is not None else None,
        members=rows,
        replay=replay_result(predictions[0]) if log.entries or log.snapshots else None,
        log=log_result(whole.place.wal_dir, directory.log),
        snaps=tuple(snap_results(directory)),
        snap_dbs=tuple(
            database_result(join(whole.place.snap_dir, f"{index:016x}.snap.db"), facts)
            for index, facts in sorted(directory.snap_dbs.items())
        ),
        database=database_result(whole.place.database, directory.database)
        if directory.database is not None
        else None,
        leftovers=tuple(leftover_results(whole)),
        size=sum(file.stat.size for file in whole.files if file.stat.kind == "file"),
        free=whole.disk.free,
    )


def _asked(directory: Directory, release: Release | None) -> tuple[Release | None, str | None]:
    """Return the release that the answer is about, and what named it, or why none is known."""
    if release is not None:
        return release, "--etcd names it"
    wrote = written_by(directory)
    if wrote is None:
        return None, None
    if not FIRST.minor <= wrote.minor <= LAST.minor:
        return None, f"{wrote.because}, of which nothing is known here"
    return Release(wrote.minor), wrote.because


def _members(directory: Directory) -> tuple[MemberRow, ...]:
    """Return both lists, as of the entry that the database stands at."""
    state = directory.database.state if directory.database is not None else None
    snaps = [file.snap for file in directory.snaps if file.snap is not None]
    if state is None:
        removed = {i for snap in snaps for i in snap.removed}
        return compare_lists(directory.membership, (), removed, both=False)
    removed = {*state.removed_members, *(i for snap in snaps for i in snap.removed)}
    known = membership_at(snaps, directory.log.log.entries, state.consistent_index)
    both = known is not None
    return compare_lists(known or directory.membership, state.members, removed, both=both)
