"""How a data directory is shown: the answer first, then what it rests on."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import TYPE_CHECKING

from requorum.app.inspect.datadir.results import (
    DatabaseResult,
    DataDirResult,
    LogResult,
    MemberRowResult,
    RankResult,
    SegmentResult,
    SnapResult,
)
from requorum.cli.output import console
from requorum.cli.render.aligned_text import (
    Row,
    listed,
    plain,
    print_columns,
    print_heading,
    print_line,
    print_rows,
)
from requorum.cli.render.boot_answers import show_answer, show_other_releases
from requorum.domain.units import binary_size, counted

if TYPE_CHECKING:
    from rich.console import Console

_TEXT_WIDTH = 78
_LISTED_MAX = 10


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """Give a function that tells what is being done: on stderr, while somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with console().status("reading the directory") as status:
        yield lambda text: status.update(plain(text))


def show_datadir(result: DataDirResult) -> None:
    """Print everything on stdout."""
    out = console(err=False)
    show_answer(out, result)
    show_other_releases(out, result)
    _show_findings(out, result)
    _section(out, "member", _member_rows(result))
    _section(out, "where it stands", _replay_rows(result))
    _show_members(out, result.members)
    if result.log is not None:
        _show_log(out, result.log)
    if result.snaps:
        _show_snaps(out, result.snaps)
    for database in (result.database, *result.snap_dbs):
        if database is not None:
            _section(out, "database", _database_rows(database))
    _section(out, "other files", _leftover_rows(result))


def show_rank(rank: RankResult) -> None:
    """Print what ranks members."""
    out = console(err=False)
    rows = [
        (
            "log ends at",
            "nowhere" if rank.index is None else f"term {rank.term}, index {rank.index}",
        ),
        ("commit", _text(rank.commit)),
        ("consistent index", _text(rank.consistent_index)),
        ("revision", _text(rank.revision)),
        ("member", f"{rank.member_id or 'unknown'} of cluster {rank.cluster_id or 'unknown'}"),
        *listed("problems", rank.problems),
    ]
    print_rows(out, rows)


