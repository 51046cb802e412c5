"""`requorum runs`: what was planned and done on this machine; going on with it, or back."""

import asyncio
import sys
import time

import click

from requorum.app.recovery.run_plan import Operator, result_of_run, resume, roll_back
from requorum.app.recovery.runs import StoredRun, find_stored, list_stored
from requorum.app.results import RecoverResult
from requorum.cli.approval import StepPrinter, show_plan
from requorum.cli.options import USER, YES, operator_of
from requorum.cli.output import FORMAT, Format, console, emit_data
from requorum.cli.render.recovery import finish, shown_failure
from requorum.errors import RequorumError, UsageError

RUN = click.argument("run", default="latest")


@click.group()
def runs() -> None:
    """List and show runs; go on with one that was interrupted, or take it back."""


@runs.command("list")
@FORMAT
def list_runs(*, output: Format) -> None:
    """List all runs, newest first."""
    found = list_stored(operator_of(None, None).settings)
    if output is not Format.TABLE:
        emit_data([run.listed() for run in found], output)
        return
    if not found:
        click.echo("no run was ever made here", err=True)
    for run in found:
        click.echo(f"{run.id}  {run.status:<12} {run.runbook:<9} {run.subject}")


@runs.command()
@RUN
@FORMAT
def show(*, run: str, output: Format) -> None:
    """Show a run: its plan, what was done, and what can be done with it."""
    found = find_stored(operator_of(None, None).settings, run)
    if output is not Format.TABLE:
        emit_data(found.detailed(), output)
        return
    if found.plan is None:
        raise RequorumError(f"run {found.id} cannot be read: {found.status}")
    out = console(err=False)
    out.print(f"[bold]{found.id}[/]  {found.status}  {found.runbook} {found.subject}")
    for number, (step, status) in enumerate(found.steps(), start=1):
        out.print(f" {number:2}. {status:<8} {step.title}", markup=False)
    if found.last_error:
        out.print(f"last error: {found.last_error}", style="red", markup=False)
    for possible, command in ((found.can_resume, "resume"), (found.can_rollback, "rollback")):
        if possible:
            out.print(f"possible: requorum runs {command} {found.id}", markup=False)


@runs.command("resume")
@RUN
@YES
@USER
@FORMAT
def resume_run(*, run: str, yes: bool, user: str | None, output: Format) -> None:
    """Go on with a run that was interrupted or has failed."""
    _go(run, back=False, yes=yes, user=user, output=output)


@runs.command("rollback")
@RUN
@YES
@USER
@FORMAT
def rollback_run(*, run: str, yes: bool, user: str | None, output: Format) -> None:
    """Take back everything that a run has done; possible until its last step is done."""
    _go(run, back=True, yes=yes, user=user, output=output)


def _go(run: str, *, back: bool, yes: bool, user: str | None, output: Format) -> None:
    operator = operator_of(user, None)
    found = find_stored(operator.settings, run)
    if found.plan is None:
        raise RequorumError(f"run {found.id} cannot be read: {found.status}")
    denial = found.denial(back=back)
    if denial is None and not yes:
        show_plan(found.plan, found.plan.steps, None)
        _ask("Take it back?" if back else "Go on with it?")
    with shown_failure(output, run=found.id):
        result = asyncio.run(_carry_on(operator, found, back=back))
    finish(result, output)


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("this needs approval and there is nobody to ask", hint="Add --yes.")
    if not click.confirm(question, default=False, err=True):
        click.echo("nothing was done", err=True)
        sys.exit(RequorumError.exit_code)


async def _carry_on(operator: Operator, found: StoredRun, *, back: bool) -> RecoverResult:
    began = time.monotonic()
    printer = StepPrinter(len(found.plan.steps) if found.plan else 0)
    if back:
        plan = await roll_back(operator, found.id, printer)
        outcome = "rolled-back"
    else:
        plan = await resume(operator, found.id, printer)
        outcome = "recovered"
    return await result_of_run(operator, plan, outcome=outcome, began=began)
