"""`requorum demo`."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.table import Table

from requorum.app.practice.demo import DemoResult, run_demo
from requorum.app.recovery.run_plan import Prepared
from requorum.cli.approval import StepPrinter, show_loss
from requorum.cli.output import console
from requorum.errors import UsageError
from requorum.workflow.observer import Observer


@click.command()
@click.option("--etcd", "version", default="3.5", show_default=True, help="Version of etcd.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Work in DIR, which must not exist, and leave its files; else they go in the end.",
)
def demo(*, version: str, keep: Path | None) -> None:
    """Break a real three-member cluster, bring it back, and count what was lost.

    Exits with 0 only if not one acknowledged write is missing.
    """
    teller = _Teller()
    with _directory(keep) as directory:
        result = run_demo(directory, version=version, narrator=teller)
    _show_result(result)
    sys.exit(0 if result.nothing_lost else 1)


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        if keep.exists():
            raise UsageError(f"{keep} exists already", hint="Name a directory that does not.")
        yield keep.resolve()
        return
    made = Path(tempfile.mkdtemp(prefix="requorum-demo-"))
    try:
        yield made / "demo"
    finally:
        shutil.rmtree(made)


class _Teller:
    """Tells the demo's story on the terminal."""

    def __init__(self) -> None:
        self._out = console()
        self._chapter = 0
        self._tenth = -1

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._chapter += 1
        self._out.print(f"\n[bold cyan]{self._chapter}. {title}[/]")

    def line(self, text: str) -> None:
        """Tell one fact."""
        self._out.print(f"   {text}", markup=False)

    def loading(self, acknowledged: int, seconds: float, of_seconds: float) -> None:
        """Show how far the load is: a moving line on a terminal, nothing elsewhere."""
        if not sys.stderr.isatty():
            return
        filled = int(30 * seconds / of_seconds)
        bar = f"{'█' * filled}{'·' * (30 - filled)}"
        click.echo(f"\r   {bar} {acknowledged} acknowledged", err=True, nl=False)
        if of_seconds - seconds <= 0.2:
            click.echo(err=True)

    def planned(self, prepared: Prepared) -> None:
        """Show what was decided, and why."""
        for line in prepared.plan.summary:
            self.line(line)
        for line in prepared.plan.warnings:
            self._out.print("   [yellow]![/] ", end="")
            self._out.print(line, markup=False)
        show_loss(prepared.loss, self._out)

    def observer(self, steps: int) -> Observer:
        """Return what shows the steps of the run."""
        return StepPrinter(steps, brief=True)


def _show_result(result: DemoResult) -> None:
    table = Table(title=f"One crash of etcd {result.etcd_version}, two procedures")
    table.add_column("procedure")
    for column in ("acknowledged", "missing", "seconds"):
        table.add_column(column, justify="right")
    ours, rival = result.ours, result.classic
    table.add_row(
        "requorum recover",
        str(ours.acknowledged),
        f"[bold green]{ours.lost}[/]" if ours.clean else f"[bold red]{ours.lost}[/]",
        f"{result.recovery.seconds:.1f}",
    )
    table.add_row(
        "highest revision, snapshot restore",
        str(ours.acknowledged),
        str(rival.verdict.lost) if rival.verdict else "all",
        f"{rival.seconds:.1f}",
    )
    out = console(err=False)
    out.print()
    out.print(table)
    if result.nothing_lost:
        out.print("[bold green]Not one acknowledged write is missing.[/]")
    else:
        out.print(f"[bold red]{ours.lost} acknowledged writes are missing.[/]")
