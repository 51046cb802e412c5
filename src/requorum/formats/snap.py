"""etcd's .snap files: where raft's log was cut, and who the members were then.

Source: etcd server/etcdserver/api/snap/snapshotter.go, snappb/snap.proto, raft raftpb, and the
JSON of api/v2store (membership below /0, v2 user data below /1).

Up to 3.5 this is the source of truth for membership; from 3.6 on etcd regenerates it from the db.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from crc32c import crc32c

from requorum.errors import DamagedInput
from requorum.formats.json_object import json_object, json_text, json_texts
from requorum.formats.message import Message
from requorum.formats.raftpb import ConfState, decode_snapshot_metadata
from requorum.formats.source import Source

SNAP_SIZE_MAX = 64 << 20
"""A member's list and version make a few KiB; the keys of the v2 API, where there are, lie in
memory, too, of every etcd that holds them."""

_SNAP_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.snap")
_SNAP_DB_NAME = re.compile(r"([0-9a-f]{16})\.snap\.db")
_MEMBER_ID = re.compile(r"[0-9a-f]{1,16}")


@dataclass(frozen=True, slots=True)
class SnapMember:
    """A member as the v2 store knows it; name and client URLs are empty until it has started."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True, slots=True)
class Snap:
    """One .snap file. Members and removed ids ascend; `cluster_version` is "3.5.0" or None.

    `has_v2_data`: whether keys of the v2 API, or its users, are left; 3.6 does not start then.
    """

    term: int
    index: int
    conf_state: ConfState
    members: tuple[SnapMember, ...]
    removed: tuple[int, ...]
    cluster_version: str | None
    has_v2_data: bool


def parse_snap_name(name: str) -> tuple[int, int] | None:
    """Return (term, index) of a .snap file's name, None for any other file of the directory."""
    found = _SNAP_NAME.fullmatch(name)
    return None if found is None else (int(found[1], 16), int(found[2], 16))


def parse_snap_db_name(name: str) -> int | None:
    """Return the index of a .snap.db file's name (a whole db from a leader), else None."""
    found = _SNAP_DB_NAME.fullmatch(name)
    return None if found is None else int(found[1], 16)


def read_snap(source: Source) -> Snap:
    """Read a .snap file; DamagedInput where its checksum or anything in it is wrong.

    The same where it is larger than `SNAP_SIZE_MAX`: it is read at once, and parsed.
    """
    snapshot = Message(_checked_content(source))
    metadata = decode_snapshot_metadata(snapshot.view(2))
    store = _v2_store(snapshot.view(1))
    cluster = _child(store, "0")
    return Snap(
        term=metadata.term,
        index=metadata.index,
        conf_state=metadata.conf_state,
        members=_members(_child(cluster, "members")),
        removed=tuple(sorted(map(_member_id, _children(_child(cluster, "removed_members"))))),
        cluster_version=json_text(_child(cluster, "version"), "Value") or None,
        has_v2_data=_has_v2_data(store),
    )


def _checked_content(source: Source) -> memoryview:
    """Return the raftpb.Snapshot in a snappb.Snapshot whose checksum is right."""
    if source.size > SNAP_SIZE_MAX:
        raise DamagedInput(
            f"the snapshot file has {source.size} bytes, no more than {SNAP_SIZE_MAX} are read"
        )
    envelope = Message(source.read(0, source.size))
    crc, content = envelope.unsigned(1), envelope.view(2)
    if not len(content) or not crc:
        raise DamagedInput("the snapshot file is empty")
    if crc32c(content) != crc:
        raise DamagedInput("the snapshot file does not match its checksum")
    return content


_Node = Mapping[str, object]


def _v2_store(data: memoryview) -> _Node:
    root = json_object(data, "the v2 store", size_max=SNAP_SIZE_MAX).get("Root")
    if not isinstance(root, dict):
        raise DamagedInput("the v2 store has no root")
    return root


def _children(node: _Node) -> Mapping[str, _Node]:
    children = node.get("Children")
    if children is None:
        return {}
    if not isinstance(children, dict) or not all(isinstance(n, dict) for n in children.values()):
        raise DamagedInput("a node of the v2 store has children that are no nodes")
    return cast("Mapping[str, _Node]", children)


def _child(node: _Node, name: str) -> _Node:
    """Return a child; a missing one is an empty node."""
    return _children(node).get(name, {})


def _members(node: _Node) -> tuple[SnapMember, ...]:
    members = [_member(name, child) for name, child in _children(node).items()]
    return tuple(sorted(members, key=lambda member: member.id))


def _member(name: str, node: _Node) -> SnapMember:
    raft = _attributes(node, "raftAttributes")
    published = _attributes(node, "attributes")
    return SnapMember(
        id=_member_id(name),
        name=json_text(published, "name"),
        peer_urls=json_texts(raft, "peerURLs"),
        client_urls=json_texts(published, "clientURLs"),
        is_learner=raft.get("isLearner") is True,
    )


def _attributes(member: _Node, name: str) -> dict[str, object]:
    """Return the JSON object that is a member's attribute node's value, {} where it has none."""
    value = json_text(_child(member, name), "Value")
    return json_object(value, name) if value else {}


def _member_id(name: str) -> int:
    if not _MEMBER_ID.fullmatch(name):
        raise DamagedInput(f"{name[:64]!r} is no member id")
    return int(name, 16)


def _has_v2_data(store: _Node) -> bool:
    """Return what etcd asks. Source: api/membership/storev2.go (IsMetaStoreOnly)."""
    return any(name != "0" and _children(node) for name, node in _children(store).items())
