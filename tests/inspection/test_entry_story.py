"""What an entry asks for, whatever its kind; see test_inspect_wal_real.py for those etcd wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_wal import (
    delete,
    lease_revoke,
    mod_equals,
    op_delete,
    op_get,
    op_put,
    op_txn,
    put,
    request,
    txn,
    txn_fields,
)

from requorum.formats.auth_requests import AuthRequest
from requorum.formats.raftpb import ConfChange, Entry, EntryType
from requorum.formats.requests import Put
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.entry_story import (
    EntryKind,
    Undecodable,
    comparisons_of,
    operations_of,
    origin_of,
    possible_operations,
    tell,
)


def entry_of(data: bytes, kind: EntryType = EntryType.NORMAL) -> Entry:
    """Return an entry."""
    return Entry(kind, 2, 7, data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", EntryKind.NOOP),
        (put(b"k"), EntryKind.PUT),
        (delete(b"k"), EntryKind.DELETE),
        (txn([], [op_put(b"k")]), EntryKind.TXN),
        (request(3, field_bytes(1, b"k")), EntryKind.RANGE),
        (request(7, field_varint(1, 5)), EntryKind.COMPACTION),
        (request(8, field_varint(1, 60)), EntryKind.LEASE_GRANT),
        (lease_revoke(5), EntryKind.LEASE_REVOKE),
        (request(10, field_varint(1, 1)), EntryKind.ALARM),
        (request(11, field_bytes(1, field_varint(1, 5))), EntryKind.LEASE_CHECKPOINT),
        (request(1000, b""), EntryKind.AUTH),
        (request(1300, field_bytes(1, b"3.6.0")), EntryKind.CLUSTER_VERSION),
        (request(1301, field_varint(1, 5)), EntryKind.MEMBER_ATTRIBUTES),
        (request(1302, field_varint(1, 1)), EntryKind.DOWNGRADE),
        (request(9900, b""), EntryKind.UNKNOWN),
        (field_bytes(2, b"PUT") + field_bytes(3, b"/0/version"), EntryKind.V2),
        (b"\xff\xff", EntryKind.UNDECODABLE),
    ],
)
def test_every_kind(data: bytes, kind: EntryKind) -> None:
    """The kind is told, also of what nobody knows."""
    assert tell(entry_of(data)).kind is kind


def test_every_kind_is_tested() -> None:
    """A kind that is added comes with its row above."""
    rows = test_every_kind.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {kind for _, kind in rows} | {EntryKind.MEMBERSHIP} == set(EntryKind)


def test_a_change_of_members() -> None:
    """It comes with the member that it is about, and with who asked for it."""
    context = {"id": 7, "peerURLs": ["http://a:2380"], "isPromote": True}
    data = field_varint(1, 0xABCD << 48) + field_varint(3, 7)
    data += field_bytes(4, json.dumps(context).encode())
    entry = entry_of(data, EntryType.CONF_CHANGE)
    told = tell(entry).told
    assert isinstance(told, ConfChange)
    assert told.context is not None
    assert (told.node_id, told.context.is_promote) == (7, True)
    assert origin_of(entry).member_suffix == 0xABCD


def test_a_change_of_members_that_etcd_never_writes() -> None:
    """It is named as what it is, not decoded as something else."""
    told = tell(entry_of(b"", EntryType.CONF_CHANGE_V2)).told
    assert isinstance(told, Undecodable)


def test_auth_is_told_without_secrets() -> None:
    """Only the names."""
    data = request(1100, field_bytes(1, b"alice") + field_bytes(2, b"hunter2"))
    assert tell(entry_of(data)).told == AuthRequest("auth_user_add", user="alice")


def test_operations_of_nested_transactions() -> None:
    """Each comes with the branch it stands in, in the order in which etcd would go."""
    inner = txn_fields([mod_equals(b"b", 2)], [op_put(b"b")], [op_delete(b"b")])
    data = txn([mod_equals(b"a", 1)], [op_put(b"a"), op_txn(inner)], [op_get(b"a")])
    told = tell(entry_of(data)).told
    assert [(o.branch, str(o.kind), o.operation.key) for o in operations_of(told)] == [
        ("then", "put", b"a"),
        ("then[1].then", "put", b"b"),
        ("then[1].else", "delete", b"b"),
        ("else", "range", b"a"),
    ]
    compares = [(c.branch, c.compare.key) for c in comparisons_of(told)]
    assert compares == [("", b"a"), ("then[1]", b"b")]


def test_whether_a_branch_runs() -> None:
    """Where no comparison decides it; also for what is nested in it."""
    inner = txn_fields([mod_equals(b"b", 2)], [op_put(b"b")], [op_delete(b"b")])
    data = txn([], [op_put(b"a"), op_txn(inner)], [op_get(b"a"), op_txn(inner)])
    told = tell(entry_of(data)).told
    assert [(o.branch, str(o.runs)) for o in operations_of(told)] == [
        ("then", "always"),
        ("then[1].then", "perhaps"),
        ("then[1].else", "perhaps"),
        ("else", "never"),
        ("else[1].then", "never"),
        ("else[1].else", "never"),
    ]
    possible = [o.branch for o in possible_operations(told)]
    assert possible == ["then", "then[1].then", "then[1].else"]


def test_branches_nested_twice() -> None:
    """Operations and comparisons name them alike."""
    innermost = txn_fields([mod_equals(b"c", 3)], [op_put(b"c")])
    inner = txn_fields([], [op_put(b"b")], [op_txn(innermost)])
    told = tell(entry_of(txn([], [op_txn(inner)]))).told
    branches = [o.branch for o in operations_of(told)]
    assert branches == ["then[0].then", "then[0].else[0].then"]
    assert [c.branch for c in comparisons_of(told)] == ["then[0].else[0]"]


def test_a_request_of_its_own_is_one_operation() -> None:
    """It stands in no branch; a request about no key has none."""
    (found,) = operations_of(tell(entry_of(put(b"k"))).told)
    assert found.branch == ""
    assert isinstance(found.operation, Put)
    assert list(operations_of(tell(entry_of(lease_revoke(1))).told)) == []


@given(st.binary(max_size=200), st.sampled_from(EntryType))
def test_telling_never_raises(data: bytes, kind: EntryType) -> None:
    """Whatever the bytes are, they are told as something."""
    story = tell(entry_of(data, kind))
    assert story.kind in EntryKind
    assert len(list(operations_of(story.told))) <= len(data)
