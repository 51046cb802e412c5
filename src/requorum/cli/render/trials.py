"""How crash trials are shown: a line for each, then the tables."""

from collections.abc import Iterator, Mapping

from requorum.cli.output import console
from requorum.lab.trials.record import RecoveryRecord, TrialRecord
from requorum.lab.trials.summary import Summary


def trial_line(record: TrialRecord) -> str:
    """Return one trial in a line; a failed one with its reasons below."""
    parts = [
        f"seed {record.seed:<6}",
        f"{record.version:<7}",
        f"{record.members} members",
        ", ".join(f"{d.kind}:{d.member}" for d in record.damages) or "no damage",
        f"{record.acknowledged} acknowledged",
        *_procedures(record),
        f"{record.seconds:.0f} s",
    ]
    lines = ["  ".join(parts), *(f"    FAILED: {why}" for why in record.failures)]
    if record.kept:
        lines.append(f"    kept in {record.kept}")
    return "\n".join(lines)


def _procedures(record: TrialRecord) -> Iterator[str]:
    if record.recovery is not None:
        yield _recovery(record.recovery)
    for rival in record.rivals:
        fate = f"{rival.verdict.lost} lost" if rival.verdict else "does not serve"
        yield f"{rival.procedure}: {fate}"


def _recovery(done: RecoveryRecord) -> str:
    told = " (told which cluster)" if done.pinned else ""
    if done.outcome != "recovered":
        return f"requorum: {done.outcome}{told}"
    proof = "proven none" if done.proven_none else "not proven none"
    return f"requorum: {done.path}{told}, {done.lost} lost, {proof}, {done.seconds:.1f} s"


def show_summary(summary: Summary) -> None:
    """Print the tables on stdout."""
    from rich.table import Table  # noqa: PLC0415  # heavy, and -o json does not need it

    out = console(err=False)
    losses = Table(title=f"{summary.trials} trials, {summary.acknowledged} acknowledged writes")
    for heading in ("procedure", "trials", "lost writes", "trials with a loss", "did not serve"):
        losses.add_column(heading, justify="left" if heading == "procedure" else "right")
    for row in summary.losses:
        counts = (row.trials, row.lost, row.trials_with_loss, row.not_serving)
        losses.add_row(row.procedure, *map(str, counts))
    counted = Table(title="trials by")
    for heading in ("version", "members", "damage", "outcome"):
        counted.add_column(heading)
    counted.add_row(
        *map(
            _lines,
            (summary.by_version, summary.by_members, summary.by_damage, summary.by_outcome),
        )
    )
    out.print(losses)
    out.print(counted)
    out.print(
        f"loss proven none in {summary.proven_none} of {summary.trials}, in "
        f"{len(summary.over_cautious)} not though it could have been; the cluster's ID had to be "
        f"told in {summary.pinned}; {summary.seconds:.0f} s"
    )
    if summary.failed:
        out.print(f"[red]FAILED[/]: seeds {', '.join(map(str, summary.failed))}")
    else:
        out.print("[green]none failed[/]")


def _lines(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{name}  {count}" for name, count in counts.items())
