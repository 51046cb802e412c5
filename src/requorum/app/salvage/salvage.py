"""The use case behind `requorum salvage`."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from requorum.app.salvage.findings import Read, ReadDatabase, ReadLog, Written, result_of
from requorum.app.salvage.inputs import Inputs, find_inputs
from requorum.app.salvage.output_place import refuse_among_inputs
from requorum.app.salvage.results import SalvageResult
from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.new_file import (
    NewFile,
    OnFile,
    new_file,
    refuse_unfit,
    tell_nobody,
)
from requorum.domain.ids import ClusterId, hex_id
from requorum.errors import DamagedInput, NotEnoughSpace, Refused, RequorumError
from requorum.formats.backend_file import backend_buckets
from requorum.formats.bbolt.writer import write_database
from requorum.formats.foreign_file import foreign_file
from requorum.formats.snapshot_file import split_trailer, trailer_matches
from requorum.formats.source import Head, Source
from requorum.inspection.file_verdict import judge_file
from requorum.inspection.member_log import MemberLog, read_member_log
from requorum.inspection.salvage.content import Content
from requorum.inspection.salvage.gather import gather
from requorum.inspection.salvage.salvage import Salvaged
from requorum.inspection.salvage.salvage import salvage as salvage_all
from requorum.ports.host import Host

OnStage = Callable[[str], None]


def _say_nothing(_stage: str) -> None:
    """Tell nobody what is done next."""


async def salvage(
    paths: Sequence[str],
    wal_dirs: Sequence[str] = (),
    output: str | None = None,
    *,
    proven_only: bool = False,
    auth_off: bool = False,
    on_stage: OnStage = _say_nothing,
    on_file: OnFile = tell_nobody,
    host: Host | None = None,
) -> SalvageResult:
    """Make one new database, with a snapshot's SHA-256, of all that some files and logs prove.

    `paths` are db files, snapshot files and data directories; `wal_dirs` directories of logs
    elsewhere. Without `output` nothing is written. `proven_only` leaves doubtful records out;
    `auth_off` switches authentication off in the new database. `on_file` is told of the new file
    before it is begun: who ends this process without unwinding must abandon it.

    Raises UsageError for a path where nothing is or where no file can be, Refused where the output
    exists or lies among the inputs, an etcd runs on an input or the inputs are of different
    clusters, NotEnoughSpace, and DamagedInput where nothing can be saved. Whatever is raised,
    nothing is left of the output.
    """
    began, host = time.monotonic(), host or LocalHost()
    if output is not None:
        refuse_unfit(output)
    inputs = await find_inputs(host, paths, wal_dirs)
    if output is not None:
        await refuse_among_inputs(host, output, (*paths, *wal_dirs), inputs)
    async with AsyncExitStack() as opened:
        sources = [await opened.enter_async_context(host.open(d.path)) for d in inputs.databases]
        read = await asyncio.to_thread(_read, inputs, sources, on_stage)
        on_stage("putting everything together")
        salvaged = await asyncio.to_thread(
            salvage_all, [d.gathered for d in read.databases], {n: log.log for n, log in read.logs}
        )
        _refuse_strangers(read, salvaged)
        content = _content(salvaged, proven_only=proven_only, auth_off=auth_off)
        if not content.record_count and not _anything_else(content):
            raise _nothing_left(read)
        written = None
        if output is not None:
            await _refuse_without_space(host, output, content)
            with new_file(output, on_file) as file:
                written = await asyncio.to_thread(_write, file, content, on_stage)
        return result_of(read, salvaged, content, written, seconds=time.monotonic() - began)


def _read(inputs: Inputs, sources: Sequence[Source], on_stage: OnStage) -> Read:
    databases, logs = [], []
    for number, (named, source) in enumerate(zip(inputs.databases, sources, strict=True)):
        on_stage(f"reading {named.name}")
        databases.append(_read_database(named.name, named.path, source, number))
    for named_log in inputs.logs:
        on_stage(f"reading the log of {named_log.name}")
        log = read_member_log(named_log.files.read_all(lambda _: None))
        logs.append((named_log.files.path, ReadLog(named_log.name, named_log.files.path, log)))
    _refuse_other_clusters({path: log.log for path, log in logs})
    return Read(tuple(databases), tuple(logs), inputs.empty, inputs.without_log)


def _read_database(name: str, path: str, source: Source, number: int) -> ReadDatabase:
    matches = trailer_matches(source)
    gathered = gather(Head(source, split_trailer(source).db_size), number)
    foreign = None
    if not gathered.witnesses and not len(gathered.strays.rows):
        foreign = foreign_file(source)
    return ReadDatabase(
        name=name,
        path=path,
        size=source.size,
        trailer="absent" if matches is None else "matches" if matches else "differs",
        gathered=gathered,
        foreign=None if foreign is None else foreign.kind,
    )


def _refuse_other_clusters(logs: Mapping[str, MemberLog]) -> None:
    clusters: dict[ClusterId, list[str]] = {}
    for path, log in logs.items():
        if log.metadata is not None:
            clusters.setdefault(ClusterId(log.metadata.cluster_id), []).append(path)
    if len(clusters) > 1:
        found = "; ".join(f"{hex_id(c)}: {', '.join(paths)}" for c, paths in clusters.items())
        raise Refused(
            f"the logs belong to different clusters: {found}",
            hint="Name the files of one cluster. One that was restored since is another one.",
        )


def _refuse_strangers(read: Read, salvaged: Salvaged) -> None:
    """Refuse databases that have nothing in common: mixing two clusters helps nobody."""
    for parting in salvaged.settled.partings:
        if not parting.common:
            one, other = (read.databases[n].name for n in (parting.believed, parting.dropped))
            raise Refused(
                f"{one} and {other} do not hold a single record in common, and differ from "
                f"revision {parting.revision} on: they are of different clusters",
                hint="Name the files of one cluster.",
            )


def _content(salvaged: Salvaged, *, proven_only: bool, auth_off: bool) -> Content:
    judgement = salvaged.judgement
    kept = judgement.kept & ~judgement.doubtful if proven_only else judgement.kept
    return Content(
        settled=salvaged.settled,
        kept=kept,
        others=salvaged.others,
        index=salvaged.index,
        term=salvaged.term,
        sealed=judgement.sealed,
        auth_off=auth_off,
    )


def _anything_else(content: Content) -> bool:
    """Return whether an empty key space is what the files hold, not what is left of them."""
    witnesses = content.settled.witnesses
    return any(content.others.rows.values()) or any(w.whole for w in witnesses)


def _nothing_left(read: Read) -> DamagedInput:
    kinds = [f"{d.name} is {d.foreign}" for d in read.databases if d.foreign]
    why = "; ".join(kinds) or "no page with records, and no log entry, is left in any of them"
    return DamagedInput(
        f"nothing can be saved: {why}",
        hint="Name every data directory, snapshot and copy of this cluster that there is.",
    )


async def _refuse_without_space(host: Host, output: str, content: Content) -> None:
    disk = await host.disk(output)
    if disk.free < content.size_min:
        raise NotEnoughSpace(
            f"{output} needs at least {content.size_min} bytes, {disk.free} are free there",
            hint="Name a file on another disk.",
        )


def _write(file: NewFile, content: Content, on_stage: OnStage) -> Written:
    """Write the file, look at it as at any other, and only then give it its name."""
    on_stage(f"writing {file.path}")
    try:
        head = write_database(file.write, backend_buckets(content.buckets())).head
    except DamagedInput as error:
        raise RequorumError(f"what was salvaged fits into no database: {error.message}") from error
    file.sync()
    file.put(0, head)
    sha256 = file.seal()
    on_stage(f"checking {file.path}")
    size = _checked(file, content)
    file.publish()
    return Written(file.path, size, sha256)


def _checked(file: NewFile, content: Content) -> int:
    with file.read_back() as source:
        verdict = judge_file(source)
        size = source.size
    records = verdict.content.records if verdict.content is not None else 0
    if verdict.verdict != "restorable" or records != content.record_count:
        raise RequorumError(
            f"the new file is not what was to be written: {'; '.join(verdict.reasons)}",
            hint="Nothing was left behind. Please report this.",
        )
    return size


__all__ = ["salvage"]
