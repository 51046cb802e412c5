"""Real etcd databases for the tests: boots one etcd, writes to it, asks it, stops it."""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

READY_DEADLINE_S = 30
STOP_DEADLINE_S = 30
CALL_DEADLINE_S = 30


@dataclass
class RecordedDb:
    """A stopped member's db, and what the member answered while it ran."""

    version: str
    path: Path
    data: bytes
    hashes: dict[int, tuple[int, int]] = field(default_factory=dict)
    """revision -> (hash, compact revision); -1 is read as "no compaction"."""
    snapshot: bytes = b""
    """What `etcdctl snapshot save` wrote just before the stop."""
    current_revision: int = 0
    member_id: int = 0
    lease_id: int = 0


EtcdDbs = Callable[[str, str], RecordedDb]
"""(version, "rich" | "empty" | "all_deleted") to a db: what the fixture `etcd_dbs` is."""


class RunningEtcd:
    """One member on loopback, driven by its own etcdctl."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        url = f"http://127.0.0.1:{_free_port()}"
        self.command = [str(binaries / "etcdctl"), f"--endpoints={url}"]
        peer_url = f"http://127.0.0.1:{_free_port()}"
        self.db = directory / "data" / "member" / "snap" / "db"
        self._log = (directory / "etcd.log").open("wb")
        self._process = subprocess.Popen(
            [
                str(binaries / "etcd"),
                "--name=one",
                f"--data-dir={directory / 'data'}",
                f"--listen-client-urls={url}",
                f"--advertise-client-urls={url}",
                f"--listen-peer-urls={peer_url}",
                f"--initial-advertise-peer-urls={peer_url}",
                f"--initial-cluster=one={peer_url}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait_until_ready()

    def ctl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run etcdctl and return what it printed."""
        done = subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=CALL_DEADLINE_S,
            check=True,
        )
        return done.stdout

    def put_many(self, pairs: list[tuple[str, str]]) -> None:
        """Put all pairs in transactions of a hundred: one revision each."""
        for begin in range(0, len(pairs), 100):
            puts = [f"put {key} {value}\n" for key, value in pairs[begin : begin + 100]]
            self.ctl("txn", stdin="\n" + "".join(puts) + "\n\n")

    def hash_kv(self, revision: int) -> tuple[int, int, int]:
        """Return (hash, compact revision, current revision)."""
        answer = json.loads(self.ctl("endpoint", "hashkv", f"--rev={revision}", "-w=json"))
        found = answer[0]["HashKV"]
        return found["hash"], found["compact_revision"], found["header"]["revision"]

    def stop(self) -> None:
        """Stop it in order, so that everything is committed to the db."""
        self._process.terminate()
        try:
            self._process.wait(STOP_DEADLINE_S)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._log.close()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_DEADLINE_S
        while True:
            try:
                self.ctl("endpoint", "health")
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.stop()
                    raise
            else:
                return


def record_rich(binaries: Path, directory: Path, version: str) -> RecordedDb:
    """Return a db with overwrites, deletes, a lease, a compaction, and values of many pages."""
    etcd = RunningEtcd(binaries, directory)
    try:
        lease = etcd.ctl("lease", "grant", "3600").split()[1]
        _write_history(etcd, lease)
        _delete_and_compact(etcd)
        recorded = RecordedDb(version, etcd.db, b"", lease_id=int(lease, 16))
        _record_answers(etcd, recorded)
        etcd.ctl("snapshot", "save", str(directory / "saved.db"))
        recorded.snapshot = (directory / "saved.db").read_bytes()
    finally:
        etcd.stop()
    recorded.data = etcd.db.read_bytes()
    return recorded


def record_empty(binaries: Path, directory: Path, version: str) -> RecordedDb:
    """Return the db of a member to which nothing was ever written."""
    etcd = RunningEtcd(binaries, directory)
    try:
        recorded = RecordedDb(version, etcd.db, b"")
        _record_answers(etcd, recorded)
    finally:
        etcd.stop()
    recorded.data = etcd.db.read_bytes()
    return recorded


def record_all_deleted(binaries: Path, directory: Path, version: str) -> RecordedDb:
    """Return a db where no key is alive and the tombstones are compacted."""
    etcd = RunningEtcd(binaries, directory)
    try:
        etcd.put_many([(f"key{n}", "value") for n in range(3)])
        etcd.ctl("del", "--prefix", "key")
        etcd.ctl("compact", "3", "--physical")
        etcd.ctl("put", "late", "1")
        etcd.ctl("del", "late")
        recorded = RecordedDb(version, etcd.db, b"")
        _record_answers(etcd, recorded)
    finally:
        etcd.stop()
    recorded.data = etcd.db.read_bytes()
    return recorded


def _write_history(etcd: RunningEtcd, lease: str) -> None:
    # A value of three pages, and enough leaves of few records for a tree of three levels.
    etcd.put_many([(f"/registry/pods/p{n:05}", f"{n}-" * 150) for n in range(1200)])
    etcd.put_many([(f"/registry/pods/p{n:05}", "again") for n in range(0, 1200, 7)])
    etcd.ctl("put", "/registry/large", "x" * 9000)
    etcd.ctl("put", f"--lease={lease}", "/registry/leased", "1")
    for n in range(4):
        etcd.ctl("put", "/registry/often", str(n))
    etcd.ctl("del", "/registry/often")
    etcd.ctl("put", "/registry/often", "reborn")


def _delete_and_compact(etcd: RunningEtcd) -> None:
    etcd.ctl("del", "--prefix", "/registry/pods/p000")
    compact_revision = etcd.hash_kv(0)[2]
    etcd.ctl("put", "/registry/after", "1")
    etcd.ctl("compact", str(compact_revision), "--physical")
    etcd.put_many([(f"/registry/pods/p{n:05}", "after") for n in range(0, 1200, 5)])
    etcd.ctl("put", "/registry/often", "overwritten")
    etcd.ctl("del", "--prefix", "/registry/pods/p001")
    etcd.ctl("put", "/registry/after", "2")


def _record_answers(etcd: RunningEtcd, recorded: RecordedDb) -> None:
    _, compacted, current = etcd.hash_kv(0)
    recorded.current_revision = current
    status = json.loads(etcd.ctl("endpoint", "status", "-w=json"))
    recorded.member_id = status[0]["Status"]["header"]["member_id"]
    for revision in range(max(compacted + 1, 1), current + 1):
        hashed, compact_revision, _ = etcd.hash_kv(revision)
        recorded.hashes[revision] = (hashed, compact_revision)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
