"""`requorum recover`."""

import asyncio
import sys
from dataclasses import replace

import click

from requorum.app.recovery.recover import prepare_recovery
from requorum.app.recovery.run_plan import Operator, Prepared, run_prepared
from requorum.app.results import RecoverResult
from requorum.cli.approval import StepPrinter, ask_approval, show_plan
from requorum.cli.options import (
    CLUSTER_FILE,
    ETCD_BIN_DIR,
    PLAN,
    USER,
    YES,
    load_cluster,
    operator_of,
    tls_options,
)
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.cli.render.recovery import finish, shown_failure
from requorum.errors import RequorumError


@click.command()
@CLUSTER_FILE
@PLAN
@YES
@click.option("--cluster-id", metavar="HEX", help="Which cluster, where the disks hold several.")
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
    operator = operator_of(user, cluster.user)
    with shown_failure(output):
        prepared = asyncio.run(prepare_recovery(operator, cluster))
    offer(operator, prepared, plan_only=plan_only, yes=yes, output=output)


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
    watched = replace(prepared, world=replace(prepared.world, say=printer.say))
    with shown_failure(output, run=plan.run_id):
        result = asyncio.run(run_prepared(operator, watched, printer))
    finish(result, output)
