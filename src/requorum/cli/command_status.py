"""`requorum status`."""

import asyncio

import click

from requorum.app.status.status import cluster_status
from requorum.cli.options import CLUSTER_FILE, USER, load_cluster, operator_of, tls_options
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.cli.render.status import show_status


@click.command()
@CLUSTER_FILE
@USER
@tls_options
@FORMAT
def status(
    *,
    cluster_file: str,
    user: str | None,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    output: Format,
) -> None:
    """Show how the cluster is: every member, one verdict, one exit code.

    Health is a real read through a quorum; what the members hold is compared by their hash at one
    revision. Ends with 0 where nothing is wrong, 1 where something is, 4 where no quorum serves.
    """
    cluster = load_cluster(cluster_file, cacert=cacert, cert=cert, key=key)
    found = asyncio.run(cluster_status(operator_of(user, cluster.user), cluster))
    if output is Format.TABLE:
        show_status(found)
    else:
        emit_data(found.model_dump(mode="json"), output)
    raise SystemExit((1 if found.findings else 0) if found.serves else 4)
