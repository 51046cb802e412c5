"""`requorum member`: who is a member of a cluster that serves."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click

from requorum.app.members.furnish import prepare_furnishing
from requorum.app.members.join import Verb, prepare_change
from requorum.cli.command_recover import offer
from requorum.cli.options import (
    CLUSTER_FILE,
    ETCD_BIN_DIR,
    NO_BACKUP_FIRST,
    PLAN,
    USER,
    YES,
    load_cluster,
    operator_of,
    tls_options,
)
from requorum.cli.output import FORMAT, Format
from requorum.cli.render.recovery import shown_failure
from requorum.domain.cluster import Cluster
from requorum.errors import Refused, UsageError

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("name"),
    CLUSTER_FILE,
    PLAN,
    YES,
    NO_BACKUP_FIRST,
    ETCD_BIN_DIR,
    USER,
    tls_options,
    FORMAT,
)


def _change_options(command: F) -> F:
    """Add what every change of the membership takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def member() -> None:
    """Replace, add, remove and furnish members of a cluster that serves, each a plan."""


@member.command()
@click.option(
    "--from-backup", metavar="FILE", help="Refused: a member cannot come from a backup; see why."
)
@_change_options
def replace(*, name: str, from_backup: str | None, output: Format, **asked: Any) -> None:
    """Replace the dead, damaged or wiped member NAME while the others keep serving.

    Its old data is renamed, its old ID removed; it joins anew as a learner, catches up, and is
    promoted. Its name stays; its host, peer URL and client URL are those of the cluster file.
    """
    with shown_failure(output):
        if from_backup is not None:
            raise _no_member_from_backup(name)
    _change("replace", name, output=output, **asked)


@member.command()
@_change_options
def add(*, name: str, output: Format, **asked: Any) -> None:
    """Add the member NAME of the cluster file, as a learner first.

    As after a recovery that brought fewer members back than there were: once for each.
    """
    _change("add", name, output=output, **asked)


@member.command()
@_change_options
def remove(*, name: str, output: Format, **asked: Any) -> None:
    """Remove the member NAME, stop it, and set its data aside.

    Refused where the others would have no quorum.
    """
    _change("remove", name, output=output, **asked)


@member.command()
@click.argument("name")
@CLUSTER_FILE
@PLAN
@YES
@USER
@tls_options
@FORMAT
def furnish(
    *,
    name: str,
    cluster_file: str,
    plan_only: bool,
    yes: bool,
    user: str | None,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    output: Format,
) -> None:
    """Furnish the new machine of the member NAME with what the cluster file lists as `files`.

    They are copied from the machine of a member that serves, with owners and modes; `member
    replace` comes after it.
    """
    cluster = load_cluster(cluster_file, cacert=cacert, cert=cert, key=key)
    _refuse_unknown(name, cluster)
    operator = operator_of(user, cluster.user)
    with shown_failure(output):
        prepared = asyncio.run(prepare_furnishing(operator, cluster, name))
    offer(operator, prepared, plan_only=plan_only, yes=yes, output=output)


def _change(
    verb: Verb,
    name: str,
    *,
    cluster_file: str,
    plan_only: bool,
    yes: bool,
    backup: bool,
    etcd_bin_dir: str | None,
    user: str | None,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    output: Format,
) -> None:
    cluster = load_cluster(
        cluster_file, etcd_bin_dir=etcd_bin_dir, cacert=cacert, cert=cert, key=key
    )
    _refuse_unknown(name, cluster)
    operator = operator_of(user, cluster.user)
    with shown_failure(output):
        prepared = asyncio.run(prepare_change(operator, cluster, verb, name, backup=backup))
    offer(operator, prepared, plan_only=plan_only, yes=yes, output=output)


def _refuse_unknown(name: str, cluster: Cluster) -> None:
    names = [member.name for member in cluster.members]
    if name not in names:
        raise UsageError(
            f"the cluster file has no member {name}",
            hint=f"Its members are {', '.join(names)}.",
        )


def _no_member_from_backup(name: str) -> Refused:
    return Refused(
        "a member of a cluster that serves cannot come from a backup: what is restored has a "
        "cluster ID and member IDs of its own, so its peers would refuse it, and its log would "
        "lack what they have acknowledged since",
        hint=f"`requorum member replace {name}` without it: the member fetches everything from the "
        "leader. `requorum restore FILE` is for a cluster of which no quorum is left.",
    )
