"""One crash trial: crash, recover, judge; then the other procedures on copies of the crash."""

import asyncio
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from requorum.errors import RequorumError
from requorum.lab.classic import classic
from requorum.lab.force_new_cluster import force_new_cluster
from requorum.lab.layout import Lab
from requorum.lab.oracle import read_promises
from requorum.lab.practice import Connect, crash
from requorum.lab.trials.crashed import Crashed, crash_as_drawn
from requorum.lab.trials.drawn import Drawn
from requorum.lab.trials.judged import judge_through
from requorum.lab.trials.record import DamageRecord, RangeRecord, RecoveryRecord, TrialRecord
from requorum.lab.trials.recovery import Recover, Recovered, RecoveryRequest, Refusal
from requorum.lab.trials.rivals import Rival, try_rival
from requorum.lab.trials.usable import usable_files

Procedure = Literal["requorum", "classic", "force-new-cluster"]

PROCEDURES: tuple[Procedure, ...] = ("requorum", "classic", "force-new-cluster")
RIVALS: dict[Procedure, Rival] = {
    "classic": classic,
    "force-new-cluster": force_new_cluster,
}
RECOVERY_SECONDS = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a trial works with; `directory` is its own, and is empty."""

    directory: Path
    bin_dir: Path
    connect: Connect
    recover: Recover
    procedures: Sequence[Procedure]


async def run_trial(drawn: Drawn, bench: Bench) -> TrialRecord:
    """Run it. What goes wrong before there is a crash to recover from is the record's `error`."""
    began = time.monotonic()
    record = TrialRecord(
        seed=drawn.seed,
        version=drawn.version,
        members=drawn.members,
        writers=drawn.writers,
        snapshot_count=drawn.snapshot_count,
        load_seconds=round(drawn.kill_at, 3),
    )
    try:
        crashed = await crash_as_drawn(
            drawn, bench.directory, bin_dir=bench.bin_dir, connect=bench.connect
        )
        record = record.model_copy(update=await _after(crashed, bench))
    except Exception as error:  # noqa: BLE001  # a traceback is a finding, and the next trial waits
        record = record.model_copy(update={"error": _told(error)})
    return record.model_copy(update={"seconds": round(time.monotonic() - began, 3)})


async def _after(crashed: Crashed, bench: Bench) -> dict[str, object]:
    """Return the fields of the record that tell what became of the crash."""
    recovery = None
    if "requorum" in bench.procedures:
        try:
            recovery = await _recovery(crashed, bench)
        finally:
            crash(crashed.lab.directory)
    rivals = [
        await try_rival(name, RIVALS[name], crashed.lab, crashed.kept, connect=bench.connect)
        for name in bench.procedures
        if name in RIVALS
    ]
    return {
        "acknowledged": read_promises(crashed.lab.acks).acknowledged,
        "damages": tuple(
            DamageRecord(kind=d.kind, member=d.member, said=d.said) for d in crashed.inflicted
        ),
        "recovery": recovery,
        "rivals": tuple(rivals),
    }


async def _recovery(crashed: Crashed, bench: Bench) -> RecoveryRecord:
    began = time.monotonic()
    try:
        async with asyncio.timeout(RECOVERY_SECONDS):
            pinned, answer = await _recover(crashed, bench)
    except Exception as error:  # noqa: BLE001  # a traceback is a finding, and the next trial waits
        return RecoveryRecord(outcome="error", message=_told(error), seconds=_since(began))
    seconds = _since(began)
    if isinstance(answer, Refusal):
        return _refused(crashed, answer, pinned=pinned, seconds=seconds)
    return await _recovered(crashed.lab, answer, bench.connect, pinned=pinned, seconds=seconds)


async def _recover(crashed: Crashed, bench: Bench) -> tuple[bool, Recovered | Refusal]:
    """Return whether it had to be told the cluster's ID, and what came of it."""
    runs_dir = bench.directory / "runs"
    request = RecoveryRequest(cluster_file=crashed.lab.cluster_file, runs_dir=runs_dir)
    answer = await bench.recover(request)
    if not isinstance(answer, Refusal) or answer.why != "ambiguous":
        return False, answer
    return True, await bench.recover(
        RecoveryRequest(
            cluster_file=crashed.lab.cluster_file,
            runs_dir=runs_dir,
            cluster_id=crashed.cluster_id,
        )
    )


def _refused(crashed: Crashed, refusal: Refusal, *, pinned: bool, seconds: float) -> RecoveryRecord:
    nothing = refusal.why == "nothing-usable"
    return RecoveryRecord(
        outcome="nothing-usable" if nothing else "refused",
        pinned=pinned,
        usable=usable_files(crashed) if nothing else (),
        message=refusal.message,
        seconds=seconds,
    )


async def _recovered(
    lab: Lab, recovered: Recovered, connect: Connect, *, pinned: bool, seconds: float
) -> RecoveryRecord:
    healthy = [name for name, reads in recovered.healthy.items() if reads]
    unproven = recovered.loss.unproven
    return RecoveryRecord(
        outcome="recovered",
        path=recovered.path,
        pinned=pinned,
        proven_none=recovered.loss.proven_none,
        unproven=tuple(
            RangeRecord(
                first_revision=r.first_revision, last_revision=r.last_revision, reason=r.reason
            )
            for r in unproven
        ),
        grounds=recovered.loss.grounds,
        healthy=dict(recovered.healthy),
        warnings=recovered.warnings,
        verdicts=tuple([await judge_through(lab, name, connect, unproven) for name in healthy]),
        seconds=seconds,
    )


def _told(error: Exception) -> str:
    """Return an error of ours as its message, any other with where it was raised."""
    if isinstance(error, RequorumError | TimeoutError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
