"""Checking a database, beside `etcdutl snapshot status`."""

import subprocess
from pathlib import Path

from bench.measure import Pair, in_turn
from requorum.app.lab import obtained
from requorum.clients.hosts.local_source import FileSource
from requorum.inspection.database import content_hash, examine_database


def bench_snapshot(directory: Path, runs: int, megabytes: int) -> list[Pair]:
    """Every page checked; and the hash by which members are compared."""
    from bench.big_cluster import BigCrash  # noqa: PLC0415  # only who measures it pays for it

    crash = BigCrash(directory / "snapshot", megabytes)
    path = crash.lab.data_dir("etcd3") / "member" / "snap" / "db"
    tool = obtained("3.5", print).directory / "etcdutl"

    def check() -> None:
        source = FileSource(str(path))
        if examine_database(source).damages:
            raise SystemExit("the database is damaged")
        source.close()

    def compare() -> None:
        source = FileSource(str(path))
        state = examine_database(source).state
        if state is None:
            raise SystemExit("the database is damaged")
        content_hash(source, compact_revision=1, revision=state.current_revision)
        source.close()

    def status() -> None:
        argv = [str(tool), "snapshot", "status", str(path)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    beside = "etcdutl snapshot status"
    return [
        in_turn(f"check every page, {megabytes} MB", beside, check, status, runs=runs),
        in_turn(f"check and hash, {megabytes} MB", beside, compare, status, runs=runs),
    ]
