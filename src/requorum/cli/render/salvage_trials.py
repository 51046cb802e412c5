"""How salvage trials are shown: a line for each, then what they came to."""

from requorum.cli.output import console
from requorum.lab.salvage_trials.record import TrialRecord
from requorum.lab.salvage_trials.summary import Summary


def trial_line(record: TrialRecord) -> str:
    """Return one trial in a line; a failed one with its reasons and damages below."""
    parts = [
        f"seed {record.seed:<6}",
        f"{record.version:<7}",
        _outcome(record),
        f"{record.seconds:.1f} s",
    ]
    lines = ["  ".join(parts), *(f"    FAILED: {why}" for why in record.failures)]
    if record.failures:
        lines += [f"    {damage}" for damage in record.damages]
    if record.kept:
        lines.append(f"    kept in {record.kept}")
    return "\n".join(lines)


def _outcome(record: TrialRecord) -> str:
    judged = record.judged
    if judged is None:
        return "nothing was left" if record.nothing_left else "no result"
    return (
        f"{judged.needed} records, {judged.proven} proven, {judged.lost} lost, "
        f"{judged.doubtful} doubtful, {judged.unknowable} unknowable"
    )


def show_summary(summary: Summary) -> None:
    """Print the counts on stdout."""
    out = console(err=False)
    versions = ", ".join(f"{version} ({count})" for version, count in summary.by_version.items())
    out.print(f"{summary.trials} trials in {summary.seconds:.0f} s: etcd {versions}")
    out.print(
        f"{summary.needed} records were needed, {summary.proven} of them proven, {summary.lost} "
        f"lost (in {summary.lost_in} trials); {summary.unknowable} wrong ones of which nobody can "
        f"know (in {summary.unknowable_in}); nothing was left in {summary.nothing_left}"
    )
    out.print(
        f"doubts were stated in {summary.doubtful_in}, a loss without any in "
        f"{len(summary.over_cautious)}; etcd served {summary.served} times; one salvage took at "
        f"most {summary.salvage_seconds_most:.1f} s"
    )
    if summary.failed:
        out.print(f"[red]FAILED[/]: seeds {', '.join(map(str, summary.failed))}")
    else:
        out.print("[green]none failed[/]")
