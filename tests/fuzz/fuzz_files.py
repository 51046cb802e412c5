"""Damage real files of every minor, and let every reader loose on them: `make fuzz-files`.

    python tests/fuzz/fuzz_files.py --cases 20000 --seed 1 [--only NUMBER] [--no-etcd]

Each case is a real file with random damage, read by a worker that is watched: an exception that is
not requorum's own, a case that takes longer than its deadline, or a worker that dies is a finding.
etcd's own tools are shown the same databases: what they refuse, requorum must report.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from campaign import Campaign, Tally
from etcd_tools import Tools
from real_files import record
from wal_oracle import build, can_build

from requorum.domain.version import EtcdVersion
from requorum.lab.obtain.cache import BinaryCache, default_cache
from requorum.lab.obtain.wanted import Wanted

MINORS = ("3.4", "3.5", "3.6", "3.7")
_PROGRESS_EVERY = 1000


def main() -> int:
    """Return 1 where there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, help="run this one case again")
    parser.add_argument("--files", type=Path, help="recorded before: for repeating a case")
    parser.add_argument("--keep", type=Path, help="where the files of findings are kept")
    parser.add_argument("--oracles", type=Path, help="built before, with etcd's own packages")
    parser.add_argument("--doors-every", type=int, default=20, help="run the commands, too")
    parser.add_argument("--no-etcd", action="store_true", help="do not ask etcd's tools")
    wanted = parser.parse_args()
    binaries = _binaries()
    if not binaries:
        print("no etcd is here to write files; nothing was run", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="requorum-fuzz-") as directory:
        keep = wanted.keep or Path(tempfile.mkdtemp(prefix="requorum-findings-"))
        files = wanted.files or keep / "files"
        for minor, path in binaries.items():
            if not (files / minor).exists():
                record(path, files, minor)
        room, minors = Path(directory), list(binaries)
        tools = None if wanted.no_etcd else Tools(binaries)
        oracles = {} if wanted.no_etcd else _oracles(binaries, wanted.oracles or keep / "oracles")
        campaign = Campaign(
            files, minors, wanted.seed, room, keep, tools, oracles, wanted.doors_every
        )
        numbers = range(wanted.cases) if wanted.only is None else [wanted.only]
        begin = time.monotonic()
        tally = campaign.run(numbers, jobs=wanted.jobs, progress=_progress)
        _show(tally, time.monotonic() - begin, keep)
    return bool(tally.findings)


def _binaries() -> dict[str, Path]:
    cache = BinaryCache(default_cache(os.environ))
    found = {m: cache.find(Wanted.parse(m), accept_divergence=True) for m in MINORS}
    return {minor: had.directory for minor, had in found.items() if had is not None}


def _oracles(binaries: Mapping[str, Path], shelf: Path) -> dict[str, Path]:
    """Build what reads logs as etcd does; for a minor that has no such modules, the next one's."""
    if not can_build():
        print("no go is here: logs are not compared with etcd's own reading", file=sys.stderr)
        return {}
    built: dict[str, Path] = {}
    for minor in sorted(binaries, reverse=True):
        version = EtcdVersion.parse(binaries[minor].name)
        assert version is not None
        program = shelf / str(version) / "oracle"
        if version.minor_series < (3, 5):
            print(f"the logs of {minor} are shown to the packages of 3.5", file=sys.stderr)
            built |= {minor: built["3.5"]} if "3.5" in built else {}
            continue
        built[minor] = program if program.exists() else build(version, program.parent)
    return built


def _progress(number: int) -> None:
    if number and number % _PROGRESS_EVERY == 0:
        print(f"{number} cases", file=sys.stderr, flush=True)


def _show(tally: Tally, seconds: float, keep: Path) -> None:
    print(f"{sum(tally.cases.values())} cases in {seconds:.0f} s")
    for (minor, kind), count in sorted(tally.cases.items()):
        print(f"  {minor} {kind}: {count}, of these reported damaged: {tally.damaged[minor, kind]}")
    print("etcd on the same files (`snapshot status`; its reading of a log) / requorum:")
    for (minor, theirs, ours), count in sorted(tally.compared.items()):
        print(f"  {minor} {theirs} / {ours}: {count}")
    print("etcd's own reading of the log at start / what `inspect datadir` predicts:")
    for (minor, theirs, ours), count in sorted(tally.predicted.items()):
        print(f"  {minor} {theirs} / {ours}: {count}")
    seconds, where = tally.slowest
    print(f"slowest reader: {seconds:.2f} s ({where}); peak memory: {tally.peak_kib >> 10} MiB")
    for finding in tally.findings:
        print(f"FINDING case {finding.number}: {finding.what}\n  {finding.problem}")
    print(f"{len(tally.findings)} findings" + (f", kept in {keep}" if tally.findings else ""))


if __name__ == "__main__":
    raise SystemExit(main())
