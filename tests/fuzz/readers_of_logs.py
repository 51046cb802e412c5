"""Everything of requorum that reads logs, snapshots and whole data directories."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from disks import SERVICE, Service, nobody_answers
from whole_logs import member_log, segments_of

from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.local_source import FileSource
from requorum.domain.cluster import Cluster, MemberSpec
from requorum.errors import RequorumError
from requorum.facts import data_dir
from requorum.facts.survey import Reach, survey
from requorum.formats.raftpb import Entry, EntryType, decode_conf_change
from requorum.formats.requests import decode_request
from requorum.formats.snap import read_snap
from requorum.formats.wal import read_segment
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.decision import decide
from requorum.inspection.member_log import LogEnding
from requorum.inspection.membership import membership_of, voter_sets
from requorum.inspection.replay import replay_onto
from requorum.inspection.soundness import reasons_not_bootable


def read_segments(room: Path) -> Iterator[str]:
    """Read each segment by itself, as the last and as an earlier one, and all its records."""
    paths = segments_of(room)
    for path in paths:
        with closing(FileSource(str(path))) as source:
            for last in (path != paths[-1], path == paths[-1]):
                segment = read_segment(source, last=last)
                assert segment.end_offset <= source.size
                assert [record.end for record in segment.records] == sorted(
                    record.end for record in segment.records
                )
            yield from (damage.detail for damage in segment.damages)


def read_log(room: Path) -> Iterator[str]:
    """Put the segments together, and tell of all that can be told of the log."""
    log = member_log(room)
    yield from (f"{damage.segment}: {damage.what}" for damage in log.damages)
    completed = complete_log({"one": log, "two": log})
    assert completed is not None
    if log.missing:
        yield f"{len(log.missing)} entries are missing, the first is {log.missing[0]}"
    if log.ending is not LogEnding.CLEAN:
        yield f"the log's ending: {log.ending}"
    for entry in log.entries.values():
        yield from _undecodable(entry)
    found = membership_of((), log.entries)
    if found is not None:
        voter_sets(found, log.entries, after=log.committed_here)
    _replay(completed)


def _undecodable(entry: Entry) -> Iterator[str]:
    try:
        if entry.type is EntryType.NORMAL:
            decode_request(entry.data)
        else:
            decode_conf_change(entry.data)
    except RequorumError as error:
        yield f"entry {entry.index}: {error.message}"


def _replay(log: CompletedLog) -> None:
    replay_onto(log, after=log.first_index - 1, staged_index=5, staged_term=2, running_crc=0)


def read_snaps(room: Path) -> Iterator[str]:
    """Read every .snap file; say what is wrong with each."""
    for path in sorted((room / "member" / "snap").glob("*.snap")):
        try:
            with closing(FileSource(str(path))) as source:
                read_snap(source)
        except RequorumError as error:
            yield f"{path.name}: {error.message}"


def read_data_dir(room: Path) -> Iterator[str]:
    """Read it as a recovery does, decide as one does, and ask what its steps ask."""
    return iter(asyncio.run(_reasons(room)))


async def _reasons(room: Path) -> tuple[str, ...]:
    host, paths = LocalHost(), data_dir.Paths.of(_member(room))
    for question in (data_dir.end_of_log, data_dir.read_identity):
        try:
            await question(host, paths.wal_dir)
        except RequorumError:
            continue
    cluster = Cluster(name="one", members=(_member(room),))
    reach = Reach(hosts={"one": host}, services={"one": Service()}, connect=nobody_answers)
    found = await survey(cluster, reach, {})
    decide(found.evidence)
    return reasons_not_bootable(found.evidence.members["one"])


def _member(room: Path) -> MemberSpec:
    return MemberSpec(
        name="one",
        host="local",
        peer_url="http://127.0.0.1:1",
        client_url="http://127.0.0.1:2",
        data_dir=str(room),
        service=SERVICE,
    )
