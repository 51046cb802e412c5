"""`requorum lab`: a practice cluster of real etcd processes, to break and to mend.

`lab member start`, `stop` and `status` are the practice members' service commands: each is a
process that pays for its imports, so that the others import what they need when they are called.
"""

import asyncio
import random
import signal
from functools import partial
from pathlib import Path

import click

from requorum.app.practice import lab_member
from requorum.cli.command_lab_hosts import hosts
from requorum.cli.output import FORMAT, Format, console, emit_data
from requorum.cli.render.aligned_text import plain
from requorum.domain.units import counted
from requorum.lab.damage.kinds import DamageKind

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


lab.add_command(hosts)


@lab.command()
@DIR
@click.option("--members", default=3, show_default=True, type=click.IntRange(1, 9))
@click.option("--etcd", "version", default="3.5", show_default=True, help="Version of etcd.")
def up(*, directory: Path, members: int, version: str) -> None:
    """Make a practice cluster and start it; writes a requorum.yaml for all other commands."""
    from requorum.app.practice import lab as use  # noqa: PLC0415  # see the first lines

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
    from requorum.app.practice import lab as use  # noqa: PLC0415  # see the first lines

    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    totals = asyncio.run(use.load(directory, writers=writers, seconds=seconds, seed=seed))
    click.echo(
        f"{totals.acknowledged} operations acknowledged, {totals.unknown} of unknown outcome, "
        f"revision {totals.revision} (seed {seed})"
    )


@lab.command()
@DIR
@click.option("--members", "names", help="Which to kill, by name, with commas; all otherwise.")
@click.option(
    "--damage",
    "damages",
    multiple=True,
    metavar="KIND:MEMBER",
    help=f"Kinds: {', '.join(DamageKind)}.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Where the damage falls.")
def crash(*, directory: Path, names: str | None, damages: tuple[str, ...], seed: int) -> None:
    """Kill members with SIGKILL, all at once, and damage what they leave."""
    from requorum.app.practice import lab as use  # noqa: PLC0415  # see the first lines

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
    from requorum.app.practice import lab as use  # noqa: PLC0415  # see the first lines

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
    """Count the acknowledged writes that the cluster has now; exit 1 if one is missing.

    Keys that no load wrote are counted and named as foreign: with them it is 1, too.
    """
    from requorum.app.practice import lab as use  # noqa: PLC0415  # see the first lines

    result = asyncio.run(use.count(directory))
    if output is not Format.TABLE:
        emit_data(result.model_dump(mode="json"), output)
    else:
        foreign = counted(result.foreign, "foreign key", "foreign keys")
        also = f"; {foreign}" if result.foreign else ""
        click.echo(f"{result.acknowledged} acknowledged writes, {result.lost} missing{also}")
        for line in result.shown:
            click.echo(f"  {plain(line)}")
    raise SystemExit(0 if result.clean else 1)


@lab.command()
@DIR
def down(*, directory: Path) -> None:
    """Stop every member; the files stay."""
    from requorum.app.practice import lab as use  # noqa: PLC0415  # see the first lines

    use.down(directory)
    click.echo(f"stopped; the files are still in {directory}")


@lab.command()
@click.option("--trials", "count", default=10, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="Trial number i has the seed S + i.")
@click.option("--only", type=int, metavar="SEED", help="Run only the trial with this very seed.")
@click.option(
    "--procedure",
    type=click.Choice(["requorum", "classic", "force-new-cluster", "all"]),
    default="requorum",
    show_default=True,
    help="all: the others on copies of the same crashes, for comparison.",
)
@click.option(
    "--etcd", "versions", metavar="VERSIONS", help="With commas; every minor there is otherwise."
)
@click.option(
    "--keep-failed",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the files of each failed trial in DIR/SEED.",
)
@FORMAT
def trials(
    *,
    count: int,
    seed: int,
    only: int | None,
    procedure: str,
    versions: str | None,
    keep_failed: Path | None,
    output: Format,
) -> None:
    """Crash practice clusters at random, recover them, count what is missing.

    Each trial: a random version, size and load, all killed with SIGKILL at a random moment, up to
    two random damages, a recovery, and every acknowledged write looked for through every healthy
    member. Exit 1 if a trial failed; its seed is named.

    A seed repeats what is drawn: version, load, moments, damages. It cannot repeat the crash bit
    for bit, since processes race: which writes were under way differs from run to run.
    """
    from requorum.app.practice import trials as trial_use  # noqa: PLC0415  # see the first lines
    from requorum.cli.render.trials import show_summary, trial_line  # noqa: PLC0415

    # A trial's members outlive their parent: whoever ends us must not leave them behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = trial_use.wanted(
        seeds=[only] if only is not None else range(seed, seed + count),
        procedure=procedure,
        versions=versions.split(",") if versions else None,
        keep_failed=keep_failed,
    )
    records = []
    for record in trial_use.run_trials(wanted, lambda line: click.echo(line, err=True)):
        records.append(record)
        click.echo(trial_line(record), err=True)
    summary = trial_use.summarise(records)
    if output is Format.TABLE:
        show_summary(summary)
    else:
        trials_data = [r.model_dump(mode="json") | {"failures": r.failures} for r in records]
        emit_data({"summary": summary.model_dump(mode="json"), "trials": trials_data}, output)
    raise SystemExit(1 if summary.failed else 0)


