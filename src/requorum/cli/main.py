"""`requorum NOUN VERB`: finds the command, runs it, turns errors into words and exit codes."""

import sys
from typing import NoReturn

import click

from requorum.cli.lazy_group import Commands, LazyGroup
from requorum.cli.output import INTERRUPTED, show_error
from requorum.errors import RequorumError

COMMANDS: Commands = {
    "completion": ("requorum.cli.command_completion:completion", "Print shell completion"),
    "demo": ("requorum.cli.command_demo:demo", "Break a practice cluster and bring it back"),
    "inspect": ("requorum.cli.command_inspect:inspect", "Read what etcd left behind"),
    "lab": ("requorum.cli.command_lab:lab", "A practice cluster to break and mend"),
    "recover": ("requorum.cli.command_recover:recover", "Bring a failed cluster back"),
    "restore": ("requorum.cli.command_restore:restore", "Restore a snapshot onto every member"),
    "runs": ("requorum.cli.command_runs:runs", "List, show, resume and roll back runs"),
    "salvage": ("requorum.cli.command_salvage:salvage", "Make one clean db of damaged ones"),
    "version": ("requorum.cli.command_version:version", "Show the version"),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
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
    except _interruptions():
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except RequorumError as error:
        show_error(error)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _interruptions() -> tuple[type[BaseException], ...]:
    """Return what ends a command from outside; asked for only once something was raised."""
    import asyncio  # noqa: PLC0415  # a third of the start-up, and most commands pay it for nothing

    return (click.exceptions.Abort, asyncio.CancelledError, KeyboardInterrupt)
