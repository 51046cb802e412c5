"""`requorum lab`: a practice cluster of real etcd processes, to break and to mend."""

import asyncio
import random
from pathlib import Path

import click

from requorum.app import lab as use
from requorum.cli.output import FORMAT, Format, console, emit_data

DIR = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("requorum-lab"),
    show_default=True,
    help="Where the practice cluster lives.",
)


@click.group()
def lab() -> None:
    """Run a practice cluster: real etcd processes on loopback, to break and to mend."""


@lab.command()
@DIR
@click.option("--members", default=3, show_default=True, type=click.IntRange(1, 9))
@click.option("--etcd", "version", default="3.5", show_default=True, help="Version of etcd.")
def up(*, directory: Path, members: int, version: str) -> None:
    """Make a practice cluster and start it; writes a requorum.yaml for all other commands."""
    out = console()
    made = use.up(directory, members=members, version=version, say=out.print)
    out.print(f"{len(made.names)} members of etcd {made.etcd_version} serve", markup=False)
    out.print(f"now: export REQUORUM_CLUSTER={made.cluster_file}", markup=False)


@lab.command()
@DIR
@click.option("--writers", default=8, show_default=True, type=click.IntRange(1, 256))
@click.option("--seconds", default=5.0, show_default=True, help="How long to write.")
@click.option("--seed", type=int, help="Makes the load repeatable; random otherwise.")
def load(*, directory: Path, writers: int, seconds: float, seed: int | None) -> None:
    """Write, and log every acknowledged put, delete, transaction and lease."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    totals = asyncio.run(use.load(directory, writers=writers, seconds=seconds, seed=seed))
    click.echo(
        f"{totals.acknowledged} acknowledged, {totals.unknown} of unknown outcome, "
        f"revision {totals.revision} (seed {seed})"
    )


@lab.command()
@DIR
@click.option("--members", "names", help="Which to kill, by name, with commas; all otherwise.")
@click.option(
    "--damage", "damages", multiple=True, metavar="KIND:MEMBER", help=f"Kinds: {use.KINDS}."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Where the damage falls.")
def crash(*, directory: Path, names: str | None, damages: tuple[str, ...], seed: int) -> None:
    """Kill members with SIGKILL, all at once, and damage what they leave."""
    killed, done = asyncio.run(
        use.crash(directory, names=names.split(",") if names else None, damages=damages, seed=seed)
    )
    click.echo(f"killed: {', '.join(killed) or 'none was running'}")
    for line in done:
        click.echo(line)


@lab.command()
@DIR
@FORMAT
def status(*, directory: Path, output: Format) -> None:
    """Show which members run."""
    states = use.status(directory)
    if output is not Format.TABLE:
        emit_data(
            [
                {
                    "name": s.name,
                    "pid": s.pid,
                    "client_url": s.client_url,
                    "peer_url": s.peer_url,
                    "has_data": s.has_data,
                }
                for s in states
            ],
            output,
        )
        return
    for s in states:
        running = f"runs as {s.pid}" if s.pid else "does not run"
        click.echo(f"{s.name}  {running}  {s.client_url}{'' if s.has_data else '  no data'}")


@lab.command()
@DIR
@FORMAT
def count(*, directory: Path, output: Format) -> None:
    """Count the acknowledged writes that the cluster has now; exit 1 if one is missing."""
    result = asyncio.run(use.count(directory))
    if output is not Format.TABLE:
        emit_data(result.model_dump(mode="json"), output)
    else:
        click.echo(f"{result.acknowledged} acknowledged writes, {result.lost} missing")
        for line in result.shown:
            click.echo(f"  {line}")
    raise SystemExit(0 if result.clean else 1)


@lab.command()
@DIR
def down(*, directory: Path) -> None:
    """Stop every member; the files stay."""
    use.down(directory)
    click.echo(f"stopped; the files are still in {directory}")


@lab.group()
def member() -> None:
    """Start, stop and ask for one member; what requorum.yaml calls."""


@member.command("start")
@DIR
@click.argument("name")
def member_start(*, directory: Path, name: str) -> None:
    """Start a member."""
    use.start_member(directory, name)


@member.command("stop")
@DIR
@click.argument("name")
def member_stop(*, directory: Path, name: str) -> None:
    """Stop a member."""
    use.stop_member(directory, name)


@member.command("status")
@DIR
@click.argument("name")
def member_status(*, directory: Path, name: str) -> None:
    """Exit with 0 while the member runs, with 1 while it does not."""
    raise SystemExit(0 if use.member_running(directory, name) else 1)