@lab.command("host-trials")
@click.option("--trials", "count", default=3, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="The first trial's; the next has S + 1.")
@click.option("--only", type=int, metavar="SEED", help="Run only the trial with this very seed.")
@click.option(
    "--etcd", "versions", metavar="VERSIONS", help="With commas; 3.4, 3.5 and 3.6 otherwise."
)
@click.option(
    "--keep-failed",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the hosts of each failed trial in DIR/SEED, shut down.",
)
@FORMAT
def host_trials(
    *,
    count: int,
    seed: int,
    only: int | None,
    versions: str | None,
    keep_failed: Path | None,
    output: Format,
) -> None:
    """Crash real hosts at random, recover them over SSH, count what is missing; as root.

    Each trial: three hosts, clients that write, the power of all cut at a random moment, up to
    three random damages, `requorum recover` from the command line, and every acknowledged write
    looked for through every healthy member. Whether kubelet and API server were stopped and
    started in order is read in their own logs. Exit 1 if a trial failed; its seed is named.
    """
    from requorum.app.practice import host_trials as use  # noqa: PLC0415  # see the first lines
    from requorum.cli.render.trials import show_summary, trial_line  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seeds = [only] if only is not None else range(seed, seed + count)
    chosen = versions.split(",") if versions else use.MINORS
    records = []
    say = partial(click.echo, err=True)
    for record in use.run_host_trials(seeds, chosen, keep_failed, say):
        records.append(record)
        click.echo(trial_line(record), err=True)
    summary = use.summarise(records)
    if output is Format.TABLE:
        show_summary(summary)
    else:
        trials_data = [r.model_dump(mode="json") | {"failures": r.failures} for r in records]
        emit_data({"summary": summary.model_dump(mode="json"), "trials": trials_data}, output)
    raise SystemExit(1 if summary.failed else 0)


@lab.command("salvage-trials")
@click.option("--trials", "count", default=10, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="The first trial's; the next has S + 1.")
@click.option("--only", type=int, metavar="SEED", help="Run only the trial with this very seed.")
@click.option(
    "--etcd", "versions", metavar="VERSIONS", help="With commas; every minor there is otherwise."
)
@click.option(
    "--keep-failed",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the files of each failed trial in DIR/SEED.",
)
@FORMAT
def salvage_trials(
    *,
    count: int,
    seed: int,
    only: int | None,
    versions: str | None,
    keep_failed: Path | None,
    output: Format,
) -> None:
    """Damage real databases and logs at random, salvage them, judge what is in the result.

    Each trial: the files of a killed cluster of a random version, several random damages on every
    member, one salvage of all of them, and the result restored and served by two versions of etcd.
    What the damaged files still prove must be in it; what is not as it was must be said to be
    doubtful or lost. Exit 1 if a trial failed; its seed is named.
    """
    from requorum.app.practice import salvage_trials as use  # noqa: PLC0415  # see the first lines
    from requorum.cli.render.salvage_trials import show_summary, trial_line  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = use.SalvageTrialsWanted(
        seeds=[only] if only is not None else range(seed, seed + count),
        versions=versions.split(",") if versions else use.MINORS,
        keep_failed=keep_failed,
    )
    records = []
    for record in use.run_salvage_trials(wanted, lambda line: click.echo(line, err=True)):
        records.append(record)
        click.echo(trial_line(record), err=True)
    summary = use.summarise(records)
    if output is Format.TABLE:
        show_summary(summary)
    else:
        trials_data = [r.model_dump(mode="json") | {"failures": r.failures} for r in records]
        emit_data({"summary": summary.model_dump(mode="json"), "trials": trials_data}, output)
    raise SystemExit(1 if summary.failed else 0)


@lab.group()
def member() -> None:
    """Start, stop, configure and ask for one member; what requorum.yaml calls."""


@member.command("start")
@DIR
@click.argument("name")
def member_start(*, directory: Path, name: str) -> None:
    """Start a member."""
    lab_member.start_member(directory, name)


@member.command("stop")
@DIR
@click.argument("name")
def member_stop(*, directory: Path, name: str) -> None:
    """Stop a member."""
    lab_member.stop_member(directory, name)


@member.command("status")
@DIR
@click.argument("name")
def member_status(*, directory: Path, name: str) -> None:
    """Exit with 0 while the member runs, with 1 while it does not."""
    raise SystemExit(0 if lab_member.member_running(directory, name) else 1)


@member.command("configure", context_settings={"ignore_unknown_options": True})
@DIR
@click.argument("name")
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def member_configure(*, directory: Path, name: str, flags: tuple[str, ...]) -> None:
    """Make etcd's FLAGS count from the member's next start on; without any, go back."""
    lab_member.configure_member(directory, name, flags)
