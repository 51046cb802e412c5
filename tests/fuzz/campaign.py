"""Many cases through watched workers, and what came of them all."""

import asyncio
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etcd_tools import Refusal, Tools
from log_comparison import compare_log
from wal_oracle import LogOracle

CASE_SECONDS = 60
"""No case takes a second; a machine that does other things may need more."""

_HERE = Path(__file__).parent
WORKER = _HERE / "worker.py"
_ROOMS = ("fuzz", "formats", "facts", "inspection")
_PYTHONPATH = [str(_HERE.parent / room) for room in _ROOMS]
_DATABASES = ("db", "snapshot")
_LOGS = ("wal", "snap")
_REFUSED = ("boot refused", "boot panicked")


def _inherited() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


@dataclass
class Finding:
    """A case that went wrong: `what` was done to the file, and what came of it."""

    number: int
    what: str
    problem: str


@dataclass
class Tally:
    """What came of a campaign; counts are by (minor, kind) or (minor, etcd's answer, ours).

    `predicted` has what `inspect datadir` said of the start instead of ours.
    """

    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    damaged: Counter[tuple[str, str]] = field(default_factory=Counter)
    compared: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    predicted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    peak_kib: int = 0


@dataclass(frozen=True)
class Campaign:
    """Which cases are run on which files. `tools` is None where etcd is not asked."""

    files: Path
    minors: list[str]
    seed: int
    room: Path
    keep: Path
    tools: Tools | None = None
    oracles: Mapping[str, Path] = field(default_factory=dict)
    """Programs that read logs as etcd does, by minor; see wal_oracle.py."""
    doors_every: int = 0
    """For which part of the cases the commands themselves are run; 0 for none."""

    def run(self, numbers: Iterable[int], *, jobs: int, progress: Callable[[int], None]) -> Tally:
        """Run the cases; a finding's files are kept."""
        tally = Tally()
        asyncio.run(self._run(iter(numbers), jobs, progress, tally))
        return tally

    async def _run(
        self, numbers: Iterator[int], jobs: int, progress: Callable[[int], None], tally: Tally
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for job in range(jobs):
                group.create_task(self._work(numbers, job, progress, tally))

    async def _work(
        self, numbers: Iterator[int], job: int, progress: Callable[[int], None], tally: Tally
    ) -> None:
        worker = Worker(self, self.room / f"job{job}")
        oracles = {minor: LogOracle(binary) for minor, binary in self.oracles.items()}
        try:
            for number in numbers:
                await self._case(worker, oracles, number, tally)
                progress(number)
        finally:
            for process in (worker, *oracles.values()):
                await process.end()

    async def _case(
        self, worker: "Worker", oracles: Mapping[str, LogOracle], number: int, tally: Tally
    ) -> None:
        answer = await worker.ask(number)
        minor, kind = self.minors[number % len(self.minors)], answer.get("kind", "unknown")
        tally.cases[minor, kind] += 1
        tally.peak_kib = max(tally.peak_kib, answer.get("peak_kib", 0))
        for reader, seconds in answer.get("seconds", {}).items():
            tally.slowest = max(tally.slowest, (seconds, f"{reader}, case {number}"))
        said = [line for lines in answer.get("damages", {}).values() for line in lines]
        tally.damaged[minor, kind] += bool(said)
        problems = list(answer["problems"])
        if self.tools is not None and kind in _DATABASES and "path" in answer:
            problems += await self._compare(minor, answer, answer["damages"]["verdict"], tally)
        if minor in oracles and kind in _LOGS and not problems:
            async for what, problem in compare_log(oracles[minor], worker.room, said):
                tally.compared[minor, what, "reported" if said else "not reported"] += 1
                problems += [problem] if problem else []
                predicted = answer.get("predictions", {}).get(minor)
                if predicted and what.startswith("boot"):
                    tally.predicted[minor, what, predicted] += 1
                    if what in _REFUSED and not predicted.startswith("fails"):
                        problems.append(f"etcd: {what}; `inspect datadir` says: {predicted}")
        for problem in problems:
            tally.findings.append(Finding(number, answer.get("started", "?"), problem))
        if problems:
            shutil.copytree(worker.room, self.keep / f"{number}", symlinks=True, dirs_exist_ok=True)

    async def _compare(
        self, minor: str, answer: dict[str, Any], said: list[str], tally: Tally
    ) -> list[str]:
        """Show the file to etcd's tool; return the problem if it minds and we do not."""
        assert self.tools is not None
        verdict = await self.tools.snapshot_status(minor, Path(answer["path"]))
        ours = "reported" if said else "not reported"
        tally.compared[minor, verdict.kind, ours] += 1
        if isinstance(verdict, Refusal) and not any("byte" in line for line in said):
            return [f"etcd's tool {verdict.kind}, requorum names no place: {verdict.text}"]
        return []


class Worker:
    """One process that reads; it is ended and started anew when it does not answer."""

    def __init__(self, campaign: Campaign, room: Path) -> None:
        self.room = room
        self._campaign = campaign
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, number: int) -> dict[str, Any]:
        """Return what the worker says of a case; `problems` tells of its death or silence."""
        process = self._process = self._process or await self._start()
        assert process.stdin is not None
        process.stdin.write(f"{number}\n".encode())
        answer: dict[str, Any] = {}
        try:
            async with asyncio.timeout(CASE_SECONDS):
                while "problems" not in answer:
                    answer |= json.loads(await self._line(process))
        except TimeoutError:
            await self.end()
            answer["problems"] = [f"no answer within {CASE_SECONDS} s"]
        except EOFError:
            status = await process.wait()
            await self.end()
            answer["problems"] = [f"the worker died with status {status}"]
        return answer

    @staticmethod
    async def _line(process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise EOFError
        return line

    async def _start(self) -> asyncio.subprocess.Process:
        self.room.parent.mkdir(parents=True, exist_ok=True)
        options = {"files": self._campaign.files, "room": self.room, "seed": self._campaign.seed}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            str(WORKER),
            *(f"--{name}={value}" for name, value in options.items()),
            f"--doors-every={self._campaign.doors_every}",
            *self._campaign.minors,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((*_PYTHONPATH, *_inherited()))},
        )

    async def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
