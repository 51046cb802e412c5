"""Snapshot files; see test_wal_real.py for those that etcd wrote."""

import json

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.snap import (
    SnapMember,
    parse_snap_db_name,
    parse_snap_name,
    read_snap,
)
from requorum.formats.source import BufferSource
from requorum.formats.wire import field_bytes, field_varint

Node = dict[str, object]


def node(children: Node | None = None, value: str = "") -> Node:
    """Return a node of the v2 store."""
    return {"Value": value, "Children": children}


def member(raft: Node, published: Node | None = None) -> Node:
    """Return a member's node."""
    children: Node = {"raftAttributes": node(value=json.dumps(raft))}
    if published is not None:
        children["attributes"] = node(value=json.dumps(published))
    return node(children)


def store(cluster: Node, **others: Node) -> bytes:
    """Return the JSON of a v2 store."""
    root: Node = {"0": node(cluster), "1": node({}), **others}
    return json.dumps({"Root": node(root)}).encode()


def snap_file(data: bytes) -> bytes:
    """Return a .snap file at term 3, index 900, with one voter."""
    conf_state = field_varint(1, 0xA) + field_varint(5, 0)
    metadata = field_bytes(1, conf_state) + field_varint(2, 900) + field_varint(3, 3)
    return sealed(field_bytes(1, data) + field_bytes(2, metadata))


def sealed(content: bytes) -> bytes:
    """Wrap a raftpb.Snapshot with its checksum."""
    return field_varint(1, crc32c(content)) + field_bytes(2, content)


MEMBERS = {
    "ffffffffffffffff": member({"peerURLs": ["http://b:1"], "isLearner": True}),
    "a": member({"peerURLs": ["http://a:1"]}, {"name": "a", "clientURLs": ["http://a:2"]}),
}
CLUSTER: Node = {
    "members": node({**MEMBERS}),
    "removed_members": node({"c": node(), "b": node()}),
    "version": node(value="3.5.0"),
}


def test_content() -> None:
    """Members come in the order of their ids, with what they published."""
    snap = read_snap(BufferSource(snap_file(store(CLUSTER))))
    assert (snap.term, snap.index, snap.conf_state.voters) == (3, 900, (0xA,))
    assert snap.members == (
        SnapMember(0xA, "a", ("http://a:1",), ("http://a:2",), is_learner=False),
        SnapMember((1 << 64) - 1, "", ("http://b:1",), (), is_learner=True),
    )
    assert (snap.removed, snap.cluster_version) == ((0xB, 0xC), "3.5.0")
    assert not snap.has_v2_data


def test_v2_data() -> None:
    """Anything beside etcd's own tree is data of the v2 API."""
    for others in ({"1": node({"key": node()})}, {"2": node({"users": node({})})}):
        assert read_snap(BufferSource(snap_file(store(CLUSTER, **others)))).has_v2_data
    assert read_snap(BufferSource(snap_file(store({})))).cluster_version is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (field_varint(1, 5), "is empty"),
        (field_varint(1, 5) + field_bytes(2, b"x"), "does not match its checksum"),
        (b"\xff", "cut off"),
        (snap_file(b"{"), "the v2 store is not JSON"),
        (snap_file(b"{}"), "no root"),
        (snap_file(b'{"Root": {"Children": {"0": 1}}}'), "are no nodes"),
        (snap_file(store({"members": node({"x": node()})})), "'x' is no member id"),
        (snap_file(store({"version": {"Value": 3}})), "Value is not a text"),
    ],
)
def test_damage(content: bytes, message: str) -> None:
    """Each kind of damage is said."""
    with pytest.raises(DamagedInput, match=message):
        read_snap(BufferSource(content))


@given(st.binary(max_size=100), st.integers(0, 10_000), st.integers(1, 255))
def test_any_flip_is_found(content: bytes, place: int, flip: int) -> None:
    """Arbitrary bytes, and any flipped byte of a good file, are damage."""
    flipped = bytearray(snap_file(store(CLUSTER)))
    flipped[place % len(flipped)] ^= flip
    for damaged in (content, bytes(flipped), snap_file(content)):
        with pytest.raises(DamagedInput):
            read_snap(BufferSource(damaged))


def test_names() -> None:
    """Names give term and index; databases of a leader give the index."""
    assert parse_snap_name("0000000000000002-000000000000001f.snap") == (2, 0x1F)
    assert parse_snap_db_name("000000000000001f.snap.db") == 0x1F
    for name in ("db", "0000000000000002-000000000000001f.snap.broken", "tmp123"):
        assert parse_snap_name(name) is None
        assert parse_snap_db_name(name) is None


class Claim:
    """A source that claims to be of a size; nobody must read it."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, offset: int, length: int) -> memoryview:
        """Fail the test."""
        raise AssertionError(f"{length} bytes at {offset} are read")


def test_a_file_too_large_is_not_read() -> None:
    """It may be sparse, and claim a terabyte."""
    with pytest.raises(DamagedInput, match="has 1099511627776 bytes, no more than"):
        read_snap(Claim(1 << 40))
