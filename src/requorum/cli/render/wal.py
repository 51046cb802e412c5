"""How a log is shown: a stream of records on stdout, what there is to say of it on stderr."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import click

from requorum.app.inspect.wal.inspect_wal import WalInspection
from requorum.app.inspect.wal.results import WalDamageResult, WalRecord, WalSummary
from requorum.cli.interruption import before_leaving_here
from requorum.cli.output import console
from requorum.cli.render.stages import take_line_away
from requorum.cli.render.wal_words import words

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

PROGRESS_FROM = 16 << 20
"""Bytes of a log; less is read within a second."""

_DAMAGES_SHOWN = 20
_KIND_WIDTH = 17


class WalFormat(StrEnum):
    """What `-o` takes; `jsonl` is one JSON document a line."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    JSONL = "jsonl"


class _Writer(Protocol):
    """Writes one form of output; `end` returns whether the summary is in it."""

    def begin(self, summary: WalSummary) -> None: ...

    def write(self, record: WalRecord) -> None: ...

    def end(self, summary: WalSummary) -> bool: ...


class _Table:
    """A line a record, under a heading."""

    def begin(self, summary: WalSummary) -> None:
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._index = max(len(str(summary.last_index)), len("INDEX"))
        self._term = max([len("TERM"), *(len(str(t.term)) for t in summary.terms)])
        self._line(("INDEX", "TERM", "VIA", "KIND", "WHAT"))

    def write(self, record: WalRecord) -> None:
        what = words(record)
        if record.offset is not None and record.standing is None:
            size = "" if record.size is None else f", {record.size} bytes"
            what = f"{what} [{record.segment} at byte {record.offset}{size}]"
        elif record.kind == "damage":
            what = f"{what} [{record.segment}]"
        index, term = (str(n) if n is not None else "" for n in (record.index, record.term))
        self._line((index, term, record.via or "", record.kind, what), _style(record))

    def _line(self, cells: tuple[str, str, str, str, str], style: str | None = None) -> None:
        index, term, via, kind, what = cells
        numbers = f"{index:>{self._index}}  {term:>{self._term}}"
        line = f"{numbers}  {via:4}  {kind:<{_KIND_WIDTH}}  {what}"
        sys.stdout.write(f"{self._styled(line, style)}\n")

    def _styled(self, line: str, style: str | None) -> str:
        if style is None or not self._colour:
            return line
        return click.style(line, dim=True) if style == "dim" else click.style(line, fg=style)

    def end(self, summary: WalSummary) -> bool:  # noqa: ARG002  # the protocol's signature
        return False


def _style(record: WalRecord) -> str | None:
    if record.kind in ("damage", "undecodable"):
        return "red"
    if record.standing == "doubtful":
        return "yellow"
    return "dim" if record.standing != "current" else None


class _JsonLines:
    """A JSON document a line."""

    def begin(self, summary: WalSummary) -> None:
        """Write nothing: every line is a record."""

    def write(self, record: WalRecord) -> None:
        sys.stdout.write(f"{record.model_dump_json()}\n")

    def end(self, summary: WalSummary) -> bool:  # noqa: ARG002  # the protocol's signature
        return False


class _Json:
    """One JSON document, written while the log is read: its records may be a million."""

    def __init__(self) -> None:
        self._separator = "\n    "

    def begin(self, summary: WalSummary) -> None:  # noqa: ARG002  # the protocol's signature
        sys.stdout.write('{\n  "records": [')

    def write(self, record: WalRecord) -> None:
        sys.stdout.write(f"{self._separator}{record.model_dump_json()}")
        self._separator = ",\n    "

    def end(self, summary: WalSummary) -> bool:
        shown = json.dumps(summary.model_dump(mode="json"), indent=2, ensure_ascii=False)
        indented = shown.replace("\n", "\n  ")
        sys.stdout.write(f'\n  ],\n  "summary": {indented}\n}}\n')
        return True


class _Yaml:
    """One YAML document, written while the log is read."""

    def __init__(self) -> None:
        self._empty = True

    def begin(self, summary: WalSummary) -> None:  # noqa: ARG002  # the protocol's signature
        sys.stdout.write("records:")

    def write(self, record: WalRecord) -> None:
        sys.stdout.write("\n" if self._empty else "")
        sys.stdout.write(_yaml([record.model_dump(mode="json")]))
        self._empty = False

    def end(self, summary: WalSummary) -> bool:
        sys.stdout.write(" []\n" if self._empty else "")
        sys.stdout.write(_yaml({"summary": summary.model_dump(mode="json")}))
        return True


def _yaml(data: object) -> str:
    import yaml  # noqa: PLC0415  # only who asks for it pays for it

    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


