"""`requorum NOUN VERB`: finds the command, runs it, turns errors into words and exit codes."""

import sys
from typing import NoReturn

import click

from requorum.cli.interruption import INTERRUPTED, unwind
from requorum.cli.lazy_group import Commands, LazyGroup
from requorum.cli.output import show_error
from requorum.cli.system_errors import in_our_terms
from requorum.errors import OutputUnread, RequorumError

COMMANDS: Commands = {
    "completion": ("requorum.cli.command_completion:completion", "Print shell completion"),
    "demo": ("requorum.cli.command_demo:demo", "Break a practice cluster and bring it back"),
    "inspect": ("requorum.cli.command_inspect:inspect", "Read what etcd left behind"),
    "lab": ("requorum.cli.command_lab:lab", "A practice cluster to break and mend"),
    "member": ("requorum.cli.command_member:member", "Replace, add and remove members"),
    "recover": ("requorum.cli.command_recover:recover", "Bring a failed cluster back"),
    "restore": ("requorum.cli.command_restore:restore", "Restore a snapshot onto every member"),
    "runs": ("requorum.cli.command_runs:runs", "List, show, resume and roll back runs"),
    "salvage": ("requorum.cli.command_salvage:salvage", "Make one clean db of damaged ones"),
    "status": ("requorum.cli.command_status:status", "Show how a cluster is"),
    "version": ("requorum.cli.command_version:version", "Show the version"),
}


_MAY_LEAVE_AT_ONCE = frozenset({"completion", "inspect", "salvage", "version"})
"""They have nothing to put in order that they do not put there themselves before they leave."""


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 findings or failed, 2 usage, 3 refused, 4 unreachable, "
    "5 damaged input.",
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Bring a failed etcd cluster back with every acknowledged write."""
    # By now the command is imported.
    if context.invoked_subcommand not in _MAY_LEAVE_AT_ONCE:
        unwind()


def run() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        code = _run_command()
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001  # what is none of ours is raised again
        code = show_end(error)
    sys.exit(code)


def _run_command() -> int:
    try:
        code = cli.main(prog_name="requorum", standalone_mode=False)
    except SystemExit as ended:
        code = ended.code
    return code if isinstance(code, int) else 0


def show_end(error: BaseException) -> int:
    """Say on stderr what ended a command; return the exit code. A bug of ours is raised again."""
    match in_our_terms(error):
        case OutputUnread(hint=None, exit_code=code):
            return code
        case RequorumError(exit_code=code) as ours:
            show_error(ours)
            return code
        case click.ClickException() as wrong:
            wrong.show()
            return 2
        case _ if isinstance(error, _interruptions()):
            click.echo("interrupted", err=True)
            return INTERRUPTED
        case _:
            raise error


def _interruptions() -> tuple[type[BaseException], ...]:
    """Return what ends a command from outside; asked for only once something was raised."""
    import asyncio  # noqa: PLC0415  # a third of the start-up, and most commands pay it for nothing

    return (click.exceptions.Abort, asyncio.CancelledError, KeyboardInterrupt)
