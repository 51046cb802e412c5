"""How the result of `inspect diff` is shown as text."""

import json
import sys
from base64 import b64decode
from collections.abc import Iterable, Iterator

import click

from requorum.app.inspect.diff.results import (
    ChangeResult,
    CountsResult,
    DiffResult,
    HistoriesResult,
    KeyResult,
    ObjectResult,
    SideResult,
    VersionResult,
)
from requorum.cli.output import console
from requorum.cli.render.differing_values import plain, value_lines
from requorum.cli.render.key_text import shown_key
from requorum.domain.units import binary_size

KINDS = ("added", "removed", "changed", "rewritten", "unknown")
_MARKS = {"added": "+", "removed": "-", "changed": "~", "rewritten": "=", "unknown": "?"}
_STYLES = {
    "added": "green",
    "removed": "red",
    "changed": "yellow",
    "rewritten": "dim",
    "unknown": "magenta",
}
_GROUPS_SHOWN = 30
_DAMAGES_SHOWN = 5
_NOISY = (["events"], ["leases"], ["masterleases"])
"""What the last part of a prefix is where keys are written again every few seconds."""


_Row = tuple[str, CountsResult]


class _Paper:
    """Lines on stdout, coloured on a terminal only."""

    def __init__(self) -> None:
        self.console = console(err=False)
        self._coloured = self.console.is_terminal and not self.console.no_color

    def line(self, text: str = "", style: str | None = None) -> None:
        """Print one line as it is."""
        if self._coloured:
            # A key may look like markup, or like an emoji.
            self.console.print(text, style=style, markup=False, emoji=False, soft_wrap=True)
        else:
            # There may be a million lines, and rich takes a tenth of a millisecond for each.
            sys.stdout.write(f"{text}\n")


def emit_json(result: DiffResult, keys: Iterable[KeyResult]) -> None:
    """Print the result as JSON on stdout, its keys at the end, one after the other."""
    head = json.dumps(
        result.model_dump(mode="json", exclude={"keys"}), indent=2, ensure_ascii=False
    )
    sys.stdout.write(head.removesuffix("\n}") + ',\n  "keys": [')
    separator = "\n    "
    for key in keys:
        text = json.dumps(key.model_dump(mode="json"), indent=2, ensure_ascii=False)
        sys.stdout.write(separator + text.replace("\n", "\n    "))
        separator = ",\n    "
    sys.stdout.write("]\n}\n" if separator.startswith("\n") else "\n  ]\n}\n")


def show_diff(result: DiffResult, keys: Iterable[KeyResult], *, kube_prefix: str) -> None:
    """Print the result on stdout, coloured on a terminal."""
    out = _Paper()
    _show_sides(out, result)
    out.line(_history_text(result.histories), _history_style(result))
    for name, changes in (("A", result.histories.a_changes), ("B", result.histories.b_changes)):
        for change in changes:
            out.line(f"    {name} {_change_text(change)}")
    for note in result.notes:
        out.line(f"! {plain(note)}", "yellow")
    out.line()
    _show_groups(out, result, kube_prefix.rstrip("/") + "/")
    named = 0
    for named, each in enumerate(keys, start=1):  # noqa: B007  # counted, because it is a stream
        _show_key(out, each)
    _show_end(out, result, named)


def _show_sides(out: _Paper, result: DiffResult) -> None:
    for name, side in (("A", result.a), ("B", result.b)):
        out.line(f"{name}  {_side_text(side)}")
        for damage in side.damages[:_DAMAGES_SHOWN]:
            out.line(f"     {plain(damage)}", "red")
        if side.damage_count > _DAMAGES_SHOWN:
            more = side.damage_count - _DAMAGES_SHOWN
            out.line(f"     and {more} more damaged places: -o json lists them", "red")


def _side_text(side: SideResult) -> str:
    kind = {"snapshot": "snapshot", "database": "db", "data-directory": "data directory"}[side.kind]
    revision = f"revision {side.revision}"
    if side.revision != side.current_revision:
        revision += f" of {side.current_revision}"
    compacted = side.compact_revision
    if compacted is None or compacted >= 0:
        revision += f" (compacted at {'an unknown one' if compacted is None else compacted})"
    size = binary_size(side.size)
    return f"{plain(side.place)}: {kind}, {size}, {revision}, {side.keys} keys"


def _history_text(histories: HistoriesResult) -> str:
    match histories.relation:
        case "same":
            return "one history, and both end at the same revision"
        case "a-ahead" | "b-ahead":
            name, by = histories.relation[0].upper(), histories.ahead_by
            return f"one history: {name} is {by} revision{'s' * (by > 1)} ahead"
        case "parted":
            before = "or before " if histories.parted_before else ""
            return f"the histories part at {before}revision {histories.parted_at}"
        case _:
            return (
                "the histories cannot be compared from end to end; "
                f"the {histories.shared_records} records that both still hold are alike"
            )


def _history_style(result: DiffResult) -> str:
    return {"parted": "bold red", "unproven": "yellow"}.get(result.histories.relation, "green")


