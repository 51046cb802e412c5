"""Raft's messages; see test_wal_real.py for those that etcd wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.raftpb import (
    ConfChange,
    ConfChangeType,
    ConfState,
    ContextMember,
    Entry,
    EntryType,
    HardState,
    decode_conf_change,
    decode_conf_state,
    decode_entry,
    decode_hard_state,
    decode_snapshot_metadata,
    encode_entry,
    encode_hard_state,
)
from requorum.formats.wire import field_bytes, field_varint

U64 = st.integers(0, (1 << 64) - 1)


@given(st.builds(Entry, st.sampled_from(EntryType), U64, U64, st.binary()), st.booleans())
def test_entries(entry: Entry, explicit: bool) -> None:  # noqa: FBT001 - hypothesis fills it
    """An entry survives both spellings of zero."""
    assert decode_entry(encode_entry(entry, explicit_zeros=explicit)) == entry


@given(st.builds(HardState, U64, U64, U64), st.booleans())
def test_hard_states(state: HardState, explicit: bool) -> None:  # noqa: FBT001 - hypothesis fills it
    """A hard state survives both spellings of zero."""
    assert decode_hard_state(encode_hard_state(state, explicit_zeros=explicit)) == state


def test_spellings_of_zero() -> None:
    """Up to 3.6 every number is written; 3.7 leaves out zeros."""
    noop = Entry(EntryType.NORMAL, 2, 3, b"")
    assert encode_entry(noop) == bytes.fromhex("080010021803")
    assert encode_entry(noop, explicit_zeros=False) == bytes.fromhex("10021803")
    assert encode_hard_state(HardState(1, 0, 1)) == bytes.fromhex("080110001801")


def test_unknown_entry_type() -> None:
    """An entry of a type that raft does not have is damage."""
    with pytest.raises(DamagedInput, match="3 is not a known EntryType"):
        decode_entry(field_varint(1, 3))


def test_conf_state() -> None:
    """Ids are read one by one and packed."""
    packed = field_bytes(2, b"\x07\x08")
    content = field_varint(1, 5) + field_varint(1, 6) + packed + field_varint(5, 1)
    assert decode_conf_state(content) == ConfState((5, 6), (7, 8), (), (), auto_leave=True)
    metadata = field_bytes(1, content) + field_varint(2, 9) + field_varint(3, 2)
    assert decode_snapshot_metadata(metadata).index == 9
    assert decode_snapshot_metadata(metadata).term == 2
    assert decode_snapshot_metadata(metadata).conf_state.voters == (5, 6)


def test_conf_change() -> None:
    """A promotion is the addition of a member that the context marks."""
    member = {"id": (1 << 64) - 1, "peerURLs": ["http://a:1"], "name": "a", "isPromote": True}
    context = json.dumps(member).encode()
    content = field_varint(1, 4) + field_varint(3, (1 << 64) - 1) + field_bytes(4, context)
    assert decode_conf_change(content) == ConfChange(
        ConfChangeType.ADD_NODE,
        (1 << 64) - 1,
        ContextMember((1 << 64) - 1, "a", ("http://a:1",), (), is_learner=False, is_promote=True),
    )


def test_removal_has_no_context() -> None:
    """A removal carries no context, or an empty one."""
    removal = field_varint(2, 1) + field_varint(3, 7)
    expected = ConfChange(ConfChangeType.REMOVE_NODE, 7, None)
    assert decode_conf_change(removal) == expected
    assert decode_conf_change(removal + field_bytes(4, b"")) == expected


@given(st.binary(max_size=100))
def test_arbitrary_bytes(content: bytes) -> None:
    """Any bytes are a message or DamagedInput."""
    for decode in (decode_entry, decode_hard_state, decode_conf_change, decode_snapshot_metadata):
        try:
            assert decode(content) is not None
        except DamagedInput as error:
            assert error.message  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("packed", [True, False])
def test_no_cluster_has_so_many_members(packed: bool) -> None:  # noqa: FBT001 - a parameter
    """Each byte of a packed list would be a number in memory."""
    content = field_bytes(1, b"\x07" * 5000) if packed else field_varint(1, 7) * 5000
    with pytest.raises(DamagedInput, match="more than 4096 members"):
        decode_conf_state(content)
    with pytest.raises(DamagedInput, match="a configuration of 1000000 bytes"):
        decode_conf_state(field_bytes(1, b"\x07" * 1_000_000))
