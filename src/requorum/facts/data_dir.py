"""One member's data directory, read without changing anything in it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from posixpath import join

from requorum.domain.cluster import MemberSpec
from requorum.domain.ids import ClusterId, MemberId
from requorum.errors import DamagedInput, NotPermitted, RequorumError
from requorum.formats.backend import BackendState
from requorum.formats.snap import Snap, read_snap
from requorum.formats.source import Head
from requorum.formats.wal import parse_segment_name, read_segment
from requorum.inspection.completed_log import CompletedLog
from requorum.inspection.database import (
    compare_with_log,
    content_hash,
    examine_database,
    read_etcd_backend,
)
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.member_log import MemberLog, SegmentFile, read_member_log
from requorum.ports.host import FileStat, Host

SEGMENT_READ_MAX = 1 << 28
"""Bytes read of one WAL segment. etcd cuts them at 64 MB; what is longer was made by no etcd."""

Stamps = Mapping[str, tuple[int, int]]
"""Path -> (size in bytes, mtime in ns) of every file that tells something."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a member keeps what. Source: etcd server/storage/datadir."""

    data_dir: str
    wal_dir: str
    snap_dir: str
    database: str

    @classmethod
    def of(cls, member: MemberSpec) -> "Paths":
        """Return the paths that etcd uses for this member's flags."""
        inside = join(member.data_dir, "member")
        snap_dir = join(inside, "snap")
        return cls(
            data_dir=member.data_dir,
            wal_dir=member.wal_dir or join(inside, "wal"),
            snap_dir=snap_dir,
            database=join(snap_dir, "db"),
        )


async def read_state_files(host: Host, member: MemberSpec) -> MemberEvidence:
    """Read the database and the snapshots, not yet the log. Damage becomes evidence.

    So does a disk that fails. NotPermitted where we lack the rights: whoever has them would find
    the data.
    """
    try:
        return await _state_files(host, member)
    except NotPermitted:
        raise
    except RequorumError as error:
        return MemberEvidence(name=member.name, unreadable=error.message)


async def _state_files(host: Host, member: MemberSpec) -> MemberEvidence:
    paths = Paths.of(member)
    snaps, snap_damages = await _snaps(host, paths.snap_dir)
    return MemberEvidence(
        name=member.name,
        in_use=await is_in_use(host, member),
        database=await _database(host, paths.database),
        snaps=snaps,
        snap_damages=snap_damages,
    )


async def with_log(
    host: Host, member: MemberSpec, evidence: MemberEvidence, *, needed_from: int
) -> MemberEvidence:
    """Add the log to what `read_state_files` found, from the segment with that index on."""
    if evidence.unreadable is not None:
        return evidence
    try:
        log = await _log(host, Paths.of(member).wal_dir, needed_from=needed_from)
    except NotPermitted:
        raise
    except RequorumError as error:
        return replace(evidence, unreadable=error.message)
    return replace(evidence, log=log)


async def _database(host: Host, path: str) -> DatabaseEvidence | None:
    stat = await host.stat(path)
    if stat is None or stat.kind != "file":
        return None
    async with host.open(path) as source:
        return await asyncio.to_thread(examine_database, source)


async def _snaps(host: Host, folder: str) -> tuple[tuple[Snap, ...], tuple[str, ...]]:
    found: list[Snap] = []
    damages: list[str] = []
    for name in await host.list_dir(folder) or ():
        if not name.endswith(".snap"):
            continue
        try:
            async with host.open(join(folder, name)) as source:
                found.append(await asyncio.to_thread(read_snap, source))
        except DamagedInput as error:
            damages.append(f"{name}: {error.message}")
    return tuple(found), tuple(damages)


async def _log(host: Host, folder: str, *, needed_from: int) -> MemberLog | None:
    names = [n for n in await host.list_dir(folder) or () if parse_segment_name(n)]
    if not names:
        return None
    wanted = _segments_from(sorted(names), needed_from)
    read = [await _segment(host, folder, name, last=name == wanted[-1]) for name in wanted]
    return await asyncio.to_thread(read_member_log, read)


def _segments_from(names: list[str], index: int) -> list[str]:
    """Return the segments that hold `index` and what follows it. A name says its first index."""
    first = 0
    for place, name in enumerate(names):
        parsed = parse_segment_name(name)
        if parsed is not None and parsed[1] <= index:
            first = place
    return names[first:]


async def has_data(host: Host, member: MemberSpec) -> bool:
    """Return whether the member still has a database or a WAL."""
    paths = Paths.of(member)
    return bool(await host.stat(paths.database) or await host.list_dir(paths.wal_dir))


