"""Our own recovery of one crash, and the oracle's verdict on what came of it."""

import asyncio
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from requorum.domain.ids import ClusterId
from requorum.errors import RequorumError
from requorum.lab.practice import Connect
from requorum.lab.trials.judged import Written, judge_through
from requorum.lab.trials.record import RangeRecord, RecoveryRecord
from requorum.lab.trials.recovery import Recover, Recovered, RecoveryRequest, Refusal

RECOVERY_SECONDS = 240.0


class LabToRecover(Written, Protocol):
    """A lab, on this machine or on hosts, that has a cluster file."""

    @property
    def cluster_file(self) -> Path:
        """Return the cluster file."""
        ...


class ToRecover(Protocol):
    """A crashed cluster, as far as its recovery and the verdict on it go."""

    @property
    def lab(self) -> LabToRecover:
        """Return where it lived, and what its writers were promised."""
        ...

    @property
    def cluster_id(self) -> ClusterId:
        """Return what etcd called it."""
        ...

    def usable_files(self) -> Sequence[str]:
        """Return what a recovery could have used: asked where one says that there is nothing."""
        ...


async def recover_and_judge(
    crashed: ToRecover, *, recover: Recover, runs_dir: Path, connect: Connect
) -> RecoveryRecord:
    """Recover, and judge through every healthy member. A recovery that fails is a record, too."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(RECOVERY_SECONDS):
            pinned, answer = await _recover(crashed, recover, runs_dir)
    except Exception as error:  # noqa: BLE001  # a traceback is a finding, and the next trial waits
        return RecoveryRecord(outcome="error", message=told(error), seconds=_since(began))
    seconds = _since(began)
    if isinstance(answer, Refusal):
        return _refused(crashed, answer, pinned=pinned, seconds=seconds)
    return await _recovered(crashed.lab, answer, connect, pinned=pinned, seconds=seconds)


async def _recover(
    crashed: ToRecover, recover: Recover, runs_dir: Path
) -> tuple[bool, Recovered | Refusal]:
    """Return whether it had to be told the cluster's ID, and what came of it."""
    request = RecoveryRequest(cluster_file=crashed.lab.cluster_file, runs_dir=runs_dir)
    answer = await recover(request)
    if not isinstance(answer, Refusal) or answer.why != "ambiguous":
        return False, answer
    return True, await recover(
        RecoveryRequest(
            cluster_file=crashed.lab.cluster_file,
            runs_dir=runs_dir,
            cluster_id=crashed.cluster_id,
        )
    )


def _refused(
    crashed: ToRecover, refusal: Refusal, *, pinned: bool, seconds: float
) -> RecoveryRecord:
    nothing = refusal.why == "nothing-usable"
    return RecoveryRecord(
        outcome="nothing-usable" if nothing else "refused",
        pinned=pinned,
        usable=tuple(crashed.usable_files()) if nothing else (),
        message=refusal.message,
        seconds=seconds,
    )


async def _recovered(
    lab: Written, recovered: Recovered, connect: Connect, *, pinned: bool, seconds: float
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


def told(error: Exception) -> str:
    """Return an error of ours as its message, any other with where it was raised."""
    if isinstance(error, RequorumError | TimeoutError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
