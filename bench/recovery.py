"""`requorum recover --yes`, beside the classic procedure as a script does it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from bench.big_cluster import BigCrash
from bench.measure import Pair, in_turn
from requorum.app.practice.lab import connect_to
from requorum.lab import practice
from requorum.lab.classic import classic

MEGABYTES = 1000


def bench_recovery(directory: Path, runs: int, megabytes: int | None) -> list[Pair]:
    """From the command to a cluster that serves; one disk lost, one WAL damaged."""
    megabytes = megabytes or MEGABYTES
    crash = BigCrash(directory, megabytes)
    environment = {**os.environ, "REQUORUM_STATE_DIR": str(directory / "state")}

    def ours() -> None:
        argv = [sys.executable, "-m", "requorum", "recover", "--yes", "-o", "json"]
        argv += ["-c", str(crash.lab.cluster_file)]
        done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)

    try:
        return [
            in_turn(
                f"recover, {megabytes} MB",
                "highest-revision db, snapshot restore x3",
                ours,
                lambda: asyncio.run(classic(crash.lab, connect_to(crash.lab))),
                runs=runs,
                before=crash.put_back,
            )
        ]
    finally:
        practice.down(crash.lab.directory)
