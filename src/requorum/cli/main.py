"""`requorum NOUN VERB`: finds the command, runs it, turns errors into words and exit codes."""

import asyncio
import importlib
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from requorum.cli.output import INTERRUPTED, show_error
from requorum.errors import RequorumError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "completion": ("requorum.cli.command_completion:completion", "Print shell completion"),
    "demo": ("requorum.cli.command_demo:demo", "Break a practice cluster and bring it back"),
    "lab": ("requorum.cli.command_lab:lab", "A practice cluster to break and mend"),
    "recover": ("requorum.cli.command_recover:recover", "Bring a failed cluster back"),
    "restore": ("requorum.cli.command_restore:restore", "Restore a snapshot onto every member"),
    "runs": ("requorum.cli.command_runs:runs", "List, show, resume and roll back runs"),
    "version": ("requorum.cli.command_version:version", "Show the version"),
}
"""Name -> (module:command, one line of help). Imported only when it is called."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's contract
        """Return the names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 findings or failed, 2 usage, 3 refused, 4 unreachable, "
    "5 damaged input.",
)
def cli() -> None:
    """Bring a failed etcd cluster back with every acknowledged write."""


def run() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(prog_name="requorum", standalone_mode=False)
    except (click.exceptions.Abort, asyncio.CancelledError, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except RequorumError as error:
        show_error(error)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
