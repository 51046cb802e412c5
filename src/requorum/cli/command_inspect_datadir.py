"""`requorum inspect datadir`: all of a data directory, and what etcd would do with it."""

import sys

import click

from requorum.cli.output import FORMAT, Format, emit_data
from requorum.errors import RequorumError, UsageError


@click.command()
@click.argument("directory", metavar="DIR")
@click.option("--wal-dir", metavar="DIR", help="Where its WAL lies, if etcd has that flag.")
@click.option(
    "--etcd",
    metavar="VERSION",
    help="The release that is to start, as 3.5 or 3.5.16; else the one that the data names.",
)
@click.option(
    "--quick", is_flag=True, help="Only term, index, commit and revision: what ranks members."
)
@FORMAT
def datadir(
    *, directory: str, wal_dir: str | None, etcd: str | None, quick: bool, output: Format
) -> None:
    """Inspect DIR, a member's data directory, and tell what etcd would do if it were started.

    Goes through etcd's own start, step by step: the log with its repairs, snapshots, the database
    with every page and record, versions and members. Names the message that it would end with,
    its cause, and what is safe to do. Reads only; nothing is started.

    Ends with 0 where etcd starts and nothing else was found, 1 for everything else, 2 where there
    is no such directory, 5 where nothing in it can be read.
    """
    import asyncio  # noqa: PLC0415  # heavy, like the rest

    from requorum.app.inspect.datadir.inspect_datadir import inspect_datadir, rank_datadir  # noqa: PLC0415
    from requorum.cli.render.datadir import show_datadir, show_rank, waiting  # noqa: PLC0415

    if quick:
        if etcd is not None:
            raise UsageError("--quick predicts nothing, so --etcd has no use")
        rank = asyncio.run(rank_datadir(directory, wal_dir=wal_dir))
        if output is Format.TABLE:
            show_rank(rank)
        else:
            emit_data(rank.model_dump(mode="json"), output)
        sys.exit(RequorumError.exit_code if rank.problems else 0)
    with waiting() as say:
        result = asyncio.run(inspect_datadir(directory, wal_dir=wal_dir, etcd=etcd, say=say))
    if output is Format.TABLE:
        show_datadir(result)
    else:
        emit_data(result.model_dump(mode="json"), output)
    # Where nothing names a release, the answer is that of all of them.
    answers = result.boots[:1] if result.asked is not None else result.boots
    starts = all(boot.outcome in {"starts", "starts-after-repair"} for boot in answers)
    sys.exit(0 if starts and not result.findings else RequorumError.exit_code)
