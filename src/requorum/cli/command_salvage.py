"""`requorum salvage`."""

import asyncio
import sys
from contextlib import nullcontext

import click

from requorum.app.salvage.salvage import salvage as salvage_files
from requorum.cli.interruption import before_leaving
from requorum.cli.output import Format, emit_data, reported
from requorum.cli.render.aligned_text import plain
from requorum.cli.render.salvage import show_salvage
from requorum.cli.render.stages import shown_stages
from requorum.clients.hosts.new_file import NewFile
from requorum.errors import RequorumError, UsageError


@click.command()
@click.argument("paths", metavar="DB…", nargs=-1, required=True)
@click.option(
    "--wal",
    "wal_dirs",
    multiple=True,
    metavar="DIR",
    help="A write-ahead log that does not lie in its data directory; may be given more than once.",
)
@click.option(
    "-o", "--output", "target", metavar="FILE", help="The new file; without it, only a report."
)
@click.option(
    "--proven-only", is_flag=True, help="Leave out records that may have been deleted since."
)
@click.option(
    "--auth-off",
    is_flag=True,
    help="Switch authentication off in the new file, where no root user is left.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Show the first N of each kind.",
)
@click.option(
    "--format",
    "shown_as",
    type=click.Choice(Format, case_sensitive=False),
    default=Format.TABLE,
    show_default="table",
    help="How the report is printed.",
)
def salvage(
    *,
    paths: tuple[str, ...],
    wal_dirs: tuple[str, ...],
    target: str | None,
    proven_only: bool,
    auth_off: bool,
    limit: int,
    shown_as: Format,
) -> None:
    """Make one clean db of damaged ones: DB is a db, a snapshot file or a data directory.

    Name everything that is left of one cluster, all members' data directories and every backup:
    what one file lost, another one may hold. The new file is restored as any snapshot, with
    `etcdutl snapshot restore` or `requorum restore`. Nothing that exists is changed.

    Ends with 0 where nothing is lost, 1 where something is lost or doubtful (the file is written
    all the same), 2 for a wrong command line, 3 where the file exists or an etcd still runs, 5
    where nothing can be saved.
    """
    _refuse_format(target)
    with shown_stages() as on_stage:
        result = asyncio.run(
            salvage_files(
                paths, wal_dirs, target,
                proven_only=proven_only, auth_off=auth_off,
                on_stage=on_stage, on_file=_abandon_before_leaving,
            )
        )  # fmt: skip  # what is read, what is made, and how
    with reported(f"{result.file} is written and whole.") if result.file else nullcontext():
        if shown_as is Format.TABLE:
            show_salvage(result, limit=limit)
        else:
            emit_data(result.model_dump(mode="json"), shown_as)
    sys.exit(0 if result.complete else RequorumError.exit_code)


def _abandon_before_leaving(file: NewFile) -> None:
    """Tell, too, what became of the file: it may have got its name just before."""

    def abandon() -> str:
        whole = file.abandon()
        return plain(f"{file.path} is written and whole" if whole else "nothing was written")

    before_leaving(abandon)


def _refuse_format(target: str | None) -> None:
    """Catch the habit of other commands, where -o is the format."""
    if target is not None and target.lower() in set(Format):
        raise UsageError(
            f"-o names the new file here, and {target} is a format",
            hint=f"Use --format {target.lower()} for the report, or -o ./{target} for the file.",
        )
