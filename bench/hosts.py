"""`requorum recover --yes` over SSH on real hosts, beside the classic procedure as a script."""

import os
import subprocess
import sys
from pathlib import Path

from bench.big_hosts import BigHosts
from bench.measure import Figure, Measured, in_turn
from requorum.lab.hosts.requirements import lacking

MEGABYTES = 1000
CLASSIC = Path(__file__).with_name("classic_over_ssh.sh")


def bench_hosts(directory: Path, runs: int, megabytes: int | None) -> list[Measured]:
    """From the command to a cluster that serves, clients and all; and what each has lost."""
    found = lacking()
    if found:
        print(f"not run: real hosts cannot run here: {found}")
        return []
    megabytes = megabytes or MEGABYTES
    crash = BigHosts(directory / "hosts", megabytes)
    served: list[str] = []
    lost: dict[str, list[int]] = {"requorum": [], "classic": []}
    environment = {**os.environ, "REQUORUM_STATE_DIR": str(directory / "state")}

    def ours() -> None:
        argv = [sys.executable, "-m", "requorum", "recover", "--yes", "-o", "json"]
        _run([*argv, "-c", str(crash.lab.cluster_file)], environment)
        crash.wait_serving()
        served.append("requorum")

    def theirs() -> None:
        lab = crash.lab
        hosts = [f"{h.name},{h.member},{h.peer_url}" for h in lab.hosts]
        _run([str(CLASSIC), str(lab.ssh_config), lab.token, lab.initial_cluster, *hosts])
        crash.wait_serving()
        served.append("classic")

    def put_back() -> None:
        if served:
            lost[served.pop()].append(crash.judged().lost)
        crash.put_back()

    try:
        pair = in_turn(
            f"recover over ssh, {megabytes} MB",
            "highest-revision db, copied, snapshot restore x3",
            ours,
            theirs,
            runs=runs,
            before=put_back,
        )
        put_back()
        of = f"of {crash.acknowledged} acknowledged writes, in each run"
        return [
            pair,
            Figure("lost by recover over ssh", str(lost["requorum"]), of),
            Figure("lost by the classic procedure", str(lost["classic"]), of),
        ]
    finally:
        crash.close()


def _run(argv: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
