"""How a data directory is shown: the answer first, then what it rests on."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import TYPE_CHECKING

from requorum.app.inspect.datadir.results import (
    BootResult,
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
    print_line,
    print_rows,
)
from requorum.domain.units import binary_size, counted

if TYPE_CHECKING:
    from rich.console import Console

_ANSWERS = {
    "starts": ("would start", "bold green"),
    "starts-after-repair": ("would start, after mending its files", "bold green"),
    "starts-behind": ("would start with data missing", "bold red"),
    "starts-anew": ("would start as a new member", "bold yellow"),
    "fails": ("would not start", "bold red"),
    "waits": ("would wait", "bold yellow"),
}
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
    _show_answer(out, result)
    _show_other_releases(out, result)
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


def _show_answer(out: "Console", result: DataDirResult) -> None:
    if result.asked is not None:
        _show_boot(out, result.boots[0].etcd, result.boots[0], result.asked_because)
        return
    why = result.asked_because or "nothing in the directory says which etcd wrote it"
    print_line(out, plain(why), style="bold yellow")
    for boot, releases in _folded(result.boots, lambda boot: boot.model_dump(exclude={"etcd"})):
        _show_boot(out, releases, boot, None)


def _show_boot(out: "Console", releases: str, boot: BootResult, because: str | None) -> None:
    print_line(out, f"etcd {releases} {_answer(boot)}", style=_ANSWERS[boot.outcome][1])
    print_line(out, f"  {plain(boot.why)}")
    _print_wrapped(out, _boot_rows(boot, because))


def _answer(boot: BootResult) -> str:
    """Return what it would do, in the words of the first line."""
    named = f": {boot.signature.id}" if boot.signature is not None else ""
    return f"{_ANSWERS[boot.outcome][0]}{named}"


def _folded(
    boots: Iterable[BootResult], answer: Callable[[BootResult], object]
) -> Iterator[tuple[BootResult, str]]:
    """Yield the first of those releases that have the same answer, with the names of all."""
    together: list[tuple[object, list[BootResult]]] = []
    for boot in boots:
        same = next((found for known, found in together if known == answer(boot)), None)
        if same is None:
            together.append((answer(boot), [boot]))
        else:
            same.append(boot)
    for _, found in together:
        yield found[0], ", ".join(boot.etcd for boot in found)


def _boot_rows(boot: BootResult, because: str | None) -> Iterator[Row]:
    signature = boot.signature
    if signature is not None:
        yield "its log says", signature.log_line
        if boot.alternatives:
            yield "", f"or what {' or '.join(boot.alternatives)} looks like"
        if not boot.at_once:
            yield "when", boot.when
        yield "cause", signature.cause
        yield "what to do", signature.fix
        if signature.never is not None:
            yield "never", signature.never
        yield from listed("see", signature.links)
    yield from listed("it would", boot.changes)
    yield from listed("beware", boot.warnings)
    if because is not None:
        yield "version", because
    yield from listed("known bugs", boot.known_problems)


def _print_wrapped(out: "Console", rows: Iterable[Row]) -> None:
    """Print rows below each other, texts of several lines too."""
    found = list(rows)
    width = max((len(label) for label, _ in found), default=0)
    for label, text in found:
        for number, line in enumerate(wrap(plain(text), _TEXT_WIDTH, break_long_words=False)):
            print_line(out, f"  {'' if number else label:{width}}  {line}")


def _show_other_releases(out: "Console", result: DataDirResult) -> None:
    """Print the others, those in one row that would do the same."""
    if result.asked is None or len(result.boots) == 1:
        return

    def told(boot: BootResult) -> str:
        why = "" if boot.why == result.boots[0].why else f" ({plain(boot.why)})"
        return f"{_answer(boot)}{why}"

    _heading(out, "other versions")
    rows = _folded(result.boots[1:], told)
    _print_wrapped(out, [(f"{releases}:", told(boot)) for boot, releases in rows])


def _show_findings(out: "Console", result: DataDirResult) -> None:
    if not result.findings:
        return
    _heading(out, f"findings ({len(result.findings)})", style="bold yellow")
    for finding in result.findings:
        for number, line in enumerate(wrap(plain(finding.what), _TEXT_WIDTH + 10)):
            print_line(out, f"  {' ' if number else '!'} {line}")
        if finding.advice is not None:
            for line in wrap(plain(finding.advice), _TEXT_WIDTH + 10):
                print_line(out, f"    {line}", style="dim")


def _heading(out: "Console", text: str, *, style: str = "bold") -> None:
    out.print()
    print_line(out, text, style=style)


def _section(out: "Console", title: str, rows: Iterable[Row]) -> None:
    found = [(f"  {label}", text) for label, text in rows]
    if found:
        _heading(out, title)
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
    _heading(out, "members (3.5 and before go by the log, 3.6 and later by the database)")
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
    _heading(out, f"log: {plain(log.directory)}")
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
    _heading(out, "snapshots")
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