def _change_text(change: ChangeResult) -> str:
    key = _key_text(change.key, change.key_base64)
    if change.kind == "delete":
        return f"has delete {key}"
    return f"has put {key} ({binary_size(change.value_size or 0)})"


def _show_groups(out: _Paper, result: DiffResult, below: str) -> None:
    if not _total(result.counts):
        out.line("no key differs", "green")
        return
    from rich.table import Table  # noqa: PLC0415  # heavy, and -o json does not need it
    from rich.text import Text  # noqa: PLC0415  # a name may look like markup

    kinds = [kind for kind in KINDS if getattr(result.counts, kind)]
    for title, rows in _tables(result, below):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(title, overflow="fold")
        for kind in kinds:
            table.add_column(kind, justify="right", no_wrap=True)
        for name, counts in rows:
            table.add_row(Text(name), *(str(getattr(counts, kind)) for kind in kinds))
        sys.stdout.flush()
        out.console.print(table)
        out.line()


def _tables(result: DiffResult, below: str) -> Iterator[tuple[str, list[_Row]]]:
    if not result.resources:
        yield "prefix", [*_most(_prefixes(result)), ("all", result.counts)]
        return
    rows = [(_resource_name(r.resource, r.group), r.counts) for r in result.resources]
    others = [row for row in _prefixes(result) if not row[0].startswith(below)]
    counted = _sum([*rows, *others])
    left = {kind: getattr(result.counts, kind) - getattr(counted, kind) for kind in KINDS}
    if any(left.values()):
        others.append((f"(no objects, below {below})", CountsResult(**left)))
    yield "resource or prefix", [*_most([*rows, *others]), ("all", result.counts)]
    yield "namespace", _most([(n.namespace or "(none)", n.counts) for n in result.namespaces])


def _prefixes(result: DiffResult) -> list[_Row]:
    return [(_key_text(p.prefix, p.prefix_base64), p.counts) for p in result.prefixes]


def _resource_name(resource: str, group: str | None) -> str:
    return f"{resource}.{group}" if group else resource


def _most(rows: list[_Row]) -> list[_Row]:
    """Return the groups with the most differences, and one row for what is left."""
    rows = sorted(rows, key=lambda row: (-_total(row[1]), row[0]))
    rest = rows[_GROUPS_SHOWN:]
    shown = [(plain(name), counts) for name, counts in rows[:_GROUPS_SHOWN]]
    return [*shown, (f"({len(rest)} more)", _sum(rest))] if rest else shown


def _sum(rows: list[_Row]) -> CountsResult:
    return CountsResult(
        **{kind: sum(getattr(counts, kind) for _, counts in rows) for kind in KINDS}
    )


def _total(counts: CountsResult) -> int:
    return sum(getattr(counts, kind) for kind in KINDS)


def _show_key(out: _Paper, found: KeyResult) -> None:
    words = [_MARKS[found.kind], _key_text(found.key, found.key_base64)]
    if found.object is not None:
        words.append(f"[{_object_text(found.object)}]")
    if found.a is not None and found.b is not None:
        words.append(_versions_text(found.a, found.b))
    out.line(" ".join(words), _STYLES[found.kind])
    for line in value_lines(found):
        out.line(f"    {line}")


def _object_text(found: ObjectResult) -> str:
    resource = _resource_name(found.resource, found.group)
    name = found.name if found.namespace is None else f"{found.namespace}/{found.name}"
    return f"{plain(resource)} {plain(name)}"


def _versions_text(a: VersionResult, b: VersionResult) -> str:
    """Return what differs between the two, besides the values themselves."""
    parts = [
        f"{what} {ours} → {theirs}"
        for what, ours, theirs in (
            ("revision", a.mod_revision, b.mod_revision),
            ("created at", a.create_revision, b.create_revision),
            ("version", a.version, b.version),
            ("lease", a.lease or "none", b.lease or "none"),
            ("size", a.value_size, b.value_size),
        )
        if ours != theirs
    ]
    return f"({', '.join(parts)})" if parts else ""


def _show_end(out: _Paper, result: DiffResult, named: int) -> None:
    total = _total(result.counts)
    if total and not result.keys_complete:
        out.line(f"… {named} of {total} keys are named; --keys names all")
    if result.buckets:
        out.line()
    for bucket in result.buckets:
        out.line(
            f"besides the keys, bucket {bucket.bucket}: {bucket.added} added, "
            f"{bucket.removed} removed, {bucket.changed} changed",
        )
    _show_noise(result)


def _show_noise(result: DiffResult) -> None:
    noisy = [p for p in result.prefixes if p.prefix and p.prefix.split("/")[-2:-1] in _NOISY]
    if sum(_total(p.counts) for p in noisy) * 2 > _total(result.counts):
        options = " ".join(f"--exclude {p.prefix}" for p in noisy)
        text = f"Most of it is what Kubernetes renews all the time; leave it out with {options}"
        click.echo(plain(text), err=True)


def _key_text(text: str | None, in_base64: str | None) -> str:
    return shown_key(b64decode(in_base64) if in_base64 is not None else (text or "").encode())
