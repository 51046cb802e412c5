"""What chooses a survivor, and nothing more: the end of a log, and where a database stands.

Reads kilobytes of the database, whatever its size, and of the log its last segment, or the one
before where that has no entry yet.
"""

import asyncio
from dataclasses import dataclass
from posixpath import join

from requorum.errors import DamagedInput
from requorum.facts.data_dir import SEGMENT_READ_MAX
from requorum.facts.whole_dir import Place
from requorum.formats.backend import BackendState
from requorum.formats.bbolt.meta import read_metas
from requorum.formats.source import Head, Source
from requorum.formats.wal import parse_segment_name, read_segment
from requorum.inspection.database import read_etcd_backend
from requorum.inspection.member_log import MemberLog, SegmentFile, read_member_log
from requorum.ports.host import Host


@dataclass(frozen=True, slots=True)
class Rank:
    """The end of the log and the database's state; `problems` say why one is None, or in doubt."""

    log: MemberLog | None
    database: BackendState | None
    problems: tuple[str, ...]


async def read_rank(host: Host, place: Place) -> Rank:
    """Read it. Damage is a problem that is listed, never an error."""
    problems: list[str] = []
    log = await _log_end(host, place.wal_dir, problems)
    database = await _state(host, place.database, problems)
    return Rank(log, database, tuple(problems))


async def _state(host: Host, path: str, problems: list[str]) -> BackendState | None:
    stat = await host.stat(path)
    if stat is None or stat.kind != "file":
        problems.append("there is no database")
        return None
    try:
        async with host.open(path) as source:
            state, cut = await asyncio.to_thread(_state_of, source)
    except DamagedInput as error:
        problems.append(f"the database cannot be read: {error.message}")
        return None
    if cut is not None:
        problems.append(f"the database is cut short: {cut}")
    return state


def _state_of(source: Source) -> tuple[BackendState, str | None]:
    """Return the state, and in words that the file ends before its pages do, None where not."""
    return read_etcd_backend(source), read_metas(source).current.cut_at(source.size)


async def _log_end(host: Host, wal_dir: str, problems: list[str]) -> MemberLog | None:
    names = sorted(n for n in await host.list_dir(wal_dir) or () if parse_segment_name(n))
    if not names:
        problems.append("there is no WAL")
        return None
    files: list[SegmentFile] = []
    log = read_member_log(())
    for name in reversed(names):
        files.insert(0, await _segment(host, wal_dir, name, last=name == names[-1]))
        log = await asyncio.to_thread(read_member_log, files)
        if log.entries or any(s.index for s in log.snapshots):
            break
    problems.extend(
        f"WAL {d.segment}{'' if d.offset is None else f' at byte {d.offset}'}: {d.what}"
        for d in log.damages
    )
    return log


async def _segment(host: Host, folder: str, name: str, *, last: bool) -> SegmentFile:
    parsed = parse_segment_name(name)
    async with host.open(join(folder, name)) as source:
        segment = await asyncio.to_thread(read_segment, Head(source, SEGMENT_READ_MAX), last=last)
        return SegmentFile(name, parsed[0] if parsed else 0, source.size, segment)
