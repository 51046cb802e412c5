"""Raft's own messages, as they lie in WAL records and snapshots.

Source: raft raftpb/raft.proto. All numbers are u64 unless said otherwise. Up to etcd 3.6 the
encoder writes every number, also zeros; 3.7 leaves out the ones that were never set (the type of
a normal entry). Readers of all versions take a missing number for zero.
"""

from dataclasses import dataclass
from enum import IntEnum

from requorum.errors import DamagedInput
from requorum.formats import wire
from requorum.formats.json_object import json_number, json_object, json_text, json_texts
from requorum.formats.message import known_enum

_MEMBERS_MAX = 1 << 12
"""No cluster has a hundred members, each of which answers every write."""


class EntryType(IntEnum):
    """What an entry's data is: a request of etcd's, or a change of raft's members."""

    NORMAL = 0
    CONF_CHANGE = 1
    CONF_CHANGE_V2 = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry. `data` is empty where a new leader only marks its term."""

    type: EntryType
    term: int
    index: int
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class HardState:
    """What a member promised: its term, its vote in it (0: none), and what it knows committed."""

    term: int
    vote: int
    commit: int


@dataclass(frozen=True, slots=True)
class ConfState:
    """Raft's configuration, as member ids in the order written."""

    voters: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    voters_outgoing: tuple[int, ...] = ()
    learners_next: tuple[int, ...] = ()
    auto_leave: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotMetadata:
    """The place in the log that a snapshot stands for."""

    conf_state: ConfState
    index: int
    term: int


class ConfChangeType(IntEnum):
    """What happens to the member."""

    ADD_NODE = 0
    REMOVE_NODE = 1
    UPDATE_NODE = 2
    ADD_LEARNER_NODE = 3


@dataclass(frozen=True, slots=True)
class ContextMember:
    """The member that etcd describes in a ConfChange's context.

    Source: etcd server/etcdserver/api/membership (ConfigChangeContext). A promotion is an
    ADD_NODE with `is_promote`.
    """

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool
    is_promote: bool


@dataclass(frozen=True, slots=True)
class ConfChange:
    """The data of a CONF_CHANGE entry; `context` is None where none is written (removals)."""

    type: ConfChangeType
    node_id: int
    context: ContextMember | None


def decode_entry(data: bytes | memoryview) -> Entry:
    """Decode a WAL record of type entry; DamagedInput where it is none."""
    entry_type = term = index = 0
    content: bytes | memoryview = b""
    for number, _, value in wire.fields(data):
        if number == 1:
            entry_type = wire.whole_number(value, "entry type")
        elif number == 2:
            term = wire.whole_number(value, "entry term")
        elif number == 3:
            index = wire.whole_number(value, "entry index")
        elif number == 4:
            content = wire.payload(value, "entry data")
    return Entry(known_enum(EntryType, entry_type), term, index, content)


def encode_entry(entry: Entry, *, explicit_zeros: bool = True) -> bytes:
    """Encode as etcd up to 3.6 does; without `explicit_zeros` as 3.7 does for its own entries."""
    numbers = ((1, int(entry.type)), (2, entry.term), (3, entry.index))
    encoded = _numbers(numbers, explicit_zeros=explicit_zeros)
    return encoded + wire.field_bytes(4, entry.data) if entry.data else encoded


def decode_hard_state(data: bytes | memoryview) -> HardState:
    """Decode a WAL record of type state; DamagedInput where it is none."""
    numbers = {1: 0, 2: 0, 3: 0}
    for number, _, value in wire.fields(data):
        if number in numbers:
            numbers[number] = wire.whole_number(value, "hard state")
    return HardState(*numbers.values())


def encode_hard_state(state: HardState, *, explicit_zeros: bool = True) -> bytes:
    """Encode as etcd up to 3.6 does; without `explicit_zeros` as 3.7 does."""
    numbers = ((1, state.term), (2, state.vote), (3, state.commit))
    return _numbers(numbers, explicit_zeros=explicit_zeros)


def _numbers(numbers: tuple[tuple[int, int], ...], *, explicit_zeros: bool) -> bytes:
    return b"".join(
        wire.field_varint(number, value) for number, value in numbers if value or explicit_zeros
    )


def decode_conf_state(data: bytes | memoryview) -> ConfState:
    """Decode raft's configuration; DamagedInput where it is none."""
    ids: dict[int, list[int]] = {1: [], 2: [], 3: [], 4: []}
    auto_leave = False
    for number, _, value in wire.fields(data):
        if number in ids:
            ids[number].extend(_repeated_numbers(value))
            if len(ids[number]) > _MEMBERS_MAX:
                raise DamagedInput(f"a configuration of more than {_MEMBERS_MAX} members")
        elif number == 5:
            auto_leave = bool(wire.whole_number(value, "auto_leave"))
    voters, learners, voters_outgoing, learners_next = (tuple(group) for group in ids.values())
    return ConfState(voters, learners, voters_outgoing, learners_next, auto_leave)


def _repeated_numbers(value: int | memoryview) -> list[int]:
    """Return the numbers of one field: etcd writes them one by one, proto3 may pack them."""
    if isinstance(value, int):
        return [value]
    if len(value) > _MEMBERS_MAX * wire.VARINT_BYTES_MAX:
        raise DamagedInput(f"a configuration of {len(value)} bytes")
    numbers = []
    offset = 0
    while offset < len(value):
        number, offset = wire.read_varint(value, offset)
        numbers.append(number)
    return numbers


def decode_snapshot_metadata(data: bytes | memoryview) -> SnapshotMetadata:
    """Decode the metadata of a raftpb.Snapshot; DamagedInput where it is none."""
    conf_state, index, term = ConfState(), 0, 0
    for number, _, value in wire.fields(data):
        if number == 1:
            conf_state = decode_conf_state(wire.payload(value, "conf_state"))
        elif number == 2:
            index = wire.whole_number(value, "snapshot index")
        elif number == 3:
            term = wire.whole_number(value, "snapshot term")
    return SnapshotMetadata(conf_state, index, term)


def decode_conf_change(data: bytes | memoryview) -> ConfChange:
    """Decode the data of a CONF_CHANGE entry; DamagedInput where it is none."""
    change_type = node_id = 0
    context = None
    for number, _, value in wire.fields(data):
        if number == 2:
            change_type = wire.whole_number(value, "conf change type")
        elif number == 3:
            node_id = wire.whole_number(value, "conf change node_id")
        elif number == 4:
            context = _context_member(wire.payload(value, "conf change context"))
    return ConfChange(known_enum(ConfChangeType, change_type), node_id, context)


def _context_member(data: memoryview) -> ContextMember | None:
    """Decode the JSON object; None where etcd wrote an empty context."""
    if not len(data):
        return None
    member = json_object(data, "the context of a conf change")
    return ContextMember(
        id=json_number(member, "id"),
        name=json_text(member, "name"),
        peer_urls=json_texts(member, "peerURLs"),
        client_urls=json_texts(member, "clientURLs"),
        is_learner=member.get("isLearner") is True,
        is_promote=member.get("isPromote") is True,
    )
