"""The use case behind `requorum lab salvage-trials`: the lab's salvage trials, with our salvage."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from requorum.app.practice.trials import MINORS, obtained, trial_directory
from requorum.app.salvage.results import LostRangeResult, SalvageResult
from requorum.app.salvage.salvage import salvage
from requorum.app.settings import Settings
from requorum.app.wiring import connector
from requorum.formats.mvcc import Revision
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.salvage_trials.drawn import Drawn, draw
from requorum.lab.salvage_trials.judged import Claims
from requorum.lab.salvage_trials.record import TrialRecord
from requorum.lab.salvage_trials.recorded import Member, Recorded
from requorum.lab.salvage_trials.recording import MEMBERS, draw_recording, record
from requorum.lab.salvage_trials.summary import summarise
from requorum.lab.salvage_trials.trial import Bench, run_trial

__all__ = ["MINORS", "SalvageTrialsWanted", "run_salvage_trials", "summarise"]


_USERS = b"authUsers"
_SUB_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SalvageTrialsWanted:
    """What is to be tried. A trial that failed stays below `keep_failed`, in `<seed>`."""

    seeds: Sequence[int]
    versions: Sequence[str] = MINORS
    keep_failed: Path | None = None


def run_salvage_trials(
    asked: SalvageTrialsWanted, say: Callable[[str], None]
) -> Iterator[TrialRecord]:
    """Run all trials, those of one crash after another: so each crash is made only once.

    ToolUnfit where a wanted version of etcd cannot be had.
    """
    settings = Settings.from_environment()
    had = obtained(asked.versions, settings, say)
    bin_dirs = {version: found.directory for version, found in had.items()}
    trials = [draw(seed, tuple(had), members=MEMBERS) for seed in asked.seeds]
    for (version, load), group in groupby(sorted(trials, key=_crash_of), _crash_of):
        with tempfile.TemporaryDirectory(prefix="requorum-crash-") as directory:
            recorded = _record(version, load, Path(directory).resolve(), bin_dirs[version])
            for drawn in group:
                yield _run_one(drawn, recorded, bin_dirs, asked.keep_failed)


def _crash_of(drawn: Drawn) -> tuple[str, int]:
    return drawn.version, drawn.load


def _record(version: str, load: int, directory: Path, bin_dir: Path) -> Recorded:
    plan = draw_recording(load, version)
    crashed = record(plan, directory, bin_dir=bin_dir, connect=connector(None, None))
    data_dirs = asyncio.run(crashed)
    return Recorded(version, {name: Member(path) for name, path in data_dirs.items()})


def _run_one(
    drawn: Drawn, recorded: Recorded, bin_dirs: Mapping[str, Path], keep_failed: Path | None
) -> TrialRecord:
    directory = trial_directory(drawn.seed, keep_failed)
    bench = Bench(
        directory=directory, bin_dirs=bin_dirs, connect=connector(None, None), salvage=_salvage
    )
    try:
        done = run_trial(drawn, recorded, bench)
    except BaseException:
        shutil.rmtree(directory)  # interrupted: nobody will look for it
        raise
    if not done.failures or keep_failed is None:
        shutil.rmtree(directory)
        return done
    for name, member in recorded.members.items():
        copy_tree_sparse(member.data_dir, directory / "crashed" / name)
    kept = done.model_copy(update={"kept": str(directory)})
    (directory / "trial.json").write_text(kept.model_dump_json(indent=2), encoding="utf-8")
    return kept


def _salvage(data_dirs: Sequence[Path], file: Path) -> Claims:
    """Salvage as `requorum salvage DIR… -o FILE` does."""
    return claims_of(asyncio.run(salvage([str(path) for path in data_dirs], output=str(file))))


def claims_of(result: SalvageResult) -> Claims:
    """Return what is said to be uncertain. A conflict that is called settled is a certainty."""
    doubtful = {Revision(row.revision, row.sub) for row in result.doubtful}
    conflicts = {Revision(row.revision, row.sub) for row in result.conflicts if not row.settled}
    buckets = {bucket.name.encode() for bucket in result.buckets if bucket.incomplete}
    if result.users_without_password:
        buckets.add(_USERS)
    return Claims(
        doubtful=frozenset(doubtful | conflicts),
        lost=tuple(_places(lost) for lost in result.lost),
        buckets=frozenset(buckets),
    )


def _places(lost: LostRangeResult) -> tuple[Revision, Revision | None]:
    first = Revision(lost.first_revision, lost.first_sub)
    if lost.last_revision is None:
        return first, None
    last_sub = _SUB_MAX if lost.last_sub is None else lost.last_sub
    return first, Revision(lost.last_revision, last_sub)
