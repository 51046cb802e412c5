"""A prediction held against what a real etcd did."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from booted import Booted, Goal, boot

from requorum.clients.hosts.local import LocalHost
from requorum.domain.cluster import CommandService, MemberSpec
from requorum.facts.data_dir import read_state_files, with_log
from requorum.facts.whole_dir import Place, read_whole_dir
from requorum.inspection.boot.boot import predict
from requorum.inspection.boot.prediction import Outcome, Prediction
from requorum.inspection.boot.release import Release
from requorum.inspection.soundness import reasons_not_bootable
from requorum.lab.layout import Lab

_ATTEMPTS = 3
_LATE_SECONDS = 4.0
_UNUSED = CommandService(start=("true",), stop=("true",), status=("true",))


@dataclass(frozen=True)
class Compared:
    """What was predicted, what happened, and why recover would not have started it.

    `peerless`: a member of several, none of which runs: it can get no further than raft.
    """

    prediction: Prediction
    booted: Booted
    not_bootable: tuple[str, ...]
    peerless: bool

    @property
    def agree(self) -> bool:
        """Return whether the prediction came true."""
        prediction, booted = self.prediction, self.booted
        if prediction.outcome is Outcome.FAILS and not prediction.at_once:
            return self._fails_as_told() if booted.ended else booted.raft and not booted.ready
        if prediction.outcome is Outcome.FAILS:
            return booted.ended and self._fails_as_told()
        if prediction.outcome.harmless and not self.peerless:
            return booted.ready and not booted.ended
        return booted.raft and not booted.ended

    def _fails_as_told(self) -> bool:
        told = (self.prediction.signature, *self.prediction.alternatives)
        minor = self.prediction.release.minor
        return any(s is not None and s.found_in(self.booted.log, minor) for s in told)

    def __str__(self) -> str:
        found = self.prediction
        signature = found.signature.id if found.signature is not None else "-"
        return (
            f"etcd {found.release}: predicted {found.outcome} {signature} ({found.why}); "
            f"ended {self.booted.ended}, raft {self.booted.raft}, ready {self.booted.ready}\n"
            f"{self.booted.last_words}"
        )


def compare(lab: Lab, name: str = "etcd1", *, version: str, peerless: bool = False) -> Compared:
    """Predict, then boot: as far as the prediction says, or to raft where there are no peers."""
    directory = lab.data_dir(name)
    prediction = predicted(directory, version)
    reasons = reasons_against(directory)
    until: Goal = "ready" if prediction.outcome.harmless and not peerless else "raft"
    deadline = 8.0
    if prediction.outcome is Outcome.FAILS:
        until, deadline = "ready", 8.0 if prediction.at_once else _LATE_SECONDS
    for _ in range(_ATTEMPTS):
        booted = boot(lab, name, until=until, deadline=deadline)
        if not booted.port_taken:
            break
    return Compared(prediction, booted, reasons, peerless)


def predicted(directory: Path, version: str) -> Prediction:
    """Return what we say that this version does with the directory."""
    place = Place.of(str(directory), None)
    whole = asyncio.run(read_whole_dir(LocalHost(), place, lambda _: None))
    return predict(whole.directory, Release.parse(version))


def reasons_against(directory: Path) -> tuple[str, ...]:
    """Return why `recover` would not start this directory."""
    spec = MemberSpec(
        name="it",
        host="local",
        peer_url="http://127.0.0.1:1",
        client_url="http://127.0.0.1:2",
        data_dir=str(directory),
        service=_UNUSED,
    )

    async def ask() -> tuple[str, ...]:
        found = await read_state_files(LocalHost(), spec)
        return reasons_not_bootable(await with_log(LocalHost(), spec, found, needed_from=0))

    return asyncio.run(ask())
