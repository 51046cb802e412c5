"""How results and errors are shown: data on stdout, everything else on stderr."""

import json
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from requorum.errors import RequorumError

if TYPE_CHECKING:
    from rich.console import Console


INTERRUPTED = 130
"""The exit code after SIGINT, SIGTERM or SIGHUP, as a shell has it for Ctrl-C."""


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

        click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)
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


def show_error(error: RequorumError) -> None:
    """Print an error and its hint on stderr."""
    click.secho("error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(error.message, err=True)
    if error.hint:
        click.secho("hint:  ", fg="cyan", err=True, nl=False)
        click.echo(error.hint, err=True)
