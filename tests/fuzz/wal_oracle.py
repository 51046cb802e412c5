"""etcd's own packages for reading logs and snapshots, built with go from oracle/*.go.

etcd's tools read no WAL, and starting etcd for thousands of cases takes hours; so a small program
takes the same steps as etcd does at start. It is built from the modules that etcd publishes, per
minor; 3.4 publishes none that builds, so its files, whose format is the same, are shown to 3.5.
"""

import asyncio
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from requorum.domain.version import EtcdVersion
from requorum.lab.obtain.command import run

_SOURCES = Path(__file__).parent / "oracle"
_TIDY_SECONDS, _BUILD_SECONDS, _ANSWER_SECONDS = 300, 1200, 60
_IMPORTS_OF_3_5 = {
    "server/v3/storage/wal": "server/v3/wal",
    "go.etcd.io/raft/v3": "go.etcd.io/etcd/raft/v3",
}


def can_build() -> bool:
    """Return whether go is here."""
    return shutil.which("go") is not None


def build(version: EtcdVersion, directory: Path) -> Path:
    """Build the program with the packages of one release; ToolUnfit where that fails."""
    directory.mkdir(parents=True, exist_ok=True)
    series = version.minor_series
    for source in ("main.go", "from_3_7.go" if series >= (3, 7) else "before_3_7.go"):
        text = (_SOURCES / source).read_text(encoding="utf-8")
        for path, older in _IMPORTS_OF_3_5.items():
            text = text.replace(path, older) if series == (3, 5) else text
        (directory / source).write_text(text, encoding="utf-8")
    (directory / "go.mod").write_text(
        "module requorum.invalid/oracle\n\ngo 1.24\n\n"
        f"require go.etcd.io/etcd/server/v3 v{version}\n",
        encoding="utf-8",
    )
    environment = {"CGO_ENABLED": "0", "GOWORK": "off"}
    tags = ["-tags=etcd37"] if series >= (3, 7) else []
    tidy = {**environment, "GOFLAGS": " ".join(tags)}
    run(["go", "mod", "tidy"], deadline=_TIDY_SECONDS, cwd=directory, env=tidy)
    argv = ["go", "build", *tags, "-trimpath", "-o", "oracle", "."]
    run(argv, deadline=_BUILD_SECONDS, cwd=directory, env=environment)
    return directory / "oracle"


Question = Literal["boot", "zero"]
"""What etcd reads at start; or all of the log, from its very beginning."""


@dataclass(frozen=True)
class LogVerdict:
    """What etcd makes of a data directory's log; see oracle/main.go."""

    outcome: str
    text: str
    start: int = 0
    entries: int = 0
    digest: str = ""
    commit: int = 0
    undecodable: tuple[int, ...] = ()


class LogOracle:
    """One running program, asked about one directory after the other."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, question: Question, data_dir: Path) -> LogVerdict:
        """Return its verdict; the directory is written to. A program that dies says no."""
        process = self._process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{question} {data_dir}\n".encode())
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                line = await process.stdout.readline()
        except TimeoutError:
            await self.end()
            return LogVerdict("hung", f"no answer within {_ANSWER_SECONDS} s")
        if not line:
            await self.end()
            return LogVerdict("died", "the program ended")
        answer = json.loads(line)
        answer["undecodable"] = tuple(answer["undecodable"] or ())
        return LogVerdict(**answer)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(self._binary),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 24,
        )

    async def end(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
