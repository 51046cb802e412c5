"""One salvage trial: damage copies of a recorded crash, salvage, judge, restore, boot, ask."""

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from requorum.errors import DamagedInput, RequorumError
from requorum.lab.practice import Connect
from requorum.lab.salvage_trials.clean_end import last_shown
from requorum.lab.salvage_trials.drawn import Drawn
from requorum.lab.salvage_trials.evidence import Evidence, find_evidence
from requorum.lab.salvage_trials.inflict import damaged_copies
from requorum.lab.salvage_trials.judged import Case, Claims, judge
from requorum.lab.salvage_trials.record import ServedRecord, TrialRecord
from requorum.lab.salvage_trials.recorded import Recorded
from requorum.lab.salvage_trials.result_file import ResultFile
from requorum.lab.salvage_trials.served import serve

Salvage = Callable[[Sequence[Path], Path], Claims]
"""Salvages what members' data directories hold into a new file; says what is uncertain of it.

DamagedInput where nothing can be saved.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a trial works with; `directory` is its own, and is empty. `bin_dirs` by version."""

    directory: Path
    bin_dirs: Mapping[str, Path]
    connect: Connect
    salvage: Salvage


def run_trial(drawn: Drawn, recorded: Recorded, bench: Bench) -> TrialRecord:
    """Run it. A traceback is a finding as any other, and the next trial waits."""
    began = time.monotonic()
    record = TrialRecord(seed=drawn.seed, version=drawn.version, load=drawn.load)
    try:
        damaged, said = damaged_copies(recorded, drawn, bench.directory / "damaged")
        record = record.model_copy(update={"damages": said})
        record = record.model_copy(update=_tried(drawn, recorded, damaged, bench))
    except Exception as error:  # noqa: BLE001
        record = record.model_copy(update={"error": _told(error)})
    return record.model_copy(update={"seconds": round(time.monotonic() - began, 3)})


def _tried(
    drawn: Drawn, recorded: Recorded, damaged: Mapping[str, Path], bench: Bench
) -> dict[str, object]:
    """Return the fields of the record that tell what became of the damaged files."""
    evidence = find_evidence(recorded, damaged)
    file = bench.directory / "salvaged.db"
    began = time.monotonic()
    try:
        claims = bench.salvage(tuple(damaged.values()), file)
    except DamagedInput:
        return {"nothing_left": _nothing_left(evidence, recorded)}
    seconds = round(time.monotonic() - began, 3)
    result = ResultFile(file.read_bytes())
    case = Case(
        truth=recorded.truth,
        committed=last_shown(recorded, damaged, evidence),
        rows=recorded.small_rows,
        evidence=evidence,
        result=result,
        claims=claims,
    )
    return {
        "salvage_seconds": seconds,
        "judged": judge(case),
        "served": tuple(
            _served(v, file, result, bench, drawn) for v in (drawn.version, drawn.other)
        ),
    }


def _nothing_left(evidence: Evidence, recorded: Recorded) -> bool:
    return not evidence.proves(recorded.truth)


def _served(
    version: str, file: Path, result: ResultFile, bench: Bench, drawn: Drawn
) -> ServedRecord:
    serving = serve(
        file,
        result,
        bench.directory / f"served-{version}",
        bin_dir=bench.bin_dirs[version],
        connect=bench.connect,
        seed=drawn.seed,
    )
    try:
        troubles = asyncio.run(serving)
    except RequorumError as error:
        troubles = (f"{type(error).__name__}: {error}",)
    return ServedRecord(version=version, troubles=troubles)


def _told(error: Exception) -> str:
    """Return an error of ours as its message, any other with where it was raised."""
    if isinstance(error, RequorumError | TimeoutError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error))
