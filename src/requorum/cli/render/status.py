"""How `requorum status` is shown."""

from collections.abc import Sequence

import click

from requorum.app.status.results import ClusterStatusResult, MemberStatusResult
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain
from requorum.domain.units import binary_size

_HEAD = (
    ("member", "role", "serves", "version", "db", "in use", "revision", "index", "behind", "read"),
)


def show_status(found: ClusterStatusResult) -> None:
    """Print the verdict, a row for each member, and what is wrong."""
    out = console(err=False)
    colour = "red" if not found.serves else "yellow" if found.findings else "green"
    of = f" {found.cluster_id}" if found.cluster_id else ""
    out.print(f"[bold]{found.cluster}[/]{of}: ", end="")
    out.print(found.verdict, style=colour, markup=False)
    rows = [*_HEAD, *(_row(member) for member in found.members)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD[0]))]
    for row in rows:
        click.echo(_aligned(row, widths))
    for line in found.findings:
        out.print(f"! {plain(line)}", style="yellow", markup=False)


def _row(member: MemberStatusResult) -> tuple[str, ...]:
    return (
        member.name,
        member.role,
        "yes" if member.healthy else "no",
        member.version or "-",
        _size(member.db_size),
        _size(member.db_size_in_use),
        _number(member.revision),
        _number(member.raft_index),
        _number(member.behind),
        "-" if member.linearizable_read_ms is None else f"{member.linearizable_read_ms:.1f} ms",
    )


def _size(size: int | None) -> str:
    return "-" if size is None else binary_size(size)


def _number(number: int | None) -> str:
    return "-" if number is None else str(number)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()
