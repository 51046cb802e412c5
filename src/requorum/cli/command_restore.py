"""`requorum restore`."""

import asyncio
from pathlib import Path

import click

from requorum.app.recovery.restore import prepare_restore
from requorum.cli.command_recover import offer
from requorum.cli.options import (
    CLUSTER_FILE,
    ETCD_BIN_DIR,
    NO_BACKUP,
    PLAN,
    USER,
    YES,
    load_cluster,
    operator_of,
    tls_options,
)
from requorum.cli.output import FORMAT, Format
from requorum.cli.render.recovery import shown_failure
from requorum.runbooks.restore import RestoreWishes


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@CLUSTER_FILE
@PLAN
@YES
@click.option(
    "--even-if-serving", is_flag=True, help="Restore although a quorum is alive and serves."
)
@click.option(
    "--bump-revision",
    type=click.IntRange(min=0),
    metavar="N",
    help="Raise the revision by N and mark all before it compacted; 0 for not at all. "
    "Default: 1000000000 where the version of etcd can.",
)
@NO_BACKUP
@ETCD_BIN_DIR
@USER
@tls_options
@FORMAT
def restore(
    *,
    file: Path,
    cluster_file: str,
    plan_only: bool,
    yes: bool,
    even_if_serving: bool,
    bump_revision: int | None,
    backup: bool,
    etcd_bin_dir: str | None,
    user: str | None,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    output: Format,
) -> None:
    """Restore FILE, a snapshot or a copied db, onto every member.

    Where the disks can still be read, `requorum recover` brings back more than any backup.
    """
    cluster = load_cluster(
        cluster_file, etcd_bin_dir=etcd_bin_dir, cacert=cacert, cert=cert, key=key
    )
    operator = operator_of(user, cluster.user)
    wishes = RestoreWishes(
        path=str(file.resolve()), even_if_serving=even_if_serving, bump_revision=bump_revision
    )
    with shown_failure(output):
        prepared = asyncio.run(prepare_restore(operator, cluster, wishes, backup=backup))
    offer(operator, prepared, plan_only=plan_only, yes=yes, output=output)
