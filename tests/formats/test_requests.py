"""What entries ask of etcd; see test_wal_real.py for those that etcd wrote."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.requests import (
    AlarmAction,
    AlarmRequest,
    AlarmType,
    Auth,
    ClusterVersionSet,
    Compaction,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    DowngradeInfoSet,
    LeaseCheckpoint,
    LeaseGrant,
    LeaseRevoke,
    MemberAttrSet,
    Noop,
    Put,
    Range,
    Request,
    Txn,
    Unknown,
    V2Request,
    decode_request,
)
from requorum.formats.wire import field_bytes, field_varint

HEADER = field_bytes(100, field_varint(1, 77))
PUT = field_bytes(1, b"k") + field_bytes(2, b"v") + field_varint(3, 9)
V2 = field_bytes(2, b"PUT") + field_bytes(3, b"/0/version") + field_bytes(4, b"3.4.0")


def request(number: int, content: bytes) -> Request:
    """Decode an InternalRaftRequest with one field."""
    return decode_request(field_bytes(number, content) + HEADER)


def put(key: bytes, value: bytes, lease: int = 0) -> Put:
    """Return a plain put."""
    return Put(key, value, lease, prev_kv=False, ignore_value=False, ignore_lease=False)


@pytest.mark.parametrize(
    ("number", "content", "expected"),
    [
        (3, field_bytes(1, b"a") + field_varint(4, 7), Range(b"a", b"", 7)),
        (4, PUT, put(b"k", b"v", 9)),
        (4, PUT + field_varint(5, 1), replace(put(b"k", b"v", 9), ignore_value=True)),
        (5, field_bytes(1, b"a") + field_bytes(2, b"\0"), DeleteRange(b"a", b"\0")),
        (7, field_varint(1, 12) + field_varint(2, 1), Compaction(12, physical=True)),
        (8, field_varint(1, 60) + field_varint(2, -5), LeaseGrant(id=-5, ttl=60)),
        (9, field_varint(1, 4), LeaseRevoke(4)),
        (
            10,
            field_varint(1, 1) + field_varint(2, 1 << 63) + field_varint(3, 2),
            AlarmRequest(AlarmAction.ACTIVATE, 1 << 63, AlarmType.CORRUPT),
        ),
        (
            11,
            field_bytes(1, field_varint(1, 4) + field_varint(2, 30)) * 2,
            LeaseCheckpoint(((4, 30), (4, 30))),
        ),
        (1000, b"", Auth("auth_enable")),
        (1204, field_bytes(1, b"role"), Auth("auth_role_revoke_permission")),
        (1300, field_bytes(1, b"3.6.0"), ClusterVersionSet("3.6.0")),
        (
            1301,
            field_varint(1, 1 << 63) + field_bytes(2, field_bytes(1, b"n") + field_bytes(2, b"u")),
            MemberAttrSet(1 << 63, "n", ("u",)),
        ),
        (
            1302,
            field_varint(1, 1) + field_bytes(2, b"3.5.0"),
            DowngradeInfoSet(enabled=True, version="3.5.0"),
        ),
        (2, V2, V2Request("PUT", "/0/version", "3.4.0")),
        (9900, field_bytes(1, b"x"), Unknown((9900,))),
    ],
)
def test_each_kind(number: int, content: bytes, expected: Request) -> None:
    """Each field of InternalRaftRequest becomes its own kind of request."""
    assert request(number, content) == expected


def test_noop() -> None:
    """No data at all is a leader's beginning."""
    assert decode_request(b"") == Noop()


def test_legacy_request() -> None:
    """What is no InternalRaftRequest may be a v2 request on its own."""
    assert decode_request(field_varint(1, 5) + V2) == V2Request("PUT", "/0/version", "3.4.0")


@pytest.mark.parametrize("content", [b"\xff", b"\x0b", field_bytes(2, b"GRAB") + b"\x0c"])
def test_no_request(content: bytes) -> None:
    """What is neither is damage."""
    with pytest.raises(DamagedInput):
        decode_request(content)


def test_two_requests_at_once() -> None:
    """An entry that asks for two things is none that we know."""
    content = field_bytes(4, PUT) + field_bytes(9, b"")
    assert decode_request(content) == Unknown((4, 9))
    assert decode_request(HEADER) == Unknown(())


def test_transaction() -> None:
    """Comparisons take the operand of their target; operations nest."""
    value = field_varint(2, 3) + field_bytes(3, b"a") + field_bytes(7, b"old")
    version = field_varint(1, 2) + field_bytes(3, b"b") + field_varint(4, -1) + field_varint(6, 8)
    absent = field_varint(2, 4) + field_bytes(64, b"z")
    inner = field_bytes(2, field_bytes(3, field_bytes(1, b"gone")))
    content = b"".join(field_bytes(1, compare) for compare in (value, version, absent))
    content += field_bytes(2, field_bytes(2, PUT)) + field_bytes(3, field_bytes(4, inner))
    assert request(6, content) == Txn(
        compare=(
            Compare(CompareResult.EQUAL, CompareTarget.VALUE, b"a", b"old", b""),
            Compare(CompareResult.LESS, CompareTarget.VERSION, b"b", -1, b""),
            Compare(CompareResult.EQUAL, CompareTarget.LEASE, b"", 0, b"z"),
        ),
        success=(put(b"k", b"v", 9),),
        failure=(Txn((), (DeleteRange(b"gone", b""),), ()),),
    )


def test_empty_operation() -> None:
    """An operation of no kind cannot be replayed, so it is damage."""
    with pytest.raises(DamagedInput, match="no known kind"):
        request(6, field_bytes(2, b""))


def test_nesting_is_bounded() -> None:
    """Transactions within transactions end at a depth, not at the interpreter's."""
    content = b""
    for _ in range(5000):
        content = field_bytes(2, field_bytes(4, content))
    with pytest.raises(DamagedInput, match="nested deeper"):
        request(6, content)


@given(st.binary(max_size=120))
def test_arbitrary_bytes(content: bytes) -> None:
    """Any bytes are a request or DamagedInput."""
    for data in (content, field_bytes(6, content), field_bytes(1301, content)):
        try:
            assert decode_request(data) is not None
        except DamagedInput as error:
            assert error.message  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    "header", [field_varint(100, 1), field_bytes(100, b"\x08"), field_bytes(100, b"\x0a\x00")]
)
def test_a_damaged_header(header: bytes) -> None:
    """Nobody here asks who asked, but etcd refuses the whole request."""
    put = field_bytes(4, field_bytes(1, b"k"))
    assert isinstance(decode_request(put + field_bytes(100, field_varint(1, 7))), Put)
    with pytest.raises(DamagedInput):
        decode_request(put + header)


@pytest.mark.parametrize(
    ("number", "content"),
    [(4, field_bytes(5, b"")), (3, field_bytes(8, b"")), (5, field_bytes(3, b"")), (1100, b"\x0a")],
)
def test_fields_that_only_etcd_reads(number: int, content: bytes) -> None:
    """A field of the wrong kind is damage, whether or not its value matters here."""
    with pytest.raises(DamagedInput):
        request(number, content)


def test_operations_are_bounded() -> None:
    """Those of nested transactions count, too: each takes far more memory than bytes."""
    operation = field_bytes(2, field_bytes(1, b"k"))
    few = field_bytes(2, operation) * 3
    assert len(request(6, few).success) == 3  # type: ignore[union-attr]
    many = field_bytes(2, operation) * 200_000
    nested = field_bytes(2, field_bytes(4, many)) * 2
    with pytest.raises(DamagedInput, match="more than 262144 operations"):
        request(6, nested)
