"""`requorum inventory check`."""

import sys

import click

from requorum.cli.options import (
    CLUSTER_FILE,
    ETCD_BIN_DIR,
    USER,
    load_cluster,
    operator_of,
    tls_options,
)
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.errors import RequorumError


@click.command()
@CLUSTER_FILE
@ETCD_BIN_DIR
@tls_options
@USER
@FORMAT
def check(
    *,
    cluster_file: str,
    etcd_bin_dir: str | None,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    user: str | None,
    output: Format,
) -> None:
    """Hold the cluster file against the cluster, before it is needed.

    For each member: its host over ssh and what we may do there, its client and peer URL, versions
    and what is wrong with them, clocks, disk, owners, certificates, what the cluster lists, old
    data beside its own, and what its unit really says. It works on a dead cluster, too. Nothing is
    changed.

    Ends with 1 where something fails, with 0 otherwise, warnings or not.
    """
    import asyncio  # noqa: PLC0415  # heavy, like the rest

    from requorum.app.inventory.check import check as look  # noqa: PLC0415
    from requorum.cli.render.checks import show_checks  # noqa: PLC0415

    cluster = load_cluster(
        cluster_file, etcd_bin_dir=etcd_bin_dir, cacert=cacert, cert=cert, key=key
    )
    operator = operator_of(user, cluster.user)
    result = asyncio.run(look(cluster, operator.credentials, operator.settings))
    if output is Format.TABLE:
        show_checks(result)
    else:
        emit_data(result.model_dump(mode="json"), output)
    sys.exit(RequorumError.exit_code if result.verdict == "fail" else 0)
