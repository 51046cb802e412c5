"""`requorum version`, for those who ask with -o."""

import click

from requorum import __version__
from requorum.cli.output import FORMAT, Format, emit_data


@click.command()
@FORMAT
def version(output: Format) -> None:
    """Show the version."""
    if output is Format.TABLE:
        click.echo(f"requorum {__version__}")
        return
    emit_data({"version": __version__}, output)
