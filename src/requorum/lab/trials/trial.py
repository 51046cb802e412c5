"""One crash trial: crash, recover, judge; then the other procedures on copies of the crash."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from requorum.lab.classic import classic
from requorum.lab.force_new_cluster import force_new_cluster
from requorum.lab.oracle import read_promises
from requorum.lab.practice import Connect, crash
from requorum.lab.trials.crashed import Crashed, crash_as_drawn
from requorum.lab.trials.drawn import Drawn
from requorum.lab.trials.record import DamageRecord, TrialRecord
from requorum.lab.trials.recovery import Recover
from requorum.lab.trials.recovery_tried import recover_and_judge, told
from requorum.lab.trials.rivals import Rival, try_rival

Procedure = Literal["requorum", "classic", "force-new-cluster"]

PROCEDURES: tuple[Procedure, ...] = ("requorum", "classic", "force-new-cluster")
RIVALS: dict[Procedure, Rival] = {
    "classic": classic,
    "force-new-cluster": force_new_cluster,
}


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
        record = record.model_copy(update={"error": told(error)})
    return record.model_copy(update={"seconds": round(time.monotonic() - began, 3)})


async def _after(crashed: Crashed, bench: Bench) -> dict[str, object]:
    """Return the fields of the record that tell what became of the crash."""
    recovery = None
    if "requorum" in bench.procedures:
        try:
            recovery = await recover_and_judge(
                crashed,
                recover=bench.recover,
                runs_dir=bench.directory / "runs",
                connect=bench.connect,
            )
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
