"""Fuzz every format, led by coverage, two at a time: `make fuzz MINUTES=10`.

Runs in the virtual environment that has atheris. The corpus of each format begins with the seeds
of targets.py and is minimised at the end; it is kept below `.fuzz/`, and not committed.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from targets import TARGETS

_HERE = Path(__file__).parent
_FLAGS = ("-timeout=30", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1")
_EXECUTED = re.compile(r"stat::number_of_executed_units: *(\d+)")
_COVERED = re.compile(r"\bcov: (\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb: *(\d+)")
_GRACE_SECONDS = 120
_SLICE_SECONDS = 60.0


@dataclass(frozen=True)
class Run:
    """What came of one format: executions, edges covered, and where the finding lies, if any."""

    name: str
    seconds: float
    executed: int
    covered: int
    peak_mib: int
    corpus: str
    finding: str | None


def main() -> int:
    """Return 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", default=[], choices=[*TARGETS, []])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--room", type=Path, default=Path(".fuzz"))
    wanted = parser.parse_args()
    with ThreadPoolExecutor(wanted.jobs) as pool:
        names = wanted.formats or list(TARGETS)
        runs = list(pool.map(lambda n: _fuzz(n, wanted.minutes * 60, wanted.room), names))
    for run in runs:
        print(
            f"{run.name}: {run.executed} executions in {run.seconds / 60:.1f} minutes, "
            f"{run.covered} edges, peak {run.peak_mib} MiB, corpus {run.corpus}"
        )
        if run.finding:
            print(f"  FINDING: {run.finding}")
    return any(run.finding for run in runs)


def _fuzz(name: str, seconds: float, room: Path) -> Run:
    """Fuzz one format, in slices: what atheris itself never gives back would fill the memory."""
    corpus, log = room / "corpus" / name, room / f"{name}.log"
    findings = room / "findings" / name
    for directory in (corpus, findings):
        directory.mkdir(parents=True, exist_ok=True)
    begin, status, texts = time.monotonic(), 0, []
    with log.open("wb") as output:
        while status == 0 and (left := begin + seconds - time.monotonic()) > 0:
            slice_seconds = math.ceil(min(left, _SLICE_SECONDS))
            flags = (
                *_FLAGS, f"-max_total_time={slice_seconds}", f"-artifact_prefix={findings}/"
            )  # fmt: skip  # one line of flags
            started = output.tell()
            status = subprocess.run(
                _fuzz_one(corpus, *flags),
                env=_environment(name),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=slice_seconds + _GRACE_SECONDS,
                check=False,
            ).returncode
            output.seek(0, os.SEEK_END)
            texts.append(log.read_bytes()[started:].decode(errors="replace"))
    return Run(
        name=name,
        seconds=time.monotonic() - begin,
        executed=sum(_last(_EXECUTED, text) for text in texts),
        covered=max(_last(_COVERED, text) for text in texts),
        peak_mib=max(_last(_PEAK, text) for text in texts),
        corpus=_minimise(name, corpus, room),
        finding=f"see {log} and {findings}" if status else None,
    )


def _fuzz_one(corpus: Path, *flags: str) -> list[str]:
    return [sys.executable, str(_HERE / "fuzz_one.py"), str(corpus), *flags]


def _environment(name: str) -> dict[str, str]:
    return {**os.environ, "FORMAT": name}


def _last(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.findall(text)
    return int(found[-1]) if found else 0


def _minimise(name: str, corpus: Path, room: Path) -> str:
    """Keep the smallest inputs that cover the same; return how many, and their bytes."""
    small = room / "corpus" / f"{name}.small"
    small.mkdir(exist_ok=True)
    with (room / f"{name}.merge.log").open("wb") as output:
        status = subprocess.run(
            _fuzz_one(small, "-merge=1", str(corpus)),
            env=_environment(name),
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=20 * 60,
            check=False,
        ).returncode
    kept = [path for path in small.iterdir() if path.is_file()]
    if status or not kept:
        return f"not minimised: see {output.name}"
    for path in corpus.iterdir():
        path.unlink()
    for path in kept:
        path.rename(corpus / path.name)
    small.rmdir()
    size = sum(path.stat().st_size for path in corpus.iterdir())
    return f"{len(kept)} inputs, {size} bytes"


if __name__ == "__main__":
    raise SystemExit(main())