_WRITERS: dict[WalFormat, type[_Writer]] = {
    WalFormat.TABLE: _Table,
    WalFormat.JSON: _Json,
    WalFormat.YAML: _Yaml,
    WalFormat.JSONL: _JsonLines,
}


def show_wal(
    found: WalInspection, output: WalFormat, progress: "Progress", *, hidden: bool
) -> WalSummary:
    """Print records and summary; `hidden`: superseded entries were not asked for."""
    told = _stream(found, _WRITERS[output](), progress)
    summary = found.summary()
    if not told:
        show_summary(summary, hidden=hidden)
    return summary


def _stream(found: WalInspection, writer: _Writer, progress: "Progress") -> bool:
    """Write everything; return whether the summary is in it."""
    began = False
    for record in found.records():
        if not began:
            progress.before_output()
            writer.begin(found.summary())
            began = True
        writer.write(record)
    progress.end()
    if not began:
        writer.begin(found.summary())
    told = writer.end(found.summary())
    sys.stdout.flush()
    return told


def show_summary(summary: WalSummary, *, hidden: bool) -> None:
    """Print on stderr what there is to say of the log."""
    for line in _summary_lines(summary, hidden=hidden):
        click.echo(line, err=True)
    for line in _findings(summary):
        click.secho(f"! {line}", fg="red", err=True)
    for note in summary.notes:
        click.echo(f"note: {note}", err=True)


def _summary_lines(summary: WalSummary, *, hidden: bool) -> Iterator[str]:
    if not summary.shown:
        yield "nothing in this log fits what was asked for"
    segments = _counted(len(summary.segments), "segment", "segments")
    entries = _counted(summary.entries, "entry", "entries")
    indexes = f"index {summary.first_index} to {summary.last_index}"
    yield f"{segments}, {entries}, {indexes}, {_terms(summary)}"
    yield (
        f"member {summary.member or '?'} of cluster {summary.cluster or '?'}; it knew entries up "
        f"to {summary.commit} committed"
    )
    if hidden and summary.superseded:
        hidden_ones = _counted(summary.superseded, "superseded entry is", "superseded entries are")
        yield f"{hidden_ones} not shown: --superseded shows them"
    if summary.revokes_unknown:
        revokes = _counted(summary.revokes_unknown, "lease revocation", "lease revocations")
        yield (
            f"{revokes} may have deleted it, too, and nothing here tells: see --kind lease-revoke"
        )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _terms(summary: WalSummary) -> str:
    terms = [t.term for t in summary.terms]
    if not terms:
        return "no term"
    return f"term {terms[0]}" if len(terms) == 1 else f"terms {terms[0]} to {terms[-1]}"


def _findings(summary: WalSummary) -> Iterator[str]:
    for damage in summary.damages[:_DAMAGES_SHOWN]:
        yield _damage(damage)
    more = len(summary.damages) - _DAMAGES_SHOWN
    if more > 0:
        yield f"and {more} more damaged places: --kind damage lists them"
    for gap in summary.missing[:_DAMAGES_SHOWN]:
        entries = f"{gap.first_index} to {gap.last_index}"
        if gap.first_index == gap.last_index:
            entries = str(gap.first_index)
        because = "is lost" if gap.reason == "lost" else "was replaced by a leader's snapshot"
        yield f"entry {entries} {because}"
    if summary.doubtful:
        doubtful = _counted(summary.doubtful, "entry is", "entries are")
        yield f"{doubtful} doubtful: a lost record may have taken its place"


def _damage(damage: WalDamageResult) -> str:
    if damage.offset is None:
        return f"{damage.segment}: {damage.what}"
    size = "" if damage.size is None else f", {damage.size} bytes"
    return f"{damage.segment} at byte {damage.offset}{size}: {damage.what}"


class Progress:
    """A bar on stderr while somebody looks, and until the first record is written there, too."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._shown = ExitStack()
        self._shares_terminal = sys.stdout.isatty()

    def size(self, size: int) -> None:
        """Take the number of bytes that will be read."""
        if size < PROGRESS_FROM or not sys.stderr.isatty():
            return
        import rich.progress as rich  # noqa: PLC0415  # heavy, and only a terminal needs it

        columns = rich.SpinnerColumn(), rich.TextColumn("reading"), rich.BarColumn()
        bar = rich.Progress(*columns, console=console(), transient=True, redirect_stdout=False)
        bar.add_task("", total=size)
        self._shown.enter_context(before_leaving_here(take_line_away))
        self._bar = self._shown.enter_context(bar)

    def bytes_read(self, size: int) -> None:
        """Take the number of bytes that were read since the last time."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], size)

    def before_output(self) -> None:
        """Make room for what is written to the same terminal."""
        if self._shares_terminal:
            self.end()

    def end(self) -> None:
        """Take the bar away. No error when there is none."""
        self._shown.close()
        self._bar = None
