"""The use case behind `requorum lab trials`: the lab's crash trials, with our own recovery."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from requorum.app.cluster_file import load_cluster_file
from requorum.app.recovery.carry_out import run_prepared
from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import Prepared
from requorum.app.recovery.recover import prepare_recovery
from requorum.app.results import RecoverResult
from requorum.app.settings import Settings
from requorum.app.wiring import connector
from requorum.domain.loss import Loss, UnprovenRange
from requorum.errors import Refused, StepFailed, ToolUnfit
from requorum.lab.binaries import obtain
from requorum.lab.obtain.wanted import NotHad, Obtained
from requorum.lab.trials.drawn import draw
from requorum.lab.trials.record import TrialRecord
from requorum.lab.trials.recovery import Recovered, RecoveryRequest, Refusal
from requorum.lab.trials.summary import summarise
from requorum.lab.trials.trial import PROCEDURES, Bench, Procedure, run_trial
from requorum.workflow.observer import SilentObserver

__all__ = [
    "MINORS",
    "TrialsWanted",
    "obtained",
    "recover_once",
    "refusal_of",
    "run_trials",
    "summarise",
    "trial_directory",
    "wanted",
]

MINORS = ("3.4", "3.5", "3.6", "3.7")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialsWanted:
    """What is to be tried. A trial that failed stays below `keep_failed`, in `<seed>`."""

    seeds: Sequence[int]
    procedures: Sequence[Procedure]
    versions: Sequence[str] = MINORS
    keep_failed: Path | None = None


def wanted(
    *,
    seeds: Sequence[int],
    procedure: str,
    versions: Sequence[str] | None,
    keep_failed: Path | None,
) -> TrialsWanted:
    """Return what the command line asks for; `procedure` is one of them, or "all"."""
    return TrialsWanted(
        seeds=seeds,
        procedures=[name for name in PROCEDURES if procedure in {name, "all"}],
        versions=versions or MINORS,
        keep_failed=keep_failed,
    )


def run_trials(asked: TrialsWanted, say: Callable[[str], None]) -> Iterator[TrialRecord]:
    """Run one trial after another; ToolUnfit where a wanted version of etcd cannot be had.

    Of the default versions, those that cannot be had are named with `say` and left out.
    """
    settings = Settings.from_environment()
    had = obtained(asked.versions, settings, say)
    for seed in asked.seeds:
        yield _run_one(seed, had, asked, settings)


def obtained(
    versions: Sequence[str], settings: Settings, say: Callable[[str], None]
) -> dict[str, Obtained]:
    """Return etcd's binaries by release; of the default versions, what is not had is left out."""
    had: dict[str, Obtained] = {}
    for version in versions:
        found = obtain(version, settings.etcd_cache, say)
        if isinstance(found, Obtained):
            had[str(found.version)] = found
        else:
            _leave_out(found, versions, say)
    if not had:
        raise ToolUnfit("no version of etcd could be had", hint="Put etcd on PATH, or install go.")
    return had


def _leave_out(missing: NotHad, versions: Sequence[str], say: Callable[[str], None]) -> None:
    if versions != MINORS:
        raise ToolUnfit(str(missing), hint="Put etcd and its tools on PATH, or install go.")
    say(f"left out: {missing}")


def _run_one(
    seed: int, had: dict[str, Obtained], asked: TrialsWanted, settings: Settings
) -> TrialRecord:
    drawn = draw(seed, tuple(had))
    directory = trial_directory(seed, asked.keep_failed)
    bench = Bench(
        directory=directory,
        bin_dir=had[drawn.version].directory,
        connect=connector(None, None),
        recover=partial(recover_once, settings=settings),
        procedures=asked.procedures,
    )
    try:
        record = asyncio.run(run_trial(drawn, bench))
    except BaseException:
        shutil.rmtree(directory)  # interrupted: nobody will look for it
        raise
    if not record.failures or asked.keep_failed is None:
        shutil.rmtree(directory)
        return record
    kept = record.model_copy(update={"kept": str(directory)})
    (directory / "trial.json").write_text(kept.model_dump_json(indent=2), encoding="utf-8")
    return kept


def trial_directory(seed: int, keep_failed: Path | None) -> Path:
    """Make an empty directory: one that may stay, crash and all, or a temporary one."""
    if keep_failed is None:
        return Path(tempfile.mkdtemp(prefix="requorum-trial-")).resolve()
    directory = _free_name(keep_failed.resolve(), seed)
    directory.mkdir(parents=True)
    return directory


def _free_name(below: Path, seed: int) -> Path:
    directory, number = below / str(seed), 1
    while directory.exists():
        number += 1
        directory = below / f"{seed}-{number}"
    return directory


async def recover_once(request: RecoveryRequest, settings: Settings) -> Recovered | Refusal:
    """Plan, and run what was planned, as `requorum recover --yes` does."""
    cluster = load_cluster_file(str(request.cluster_file))
    if request.cluster_id is not None:
        cluster = replace(cluster, cluster_id=request.cluster_id)
    operator = Operator(settings=replace(settings, runs_dir=request.runs_dir))
    try:
        prepared = await prepare_recovery(operator, cluster)
    except Refused as error:
        return refusal_of(error.message, error.hint or "")
    if isinstance(prepared, RecoverResult):
        raise StepFailed(f"{prepared.outcome}, with every member killed: {prepared.reasons}")
    return _recovered(await run_prepared(operator, prepared, SilentObserver()), prepared)


def refusal_of(message: str, advice: str) -> Refusal:
    """Tell the refusals apart by what they advise: the next step is what differs."""
    if "--cluster-id" in advice:
        return Refusal("ambiguous", message)
    if "requorum restore" in advice:
        return Refusal("nothing-usable", message)
    return Refusal("other", message)


def _recovered(result: RecoverResult, prepared: Prepared) -> Recovered:
    ranges = (UnprovenRange(**unproven.model_dump()) for unproven in prepared.loss.unproven)
    return Recovered(
        path=str(result.path),
        healthy={member.name: member.healthy for member in result.members},
        loss=Loss(unproven=tuple(ranges), grounds=prepared.loss.grounds),
        reasons=result.reasons,
        warnings=result.warnings,
    )
