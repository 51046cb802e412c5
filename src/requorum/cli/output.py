"""How results and errors are shown: data on stdout, everything else on stderr."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from requorum.cli.render.aligned_text import plain
from requorum.errors import ClusterFileError, OutputLost, RequorumError

if TYPE_CHECKING:
    from rich.console import Console


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


FORMAT = click.option(
    "-o",
    "--output",
    type=click.Choice(Format, case_sensitive=False),
    default=Format.TABLE,
    show_default="table",
    help="How the result is printed.",
)


def emit_data(data: Any, output: Format) -> None:
    """Print data as JSON or YAML on stdout."""
    if output is Format.YAML:
        import yaml  # noqa: PLC0415  # only who asks for it pays for it

        # A plain word of YAML has no escapes, so what stdout cannot show must not be one.
        unicode = "utf" in (sys.stdout.encoding or "utf-8").lower()
        click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=unicode), nl=False)
        return
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def console(*, err: bool = True) -> "Console":
    """Return a rich console; plain where NO_COLOR is set or nobody looks."""
    from rich.console import Console  # noqa: PLC0415  # heavy, and -o json does not need it

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else 100
    return Console(
        stderr=err, highlight=False, width=width, no_color=bool(os.environ.get("NO_COLOR")),
        soft_wrap=not stream.isatty(),
    )  # fmt: skip  # one line of options


@contextmanager
def reported(done: str) -> Iterator[None]:
    """Print what came of something that is done by now: an error that keeps us from it says so.

    `done` is the sentence that says it.
    """
    try:
        yield
        sys.stdout.flush()
    except OutputLost as error:
        raise type(error)(error.message, hint=done) from error


def show_error(error: RequorumError) -> None:
    """Print an error, on one line, and its hint on stderr; a line for each of a file's mistakes."""
    lines = error.message.split("\n") if isinstance(error, ClusterFileError) else [error.message]
    click.secho("error: ", fg="red", bold=True, err=True, nl=False)
    for line in lines:
        click.echo(plain(line), err=True)
    if error.hint:
        click.secho("hint:  ", fg="cyan", err=True, nl=False)
        click.echo(plain(error.hint), err=True)
