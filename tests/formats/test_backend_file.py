"""A backend that we wrote, in the hands of real etcd: restored, served, watched, compacted."""

import base64
import hashlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from etcd_data import RunningEtcd
from history import Event, History, random_history

from requorum.formats.backend import BackendState, ConfState, Lease, read_backend, read_leases
from requorum.formats.backend_file import (
    BUCKETS,
    BackendMeta,
    backend_buckets,
    lease_row,
    record_row,
)
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import check
from requorum.formats.bbolt.writer import write_database
from requorum.formats.hashkv import hash_kv
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.records import scan_all
from requorum.formats.source import BufferSource

LEASES = (Lease(0x1234, 3600, 0), Lease(0x7FFF_0000_0000_0001, 7200, 5))
COMPACTED = 800
WATCH_DEADLINE_S = 30


def backend_file(records: list[Event], compacted: int | None = None) -> bytes:
    """Return a whole db file."""
    meta = BackendMeta(
        consistent_index=4000,
        term=3,
        conf_state=ConfState(voters=(7,), learners=()),
        finished_compact_revision=compacted,
        scheduled_compact_revision=compacted,
    )
    content = {
        b"key": [record_row(at, kv, tombstone=deleted) for at, kv, deleted in records],
        b"lease": [lease_row(lease) for lease in LEASES],
        b"meta": meta.rows(),
    }
    file = bytearray()
    done = write_database(file.extend, backend_buckets(content))
    file[: len(done.head)] = done.head
    return bytes(file)


@pytest.fixture(scope="module")
def history() -> History:
    """Return a history of some thousand records, deletions and leases among them."""
    leases = tuple(lease.id for lease in LEASES)
    made = random_history(Random(7), revisions=4000, keys=1500, leases=leases)
    assert made.puts_at(COMPACTED)
    return made


def test_our_readers_read_it() -> None:
    """What the parts encode is what our readers find."""
    records: list[Event] = [
        (Revision(2), KeyValue(b"a", 2, 2, 1, b"1", LEASES[0].id), False),
        (Revision(3), KeyValue(b"b", 3, 3, 1, b""), False),
        (Revision(3, 1), KeyValue(b"a"), True),
    ]
    database = Database(BufferSource(backend_file(records, compacted=2)))
    assert database.bucket_names() == BUCKETS
    assert tuple(read_leases(database)) == LEASES
    assert read_backend(database) == BackendState(
        consistent_index=4000,
        term=3,
        current_revision=3,
        finished_compact_revision=2,
        scheduled_compact_revision=2,
        storage_version=None,
        cluster_version=None,
        conf_state=ConfState((7,), ()),
        members=(),
        removed_members=(),
        alarms=(),
        auth_enabled=False,
    )
    scanned = scan_all(database)
    assert scanned.main.tolist() == [2, 3, 3]
    assert scanned.sub.tolist() == [0, 0, 1]
    assert scanned.tombstone.tolist() == [False, False, True]


def test_what_is_not_known_is_not_written() -> None:
    """Of the bucket `meta` only the consistent index must be there."""
    assert BackendMeta(consistent_index=1).rows() == [(b"consistent_index", bytes(7) + b"\x01")]
    full = BackendMeta(
        consistent_index=1, term=0, conf_state=ConfState((1, 2), (3,)), storage_version="3.6.0"
    )
    assert full.rows() == [
        (b"confState", b'{"voters":[1,2],"learners":[3],"auto_leave":false}'),
        (b"consistent_index", bytes(7) + b"\x01"),
        (b"storageVersion", b"3.6.0"),
        (b"term", bytes(8)),
    ]


def test_further_buckets_are_kept_in_order() -> None:
    """A bucket that we do not know is written in its place."""
    names = [name for name, _ in backend_buckets({b"b": [], b"zzz": []})]
    assert names == sorted([*BUCKETS, b"b", b"zzz"])