async def read_log(host: Host, member: MemberSpec, *, needed_from: int) -> MemberLog | None:
    """Read only the log, from the segment that holds index `needed_from` on."""
    return await _log(host, Paths.of(member).wal_dir, needed_from=needed_from)


async def read_wal(host: Host, wal_dir: str, *, needed_from: int) -> MemberLog | None:
    """Read the log in a directory, from the segment that holds `needed_from` on; None if none."""
    return await _log(host, wal_dir, needed_from=needed_from)


async def read_state(host: Host, path: str) -> BackendState:
    """Read what a database says of itself, without checking its pages: kilobytes."""
    async with host.open(path) as source:
        return await asyncio.to_thread(read_etcd_backend, source)


async def read_identity(host: Host, wal_dir: str) -> tuple[MemberId, ClusterId]:
    """Return the (member, cluster) that a WAL belongs to; DamagedInput where none is named."""
    log = await _log(host, wal_dir, needed_from=0)
    if log is None or log.metadata is None:
        raise DamagedInput(f"the WAL in {wal_dir} names no member")
    return MemberId(log.metadata.node_id), ClusterId(log.metadata.cluster_id)


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where a log can be continued: the file, the byte, the chain's crc; its last entry."""

    path: str
    offset: int
    running_crc: int
    index: int
    term: int


async def end_of_log(host: Host, wal_dir: str) -> LogEnd:
    """Return where an undamaged log ends; DamagedInput for a damaged one."""
    names = sorted(n for n in await host.list_dir(wal_dir) or () if parse_segment_name(n))
    if not names:
        raise DamagedInput(f"there is no WAL in {wal_dir}")
    last = await _segment(host, wal_dir, names[-1], last=True)
    log = await _log(host, wal_dir, needed_from=0)
    if log is None or log.damages or last.segment.last_crc is None:
        raise DamagedInput(f"the WAL in {wal_dir} is damaged")
    return LogEnd(
        path=join(wal_dir, names[-1]),
        offset=last.segment.end_offset,
        running_crc=last.segment.last_crc,
        index=log.last_index,
        term=log.last_term,
    )


async def _segment(host: Host, folder: str, name: str, *, last: bool) -> SegmentFile:
    parsed = parse_segment_name(name)
    sequence = parsed[0] if parsed else 0
    async with host.open(join(folder, name)) as source:
        head = Head(source, SEGMENT_READ_MAX)
        segment = await asyncio.to_thread(read_segment, head, last=last)
        return SegmentFile(name, sequence, source.size, segment)


async def is_in_use(host: Host, member: MemberSpec) -> bool:
    """Return whether a process holds the database or the newest WAL segment open."""
    paths = Paths.of(member)
    names = [n for n in await _names(host, paths.wal_dir) if n.endswith(".wal")]
    candidates = [paths.database, *(join(paths.wal_dir, n) for n in sorted(names)[-1:])]
    for path in candidates:
        stat = await _stat_if_readable(host, path)
        if stat is not None and stat.kind == "file" and await host.in_use(path):
            return True
    return False


async def hold_against_log(
    host: Host,
    member: MemberSpec,
    evidence: DatabaseEvidence,
    log: CompletedLog,
    *,
    at_most: int,
) -> DatabaseEvidence:
    """Return the evidence with the comparison of database and newest log entries added."""
    async with host.open(Paths.of(member).database) as source:
        return await asyncio.to_thread(compare_with_log, source, evidence, log, at_most=at_most)


async def hash_content(
    host: Host, member: MemberSpec, evidence: DatabaseEvidence, *, compact: int, revision: int
) -> DatabaseEvidence:
    """Return the evidence with the hash over its keys at one revision added."""
    async with host.open(Paths.of(member).database) as source:
        found = await asyncio.to_thread(
            content_hash, source, compact_revision=compact, revision=revision
        )
    return replace(evidence, content=found)


async def stamp(host: Host, member: MemberSpec) -> Stamps:
    """Return size and time of the files that a plan rests on; cheap, whatever their size."""
    paths = Paths.of(member)
    stamps: dict[str, tuple[int, int]] = {}
    for folder in (paths.snap_dir, paths.wal_dir):
        for name in await _names(host, folder):
            stat = await _stat_if_readable(host, join(folder, name))
            if stat is not None and stat.kind == "file":
                stamps[join(folder, name)] = (stat.size, stat.mtime_ns)
    return stamps


async def _names(host: Host, folder: str) -> tuple[str, ...]:
    """Return the names in a folder; none where it is missing, or no folder at all."""
    stat = await _stat_if_readable(host, folder)
    if stat is None or stat.kind != "dir":
        return ()
    return await host.list_dir(folder) or ()


async def _stat_if_readable(host: Host, path: str) -> FileStat | None:
    try:
        return await host.stat(path)
    except RequorumError:
        return None
