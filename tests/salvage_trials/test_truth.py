"""The replay that all trials rest on: by hand, and held against real etcd."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from made_crash import MadeCrash, compaction, grant, put

from requorum.clients.etcd.client import connect as connect_etcd
from requorum.formats.backend_file import record_row
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wire import field_bytes, field_varint
from requorum.lab.salvage_trials.load import LoadShape
from requorum.lab.salvage_trials.recorded import Member, Recorded
from requorum.lab.salvage_trials.recording import RecordingPlan, record
from requorum.lab.salvage_trials.truth import Truth, replay


def replayed(*requests: bytes) -> Truth:
    """Return what becomes of some requests, each an entry."""
    return replay(Entry(EntryType.NORMAL, 1, n + 1, data) for n, data in enumerate(requests))


def delete(key: bytes, end: bytes = b"") -> bytes:
    """Return a request to delete."""
    return field_bytes(5, field_bytes(1, key) + (field_bytes(2, end) if end else b""))


def txn(compare: bytes, success: Sequence[bytes], failure: Sequence[bytes]) -> bytes:
    """Return a transaction of operations."""
    taken = b"".join(field_bytes(2, op) for op in success)
    return field_bytes(
        6, field_bytes(1, compare) + taken + b"".join(field_bytes(3, op) for op in failure)
    )


def test_puts_and_deletes() -> None:
    """Versions count while a key is alive, and begin anew after it was deleted."""
    truth = replayed(b"", put(b"a", b"1"), put(b"a", b"2"), delete(b"a"), put(b"a", b"3"))
    assert [(at.main, w.tombstone, w.kv.create_revision, w.kv.version) for at, w in
            truth.records.items()] == [(2, False, 2, 1), (3, False, 2, 2), (4, True, 0, 0),
                                       (5, False, 5, 1)]  # fmt: skip  # a table
    assert truth.alive == {b"a": KeyValue(b"a", 5, 5, 1, b"3")}
    assert truth.revision_of == {2: 2, 3: 3, 4: 4, 5: 5}


def test_what_changes_nothing_has_no_revision() -> None:
    """A delete of nothing, and a put with a lease that nobody granted."""
    truth = replayed(delete(b"a"), put(b"a", b"1", lease=5), put(b"a", b"2"))
    assert truth.revision_of == {3: 2}


def test_leases() -> None:
    """A revoked lease takes its keys along, in order, in one revision."""
    truth = replayed(
        grant(5, 60), put(b"b", b"", lease=5), put(b"a", b"", lease=5), put(b"c", b""),
        field_bytes(9, field_varint(1, 5)),
    )  # fmt: skip  # one request each
    assert list(truth.records)[-2:] == [Revision(5, 0), Revision(5, 1)]
    assert [w.kv.key for w in truth.records.values()][-2:] == [b"a", b"b"]
    assert list(truth.alive) == [b"c"]
    assert truth.leases == frozenset()
    assert (truth.granted, truth.revoked, truth.ttls) == ({5: 1}, {5: 5}, {5: 60})


@pytest.mark.parametrize(("version", "branch"), [(0, b"failure"), (1, b"success")])
def test_transactions(version: int, branch: bytes) -> None:
    """The comparison chooses; each change has its own sub revision."""
    equal = field_varint(1, 0) + field_varint(2, 0) + field_bytes(3, b"a")
    puts = [
        [field_bytes(2, field_bytes(1, key) + field_bytes(2, name)) for key in (b"x", b"y")]
        for name in (b"success", b"failure")
    ]
    truth = replayed(put(b"a", b""), txn(equal + field_varint(4, version), *puts))
    assert [truth.records[Revision(3, sub)].kv.value for sub in (0, 1)] == [branch, branch]


def test_compaction() -> None:
    """Of what was before, the last record of each key stays while that is alive."""
    truth = replayed(
        put(b"a", b"1"), put(b"a", b"2"), put(b"b", b"1"), delete(b"b"), compaction(5),
        put(b"a", b"3"),
    )  # fmt: skip  # one request each
    assert (truth.compacted, truth.compactions) == (5, {5: 5})
    assert list(truth.needed_at(5)) == [Revision(3), Revision(6)]


def test_made_crash_is_whole(crash: MadeCrash) -> None:
    """The databases of the other tests hold what the truth says."""
    members = crash.recorded.members.values()
    assert [member.state.consistent_index for member in members] == [380, 395, 398]
    assert all(member.records <= crash.truth.records.keys() for member in members)
    assert len(crash.recorded.log) == 403


@pytest.mark.etcd
def test_real_databases_agree(
    etcd_minor: str, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> None:
    """After a load of every kind, each record of each database is what the replay says."""
    shape = LoadShape(
        seed=3, seconds=1, writers=8, keys=60, sizes="small", deletes=25, leases=True, compacts=True
    )
    plan = RecordingPlan(
        version=etcd_minor,
        shape=shape,
        snapshots=False,
        users=False,
        left_at=None,
        restarted_at=None,
        defragmented_at=None,
    )
    data_dirs = asyncio.run(
        record(
            plan,
            tmp_path,
            bin_dir=etcd_binaries(etcd_minor),
            connect=lambda url: connect_etcd(url, tls=None, credentials=None),
        )
    )
    recorded = Recorded(etcd_minor, {name: Member(path) for name, path in data_dirs.items()})
    assert len(recorded.truth.records) > 100
    for member in recorded.members.values():
        bucket = member.database.bucket(b"key")
        assert bucket is not None
        true = {at: recorded.truth.records[at] for at in member.records}
        rows = dict(record_row(at, w.kv, tombstone=w.tombstone) for at, w in true.items())
        assert dict(bucket.items()) == rows
        assert_complete(member, recorded.truth)


def assert_complete(member: Member, truth: Truth) -> None:
    """Assert that nothing is missing that was applied and not compacted away."""
    index = member.state.consistent_index
    last = max((r for i, r in truth.revision_of.items() if i <= index), default=1)
    compacted = max((r for i, r in truth.compactions.items() if i <= index), default=0)
    needed = {at for at in truth.needed_at(compacted) if at.main <= last}
    assert needed <= member.records
    granted = {lease for lease, by in truth.granted.items() if by <= index}
    revoked = {lease for lease, by in truth.revoked.items() if by <= index}
    # 3.4 moves its consistent index only with a revision: a grant, or the revocation of a lease
    # without keys, may be in a database that stands before it.
    later = {le for by in (truth.granted, truth.revoked) for le, at in by.items() if at > index}
    assert member.leases - later == granted - revoked - later
