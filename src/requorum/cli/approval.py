"""Showing a plan, asking for it, and showing how it runs."""

import sys
from collections.abc import Mapping, Sequence

import click
from pydantic import JsonValue
from rich.console import Console

from requorum.app.results import LossResult
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain
from requorum.cli.render.progress import ByteProgress
from requorum.errors import UsageError
from requorum.workflow.plan import PlanHeader
from requorum.workflow.step import StepOutline


def show_plan(
    plan: PlanHeader,
    steps: Sequence[StepOutline],
    loss: LossResult | None,
    *,
    to_stdout: bool = False,
) -> None:
    """Print a plan, readable at three in the morning: where it is asked for, it is the data."""
    out = console(err=not to_stdout)
    out.print(f"\n[bold]Plan {plan.run_id}[/]: {plan.runbook} [bold]{plan.subject}[/]")
    for line in plan.summary:
        out.print(f"  {line}", markup=False)
    if loss is not None:
        show_loss(loss, out)
    for line in plan.warnings:
        out.print("  [yellow]![/] ", end="")
        out.print(line, markup=False)
    out.print()
    previous: str | None = None
    passed = False
    for number, step in enumerate(steps, start=1):
        joined = step.together is not None and step.together == previous
        previous = step.together
        out.print(f" {'  ' if joined else ''}{number:2}. ", end="")
        out.print(step.title, style="bold", markup=False, end="")
        out.print(f"  [dim]on {step.host}[/]" if step.host != "-" else "")
        if not joined:
            out.print(f"      {step.reason}", style="dim", markup=False)
            if step.risk:
                out.print(f"      risk: {step.risk}", style="yellow", markup=False)
            if step.point_of_no_return and not passed:
                passed = True
                out.print("      point of no return: a rollback is possible until here")
        for line in step.details:
            style = {"-": "red", "+": "green"}.get(line[:1])
            out.print(f"      {plain(line)}", style=style, markup=False, soft_wrap=True)
    out.print()


def show_loss(loss: LossResult, out: Console) -> None:
    """Print what may be lost, and what that rests on."""
    if loss.proven_none:
        out.print("  [green]loss: proven none[/]")
        for line in loss.grounds:
            out.print(f"    {line}", style="dim", markup=False)
        return
    out.print("  [red]loss: not proven none[/]")
    for found in loss.unproven:
        end = "…" if found.last_revision is None else found.last_revision
        out.print(f"    revisions {found.first_revision} to {end}: {found.reason}", markup=False)


def ask_approval(*, yes: bool) -> bool:
    """Return whether the plan may run; UsageError when nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "the plan needs approval and there is nobody to ask",
            hint="Read it with --plan, then run with --yes.",
        )
    return click.confirm("Run this plan?", default=False, err=True)


class StepPrinter:
    """Prints each step as it begins and ends, on stderr; with `brief` only as it ends."""

    def __init__(self, total: int, *, brief: bool = False) -> None:
        self._total = total
        self._brief = brief
        self._out = console()
        self._bytes = ByteProgress(self._out)

    def progress(self, text: str, done: int, total: int | None) -> None:
        """Show how many bytes of long work are done."""
        self._bytes.show(text, done, total)

    def say(self, text: str) -> None:
        """Print one line about the work inside of a step."""
        self._out.print(f"      {text}", style="dim", markup=False)

    def step_begun(self, index: int, step: StepOutline) -> None:
        """Print that a step begins."""
        if self._brief:
            return
        self._out.print(f" → {index + 1}/{self._total} {step.title}", markup=False)

    def step_done(self, index: int, step: StepOutline, note: Mapping[str, JsonValue]) -> None:
        """Print that it is done, and what it noted."""
        self._bytes.close()
        self._out.print(f" [green]✓[/] {index + 1}/{self._total} ", end="")
        noted = "" if self._brief else ", ".join(f"{k} {v}" for k, v in note.items())
        self._out.print(f"{step.title}{f'  ({noted})' if noted else ''}", markup=False)

    def step_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Print that it failed."""
        self._bytes.close()
        self._out.print(f" [red]✗[/] {index + 1}/{self._total} ", end="")
        self._out.print(f"{step.title}: {error}", markup=False)

    def undo_begun(self, index: int, step: StepOutline) -> None:
        """Print that a step is being taken back."""
        self._out.print(f" ← {index + 1}/{self._total} take back: {step.title}", markup=False)

    def step_undone(self, index: int, step: StepOutline, note: Mapping[str, JsonValue]) -> None:
        """Print that it is taken back."""
        noted = ", ".join(f"{k} {v}" for k, v in note.items())
        self._out.print(f" [green]✓[/] {index + 1}/{self._total} ", end="")
        self._out.print(f"taken back: {step.title}{f'  ({noted})' if noted else ''}", markup=False)

    def undo_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Print that it could not be taken back."""
        self._out.print(f" [red]✗[/] {index + 1}/{self._total} ", end="")
        self._out.print(f"not taken back: {step.title}: {error}", markup=False)
