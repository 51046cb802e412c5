"""Options that several commands share; their names are etcdctl's where etcdctl has them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from requorum.app.cluster_file import load_cluster_file
from requorum.app.recovery.operator import Operator
from requorum.app.settings import Settings, credentials_from
from requorum.domain.cluster import Cluster, Tls
from requorum.domain.ids import ClusterId
from requorum.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

CLUSTER_FILE = click.option(
    "-c",
    "--cluster",
    "cluster_file",
    envvar="REQUORUM_CLUSTER",
    show_envvar=True,
    default="requorum.yaml",
    show_default=True,
    metavar="FILE",
    help="The cluster file.",
)
YES = click.option("--yes", is_flag=True, help="Run the plan without asking.")
PLAN = click.option("--plan", "plan_only", is_flag=True, help="Show the plan and stop.")
NO_BACKUP = click.option(
    "--no-backup",
    "backup",
    flag_value=False,
    default=True,
    help="Do not save a snapshot of the recovered cluster at the end.",
)
NO_BACKUP_FIRST = click.option(
    "--no-backup",
    "backup",
    flag_value=False,
    default=True,
    help="Do not save a snapshot before anything is changed.",
)
USER = click.option(
    "--user",
    envvar="ETCDCTL_USER",
    show_envvar=True,
    metavar="NAME[:PASSWORD]",
    help="etcd user; the password rather in ETCDCTL_PASSWORD than here.",
)
ETCD_BIN_DIR = click.option(
    "--etcd-bin-dir", metavar="DIR", help="Where etcd and etcdutl are on the hosts."
)


def tls_options(command: F) -> F:
    """Add etcdctl's TLS flags."""
    for flag, variable, what in (
        ("--key", "ETCDCTL_KEY", "Client key (PEM)."),
        ("--cert", "ETCDCTL_CERT", "Client certificate (PEM)."),
        ("--cacert", "ETCDCTL_CACERT", "CA certificate (PEM)."),
    ):
        command = click.option(flag, envvar=variable, show_envvar=True, metavar="FILE", help=what)(
            command
        )
    return command


def load_cluster(
    cluster_file: str,
    *,
    etcd_bin_dir: str | None = None,
    cluster_id: str | None = None,
    cacert: str | None = None,
    cert: str | None = None,
    key: str | None = None,
) -> Cluster:
    """Read the cluster file; what the command line says goes before what the file says."""
    cluster = load_cluster_file(cluster_file)
    if etcd_bin_dir:
        cluster = replace(cluster, etcd_bin_dir=etcd_bin_dir)
    if cluster_id:
        cluster = replace(cluster, cluster_id=_cluster_id(cluster_id))
    if cacert or cert or key:
        known = cluster.tls if cluster.tls and cluster.tls.on == "here" else Tls()
        tls = Tls(cacert=cacert or known.cacert, cert=cert or known.cert, key=key or known.key)
        cluster = replace(cluster, tls=tls)
    return cluster


def _cluster_id(text: str) -> ClusterId:
    try:
        return ClusterId(int(text, 16))
    except ValueError as error:
        raise UsageError(
            f"{text} is no cluster ID",
            hint="It is hexadecimal, as `etcdctl endpoint status` and etcd's log print it.",
        ) from error


def operator_of(user: str | None, in_file: str | None) -> Operator:
    """Return who asks."""
    return Operator(
        settings=Settings.from_environment(), credentials=credentials_from(user, in_file)
    )
