"""What a backend says of itself, read in kilobytes."""

import json
from dataclasses import replace

import bbolt_builder
import pytest
from etcd_data import EtcdDbs
from hypothesis import given, settings
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.backend import (
    BackendAlarm,
    BackendMember,
    ConfState,
    Downgrade,
    Lease,
    read_backend,
    read_leases,
)
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.mvcc import Revision, RevisionKey
from requorum.formats.source import BufferSource
from requorum.formats.wire import field_varint

MEMBER_ID = 2**64 - 3
BUCKETS: dict[bytes, list[tuple[bytes, bytes]]] = {
    b"alarm": [(field_varint(1, MEMBER_ID) + field_varint(2, 1), b"")],
    b"auth": [(b"authEnabled", b"\x01")],
    b"cluster": [
        (b"clusterVersion", b"3.6.0"),
        (b"downgrade", b'{"target-version":"3.5.0","enabled":true}'),
    ],
    b"key": [(RevisionKey(Revision(30)).encode(), b"")],
    b"lease": [((7).to_bytes(8, "big"), field_varint(1, 7) + field_varint(2, 60))],
    b"members": [
        (
            b"fffffffffffffffd",
            json.dumps(
                {"id": MEMBER_ID, "peerURLs": ["http://p"], "isLearner": True, "name": "one"}
            ).encode(),
        )
    ],
    b"members_removed": [(b"1f", b"removed")],
    b"meta": [
        (b"consistent_index", (41).to_bytes(8, "big")),
        (b"term", (5).to_bytes(8, "big")),
        (b"finishedCompactRev", Revision(9).encode()),
        (b"scheduledCompactRev", Revision(12).encode()),
        (b"storageVersion", b"3.6.0"),
        (b"confState", b'{"voters":[18446744073709551613],"learners":[4],"auto_leave":false}'),
    ],
}


def database_with(**changed: list[tuple[bytes, bytes]]) -> Database:
    """Return the example with some buckets replaced."""
    replaced = {name.encode(): entries for name, entries in changed.items()}
    return Database(bbolt_builder.build({**BUCKETS, **replaced}).source)


def test_every_field() -> None:
    """Each bucket's content arrives in its field."""
    state = read_backend(database_with())
    assert (state.consistent_index, state.term) == (41, 5)
    assert (state.finished_compact_revision, state.scheduled_compact_revision) == (9, 12)
    assert (state.compact_revision, state.current_revision) == (12, 30)
    assert (state.storage_version, state.cluster_version) == ("3.6.0", "3.6.0")
    assert state.conf_state == ConfState((MEMBER_ID,), (4,))
    assert state.members == (
        BackendMember(
            id=MEMBER_ID, name="one", peer_urls=("http://p",), client_urls=(), is_learner=True
        ),
    )
    assert state.removed_members == (0x1F,)
    assert state.alarms == (BackendAlarm(MEMBER_ID, "NOSPACE"),)
    assert state.auth_enabled
    assert state.downgrade == Downgrade(enabled=True, target_version="3.5.0")
    assert list(read_leases(database_with())) == [Lease(7, 60, 0)]


def test_nothing_there() -> None:
    """Missing buckets are empty: a new store is at revision 1 and nothing is compacted."""
    state = read_backend(Database(bbolt_builder.build({}).source))
    assert (state.consistent_index, state.term, state.current_revision) == (0, None, 1)
    assert state.compact_revision == -1
    assert state.members == ()
    assert not state.auth_enabled


def test_scheduled_compaction_raises_the_current_revision() -> None:
    """When all records are compacted away the current revision is the compaction's."""
    assert read_backend(database_with(key=[])).current_revision == 12


def test_unknown_alarm() -> None:
    """An alarm that a later etcd invents is shown by its number."""
    alarm = [(field_varint(1, 2) + field_varint(2, 9), b"")]
    assert read_backend(database_with(alarm=alarm)).alarms == (BackendAlarm(2, "9"),)


