"""`requorum completion`: what the shell needs to complete commands and options."""

import click
from click.shell_completion import get_completion_class

from requorum.errors import UsageError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print the completion script: `source <(requorum completion bash)`."""
    from requorum.cli.main import cli  # noqa: PLC0415  # main imports this module by name

    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"no completion for {shell}")
    click.echo(found(cli, {}, "requorum", "_REQUORUM_COMPLETE").source())
