"""How the largest prefixes and keys are shown as text."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

from requorum.app.inspect.database.results import LargestResult, RankedResult, UsageResult
from requorum.cli.render.aligned_text import print_columns, print_line
from requorum.cli.render.key_text import shown_key
from requorum.domain.units import binary_size

if TYPE_CHECKING:
    from rich.console import Console

_HEADING = ("bytes", "share", "live", "history", "keys", "revisions")


def show_largest(out: "Console", largest: LargestResult) -> None:
    """Print what all of it takes, and the four rankings."""
    total = largest.total
    out.print()
    print_line(
        out,
        f"{total.revisions} revisions take {binary_size(total.bytes)}: "
        f"{binary_size(total.bytes_live)} the {total.keys} keys that exist, "
        f"{binary_size(total.bytes_history)} their history, which a compaction lets go",
    )
    _show_ranking(out, "prefixes by bytes", largest.prefixes_by_bytes, total)
    _show_ranking(out, "prefixes by revisions", largest.prefixes_by_revisions, total)
    _show_ranking(out, "keys by bytes", largest.keys_by_bytes, total)
    _show_ranking(out, "keys by revisions", largest.keys_by_revisions, total)


def _show_ranking(
    out: "Console", title: str, ranked: Sequence[RankedResult], total: UsageResult
) -> None:
    if ranked:
        out.print()
        rows = [_row(entry, total) for entry in ranked]
        print_columns(out, (*_HEADING, title), rows, left=len(_HEADING))


def _row(entry: RankedResult, total: UsageResult) -> tuple[str, ...]:
    usage = entry.usage
    return (
        binary_size(usage.bytes),
        f"{100 * usage.bytes / total.bytes:.0f}%",
        binary_size(usage.bytes_live),
        binary_size(usage.bytes_history),
        str(usage.keys),
        str(usage.revisions),
        _name(entry),
    )


def _name(entry: RankedResult) -> str:
    if entry.name_base64 is not None:
        return shown_key(base64.b64decode(entry.name_base64))
    return shown_key((entry.name or "").encode())
