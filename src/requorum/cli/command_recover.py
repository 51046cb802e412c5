"""`requorum recover`."""

import asyncio
import sys

import click

from requorum.app.recovery.carry_out import run_prepared
from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import Prepared
from requorum.app.recovery.recover import prepare_recovery
from requorum.app.results import RecoverResult
from requorum.cli.approval import StepPrinter, ask_approval, show_plan
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
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.cli.render.recovery import finish, shown_failure
from requorum.domain.cluster import Cluster
from requorum.errors import RequorumError, UsageError


@click.command()
@CLUSTER_FILE
@PLAN
@YES
@click.option("--cluster-id", metavar="HEX", help="Which cluster, where the disks hold several.")
@click.option(
    "--lost",
    multiple=True,
    metavar="MEMBER",
    help="Its host does not answer, and it is off and stays off; may be given more than once.",
)
@NO_BACKUP
@ETCD_BIN_DIR
@USER
@tls_options
@FORMAT
def recover(
    *,
    cluster_file: str,
    plan_only: bool,
    yes: bool,
    cluster_id: str | None,
    lost: tuple[str, ...],
    backup: bool,
    etcd_bin_dir: str | None,
    user: str | None,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    output: Format,
) -> None:
    """Bring a failed cluster back with every acknowledged write.

    Reads what every member's disk still proves, shows a plan with its reasons, and runs what was
    approved. Nothing is removed: old data is renamed, and `requorum runs rollback` puts it back.
    """
    cluster = load_cluster(
        cluster_file,
        etcd_bin_dir=etcd_bin_dir,
        cluster_id=cluster_id,
        cacert=cacert,
        cert=cert,
        key=key,
    )
    _refuse_unknown(lost, cluster)
    operator = operator_of(user, cluster.user)
    with shown_failure(output):
        prepared = asyncio.run(prepare_recovery(operator, cluster, lost=lost, backup=backup))
    offer(operator, prepared, plan_only=plan_only, yes=yes, output=output)


def _refuse_unknown(lost: tuple[str, ...], cluster: Cluster) -> None:
    names = [member.name for member in cluster.members]
    for name in lost:
        if name not in names:
            raise UsageError(
                f"--lost {name}: the cluster file has no such member",
                hint=f"Its members are {', '.join(names)}.",
            )


def offer(
    operator: Operator,
    prepared: Prepared | RecoverResult,
    *,
    plan_only: bool,
    yes: bool,
    output: Format,
) -> None:
    """Show what was planned, ask for it, run it, and print the result."""
    if isinstance(prepared, RecoverResult):
        finish(prepared, output)
        return
    plan = prepared.plan
    if plan_only and output is not Format.TABLE:
        emit_data(plan.model_dump(mode="json"), output)
        return
    show_plan(plan, plan.steps, prepared.loss, to_stdout=plan_only)
    if plan_only:
        return
    if not ask_approval(yes=yes):
        click.echo("nothing was done", err=True)
        sys.exit(RequorumError.exit_code)
    printer = StepPrinter(len(plan.steps))
    with shown_failure(output, run=plan.run_id):
        result = asyncio.run(run_prepared(operator, prepared, printer))
    finish(result, output)
