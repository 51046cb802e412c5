"""How the result of `recover`, `restore` and `runs resume` is shown."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn

import click

from requorum.app.results import RecoverResult
from requorum.cli.interruption import INTERRUPTED
from requorum.cli.output import Format, console, emit_data, reported, show_error
from requorum.errors import Refused, RequorumError, UsageError


@contextmanager
def shown_failure(output: Format, *, run: str | None = None) -> Iterator[None]:
    """Turn an error into the one object that `-o json` promises, and exit with its code.

    Words go to stderr in any case. A usage error is about the call, not about a recovery.
    """
    began = time.monotonic()
    try:
        yield
    except UsageError:
        raise
    except RequorumError as error:
        _fail(error, output, run=run, code=error.exit_code, began=began)
    except (asyncio.CancelledError, KeyboardInterrupt):
        _fail(_interruption(run), output, run=run, code=INTERRUPTED, began=began)


def _interruption(run: str | None) -> RequorumError:
    if run is None:
        return RequorumError("interrupted", hint="Nothing was changed.")
    return RequorumError(
        f"interrupted; run {run} stopped where it was",
        hint=f"`requorum runs resume {run}` goes on, `requorum runs rollback {run}` goes back.",
    )


def _fail(
    error: RequorumError, output: Format, *, run: str | None, code: int, began: float
) -> NoReturn:
    show_error(error)
    if output is not Format.TABLE:
        result = RecoverResult(
            outcome="refused" if isinstance(error, Refused) else "failed",
            run=run,
            seconds=round(time.monotonic() - began, 3),
            error=error.message,
            hint=error.hint,
        )
        emit_data(result.model_dump(mode="json"), output)
    sys.exit(code)


def finish(result: RecoverResult, output: Format) -> None:
    """Print the result."""
    done = f"The run is done all the same: `requorum runs show {result.run}`."
    with reported(done) if result.run else nullcontext():
        _show_result(result, output)


def _show_result(result: RecoverResult, output: Format) -> None:
    if output is not Format.TABLE:
        emit_data(result.model_dump(mode="json"), output)
        return
    out = console(err=False)
    if result.outcome == "rolled-back":
        out.print(f"[bold green]rolled back[/] in {result.seconds:.1f} s", end="")
        out.print(": every member's data is what it was before the run")
        return
    healthy = [m.name for m in result.members if m.healthy]
    others = [m.name for m in result.members if not m.healthy]
    out.print(f"[bold green]{result.outcome}[/] in {result.seconds:.1f} s", end="")
    out.print(f" by {result.path}" if result.path else "")
    out.print(f"healthy: {', '.join(healthy) or 'none'}", markup=False)
    if others:
        out.print(f"not healthy: {', '.join(others)}", style="yellow", markup=False)
    if result.loss is not None:
        if result.loss.proven_none:
            out.print("[green]loss: proven none[/]")
        else:
            for found in result.loss.unproven:
                out.print(
                    f"not proven from revision {found.first_revision} on: {found.reason}",
                    style="yellow",
                    markup=False,
                )
    if result.run:
        click.echo(f"The record of it: requorum runs show {result.run}", err=True)