def _text(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _show_findings(out: "Console", result: DataDirResult) -> None:
    if not result.findings:
        return
    print_heading(out, f"findings ({len(result.findings)})", style="bold yellow")
    for finding in result.findings:
        for number, line in enumerate(wrap(plain(finding.what), _TEXT_WIDTH + 10)):
            print_line(out, f"  {' ' if number else '!'} {line}")
        if finding.advice is not None:
            for line in wrap(plain(finding.advice), _TEXT_WIDTH + 10):
                print_line(out, f"    {line}", style="dim")


def _section(out: "Console", title: str, rows: Iterable[Row]) -> None:
    found = [(f"  {label}", text) for label, text in rows]
    if found:
        print_heading(out, title)
        print_rows(out, found)


def _member_rows(result: DataDirResult) -> Iterator[Row]:
    yield "directory", result.data_dir
    yield "member", f"{result.member_id or 'unknown'}  {result.name or ''}".rstrip()
    yield "cluster", result.cluster_id or "unknown"
    yield "in use", "by a running process" if result.in_use else "by nobody"
    yield "size", f"{binary_size(result.size)}, {binary_size(result.free)} free on its disk"


def _replay_rows(result: DataDirResult) -> Iterator[Row]:
    replay = result.replay
    if replay is None:
        return
    start = (
        f"index {replay.snapshot_index}" if replay.snapshot_index else "the beginning of the log"
    )
    yield "starts from", start
    yield "database at", f"index {replay.consistent_index}"
    yield "committed up to", f"index {replay.commit}, as the member itself wrote down"
    yield "log ends at", f"index {replay.last_index}"
    yield "to be replayed", counted(replay.to_apply, "entry", "entries")
    undecided = replay.last_index - max(replay.commit, replay.consistent_index)
    if undecided > 0:
        entries = counted(undecided, "entry", "entries")
        yield "undecided", f"{entries}: a leader says whether they count"


def _show_members(out: "Console", members: Sequence[MemberRowResult]) -> None:
    if not members:
        return
    print_heading(out, "members (3.5 and before go by the log, 3.6 and later by the database)")
    rows = [
        (
            m.id + (" *" if m.itself else ""),
            m.name or "-",
            m.in_log or "not listed",
            m.in_database or "not listed",
            " ".join(m.peer_urls) + (" (removed)" if m.removed else ""),
        )
        for m in members
    ]
    print_columns(out, ("ID", "NAME", "LOG", "DATABASE", "PEER URLS"), rows, left=0)


def _show_log(out: "Console", log: LogResult) -> None:
    print_heading(out, f"log: {plain(log.directory)}")
    print_rows(
        out,
        [
            ("  entries", f"{log.entries}, index {log.first_index} to {log.last_index}"),
            ("  ends", f"{log.ending}, in term {log.last_term}"),
            ("  hard state", f"term {log.term}, commit {log.commit}"),
            *([("  missing", counted(log.missing, "entry", "entries"))] if log.missing else []),
            *([("  doubtful", counted(log.doubtful, "entry", "entries"))] if log.doubtful else []),
        ],
    )
    shown = log.segments if len(log.segments) <= _LISTED_MAX else log.segments[-_LISTED_MAX:]
    heading = ("SIZE", "ENTRIES", "SEGMENT")
    print_columns(out, heading, [_segment_row(s) for s in shown], left=2)
    if len(shown) < len(log.segments):
        print_line(out, f"  and {len(log.segments) - len(shown)} before these: see -o json")


def _segment_row(segment: SegmentResult) -> tuple[str, str, str]:
    span = "-" if segment.first_index is None else f"{segment.first_index}-{segment.last_index}"
    damage = f"  DAMAGED: {segment.damages[0]}" if segment.damages else ""
    return binary_size(segment.size), span, f"{segment.name}{damage}"


def _show_snaps(out: "Console", snaps: Sequence[SnapResult]) -> None:
    print_heading(out, "snapshots")
    rows = [
        (
            _text(s.term),
            _text(s.index),
            s.cluster_version or "-",
            _snap_text(s),
        )
        for s in snaps[:_LISTED_MAX]
    ]
    print_columns(out, ("TERM", "INDEX", "CLUSTER", "FILE"), rows, left=2)


def _snap_text(snap: SnapResult) -> str:
    if snap.damage is not None:
        return f"{snap.name}  DAMAGED: {snap.damage}"
    unknown = "" if snap.known else "  (the log does not mark it: etcd passes it over)"
    return f"{snap.name}{unknown}{'  holds v2 data' if snap.v2_data else ''}"


def _database_rows(database: DatabaseResult) -> Iterator[Row]:
    yield "file", f"{database.path}, {binary_size(database.size)}"
    yield from listed("verdict", _verdict_texts(database))
    if database.consistent_index is not None:
        term = "" if database.term is None else f", term {database.term}"
        yield "consistent index", f"{database.consistent_index}{term}"
        compacted = database.compact_revision
        before = "" if compacted is None or compacted < 0 else f", compacted before {compacted}"
        yield "revision", f"{database.revision}{before}"
        yield "cluster version", database.cluster_version or "none"
        yield "storage version", database.storage_version or "none: before 3.6"
        yield from listed("ALARMS", database.alarms)
    if database.damage_count:
        more = database.damage_count - min(database.damage_count, _LISTED_MAX)
        places = [*database.damages[:_LISTED_MAX], *([f"and {more} more"] if more else [])]
        yield from listed("DAMAGED", places)


def _verdict_texts(database: DatabaseResult) -> Iterator[str]:
    """Yield what the file is worth where it lies; a db has no hash, which is nothing to tell."""
    if database.verdict in {"restorable", "restorable-without-hash"}:
        yield "sound: every page, and every record"
        return
    yield from (database.verdict or "not a database", *database.reasons)


def _leftover_rows(result: DataDirResult) -> Iterator[Row]:
    for leftover in result.leftovers:
        yield plain(leftover.path.removeprefix(f"{result.data_dir}/")), leftover.what
