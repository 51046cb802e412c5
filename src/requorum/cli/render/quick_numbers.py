"""How the numbers of `--quick` are shown; imports nothing heavy."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from requorum.cli.output import Format, emit_data
from requorum.domain.units import binary_size
from requorum.formats.snapshot_numbers import SnapshotStatus

if TYPE_CHECKING:
    from requorum.app.inspect.database.results import NumbersResult


def show_numbers(status: SnapshotStatus, output: Format) -> None:
    """Print the numbers on stdout."""
    if output is not Format.TABLE:
        emit_data(asdict(status), output)
        return
    for label, text in number_rows(status):
        click.echo(f"{label:10}  {text}")


def number_rows(numbers: "SnapshotStatus | NumbersResult") -> Iterator[tuple[str, str]]:
    """Yield a label, empty where the row goes on with the one before, and a text."""
    live = "unknown" if numbers.total_keys_live is None else numbers.total_keys_live
    yield "hash", f"{numbers.hash:x}"
    yield "revision", str(numbers.revision)
    yield "total keys", f"{live} live keys, as etcdutl counts since 3.6"
    yield "", f"{numbers.total_keys_all_buckets} rows of all buckets, as 3.4 and 3.5 count"
    yield "total size", size_text(numbers.total_size)


def size_text(size: int) -> str:
    """Return a size as people read it, and exactly."""
    return f"{binary_size(size)} ({size} bytes)" if size >= 1024 else f"{size} bytes"