@pytest.mark.parametrize(
    ("bucket", "key", "value"),
    [
        ("meta", b"consistent_index", b"\0"),
        ("meta", b"scheduledCompactRev", b"\0" * 8),
        ("meta", b"storageVersion", b"\xff"),
        ("meta", b"confState", b"[1]"),
        ("meta", b"confState", b'{"voters":[1.5]}'),
        ("meta", b"confState", b'{"voters":{"1":1}}'),
        ("members", b"1", b"{"),
        ("members", b"1", b"[" * 100_000),
        ("members", b"1", b'{"id":' + b"9" * 5000 + b"}"),
        ("members", b"1", b'{"id":1e3}'),
        ("members", b"1", b'{"id":true}'),
        ("members", b"1", b'{"id":-1}'),
        ("members", b"1", b'{"id":1,"name":2}'),
        ("members", b"1", b'{"id":1,"peerURLs":[2]}'),
        ("members", b"1", b" " * (1 << 21)),
        ("members_removed", b" 1_f", b"removed"),
        ("members_removed", b"f" * 17, b"removed"),
        ("alarm", b"\xff", b""),
        ("cluster", b"downgrade", b"{"),
        ("cluster", b"downgrade", b'{"target-version":7}'),
        ("key", b"k", b""),
    ],
)
def test_malformed_values(bucket: str, key: bytes, value: bytes) -> None:
    """Whatever a value holds, it is read or it is damage: an error, or with a log one finding."""
    database = database_with(**{bucket: [(key, value)]})
    with pytest.raises(DamagedInput):
        read_backend(database)
    log = DamageLog()
    read_backend(database, log)
    assert [damage.what.split(":")[0] for damage in log.kept] == [f"bucket {bucket}"]


def test_malformed_rows_hide_no_others() -> None:
    """With a log everything that can be read is read, and each malformed row is noted."""
    rows = {name: [*rows, (b"\xff", b"\xff")] for name, rows in BUCKETS.items() if name != b"key"}
    rows[b"meta"].append((b"term ", b""))
    rows[b"cluster"] = [(b"clusterVersion", b"\xff"), BUCKETS[b"cluster"][1]]
    database = Database(bbolt_builder.build(BUCKETS | rows).source)
    log = DamageLog()
    state, expected = read_backend(database, log), read_backend(database_with())
    assert state == replace(expected, cluster_version=None)
    assert list(read_leases(database, log)) == [Lease(7, 60, 0)]
    hit = ("alarm", "cluster", "lease", "members", "members_removed")
    assert {damage.what.split(":")[0] for damage in log.kept} == {f"bucket {name}" for name in hit}


SMALL = bbolt_builder.build(BUCKETS).data


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(1, 255)), max_size=9))
@settings(max_examples=200)
def test_flipped_bytes(flips: list[tuple[int, int]]) -> None:
    """Any flipped bytes give a state or DamagedInput."""
    data = bytearray(SMALL)
    for offset, mask in flips:
        data[offset] ^= mask
    try:
        read_backend(Database(BufferSource(data)))
    except DamagedInput:
        return


class CountingSource(BufferSource):
    """A source that counts what is asked of it."""

    def __init__(self, buffer: bytes) -> None:
        super().__init__(buffer)
        self.bytes_read = 0

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes, counted."""
        self.bytes_read += length
        return super().read(offset, length)


@pytest.mark.etcd
def test_real_backend(etcd_dbs: EtcdDbs, etcd_minor: str) -> None:
    """A real db gives what its member answered while it ran, for a few kilobytes."""
    recorded = etcd_dbs(etcd_minor, "rich")
    source = CountingSource(recorded.data)
    state = read_backend(Database(source))
    assert source.bytes_read < 100_000 < len(recorded.data)
    assert state.current_revision == recorded.current_revision
    assert {compacted for _, compacted in recorded.hashes.values()} == {state.compact_revision}
    assert [(member.id, member.name) for member in state.members] == [(recorded.member_id, "one")]
    assert state.cluster_version == f"{etcd_minor}.0"
    assert (state.term is None) == etcd_minor.startswith("3.4")
    assert (state.storage_version is None) == etcd_minor.startswith(("3.4", "3.5"))
    assert state.consistent_index > state.current_revision
    leases = list(read_leases(Database(source)))
    assert leases == [Lease(recorded.lease_id, 3600, 0)]


@pytest.mark.etcd
def test_real_conf_state(etcd_dbs: EtcdDbs, etcd_minor: str) -> None:
    """From 3.5 on the voters are recorded."""
    recorded = etcd_dbs(etcd_minor, "rich")
    state = read_backend(Database(BufferSource(recorded.data)))
    expected = None if etcd_minor.startswith("3.4") else ConfState((recorded.member_id,), ())
    assert state.conf_state == expected