@pytest.fixture
def served(
    history: History, etcd_minor: str, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> Iterator[RunningEtcd]:
    """Return an etcd that serves what its own tool restored from our file."""
    data, binaries = (
        backend_file(history.compacted(COMPACTED), COMPACTED),
        etcd_binaries(etcd_minor),
    )
    file = tmp_path / "salvaged.db"
    file.write_bytes(data + hashlib.sha256(data).digest())
    tool = binaries / ("etcdctl" if etcd_minor == "3.4" else "etcdutl")
    command = [str(tool), "snapshot", "restore", str(file), f"--data-dir={tmp_path / 'data'}"]
    url = "http://127.0.0.1:1"
    command += [
        "--name=one",
        f"--initial-cluster=one={url}",
        f"--initial-advertise-peer-urls={url}",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    etcd = RunningEtcd(binaries, tmp_path)
    try:
        yield etcd
    finally:
        etcd.stop()


@pytest.mark.etcd
def test_etcd_serves_it(served: RunningEtcd, history: History) -> None:
    """Every key, value, revision, version and lease is as written, and writing goes on."""
    found, revision = range_of(served)
    assert (found, revision) == (history.alive, history.revision)
    expected = told(history, COMPACTED + 1)
    assert watched(served, COMPACTED + 1, len(expected)) == expected
    hashed, compacted, _ = served.hash_kv(0)
    ours = hash_kv(Database(BufferSource(backend_file(history.compacted(COMPACTED), COMPACTED))))
    assert (hashed, compacted) == (ours.hash, ours.compact_revision)
    check_leases(served, history)


@pytest.mark.etcd
def test_etcd_goes_on_with_it(served: RunningEtcd, history: History) -> None:
    """The trees are taken apart again by bbolt: by compaction, deletion of all, defragmentation."""
    served.ctl("put", "more", "than before")
    middle = (COMPACTED + history.revision) // 2
    served.ctl("compact", str(middle), "--physical")
    assert len(range_of(served)[0]) == len(history.alive) + 1
    served.ctl("del", "", "--prefix")
    served.ctl("compact", str(history.revision + 2), "--physical")
    assert range_of(served) == ({}, history.revision + 2)
    check_file(served)
    served.ctl("defrag")
    served.ctl("put", "again", "1")
    assert range_of(served)[1] == history.revision + 3
    check_file(served)


def check_file(served: RunningEtcd) -> None:
    """Assert that what etcd left on disk by now has no damage."""
    assert check(BufferSource(served.db.read_bytes())).damages == ()


def range_of(served: RunningEtcd) -> tuple[dict[bytes, KeyValue], int]:
    """Return all keys and the revision."""
    answer = json.loads(served.ctl("get", "", "--prefix", "-w=json"))
    found = [key_value(kv) for kv in answer.get("kvs", [])]
    return {kv.key: kv for kv in found}, answer["header"]["revision"]


def key_value(kv: dict[str, object]) -> KeyValue:
    """Return what etcdctl printed as JSON; a deletion is its key."""
    return KeyValue(
        key=base64.b64decode(str(kv["key"])),
        create_revision=int(str(kv.get("create_revision", 0))),
        mod_revision=int(str(kv["mod_revision"])),
        version=int(str(kv.get("version", 0))),
        value=base64.b64decode(str(kv.get("value", ""))),
        lease=int(str(kv.get("lease", 0))),
    )


def watched(served: RunningEtcd, first: int, count: int) -> list[KeyValue]:
    """Return so many events from a revision on; of a deletion, key and revision alone."""
    command = [*served.command, "watch", "", "--prefix", f"--rev={first}", "-w=json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        too_late = threading.Timer(WATCH_DEADLINE_S, watch.kill)
        too_late.start()
        events: list[KeyValue] = []
        for line in watch.stdout:
            events += [key_value(event["kv"]) for event in json.loads(line)["Events"]]
            if len(events) >= count:
                break
        too_late.cancel()
        watch.kill()
    return events


def told(history: History, first: int) -> list[KeyValue]:
    """Return what a watch must tell from a revision on."""
    return [
        KeyValue(kv.key, mod_revision=at.main) if deleted else kv
        for at, kv, deleted in history.events
        if at.main >= first
    ]


def check_leases(served: RunningEtcd, history: History) -> None:
    """Assert that each lease is granted for as long as before and holds its keys."""
    for lease in LEASES:
        answer = json.loads(served.ctl("lease", "timetolive", f"{lease.id:x}", "--keys", "-w=json"))
        keys = {base64.b64decode(key) for key in answer.get("keys") or []}
        assert answer["granted-ttl"] == lease.ttl
        assert keys == {kv.key for kv in history.alive.values() if kv.lease == lease.id}
