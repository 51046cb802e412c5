"""What a normal entry of the log asks etcd to do.

Source: etcd api/etcdserverpb/raft_internal.proto and rpc.proto; for entries that the v2 API left
behind (3.4 publishes its members this way) etcdserver.proto. Keys and values are bytes, numbers
int64 unless said otherwise; texts that are not UTF-8 carry replacement characters.
"""

from collections.abc import Callable

from requorum.errors import DamagedInput
from requorum.formats import wire
from requorum.formats.message import Message
from requorum.formats.request_types import (
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
    RequestOp,
    Txn,
    Unknown,
    V2Request,
)

__all__ = [
    "AlarmAction",
    "AlarmRequest",
    "AlarmType",
    "Auth",
    "ClusterVersionSet",
    "Compaction",
    "Compare",
    "CompareResult",
    "CompareTarget",
    "DeleteRange",
    "DowngradeInfoSet",
    "LeaseCheckpoint",
    "LeaseGrant",
    "LeaseRevoke",
    "MemberAttrSet",
    "Noop",
    "Put",
    "Range",
    "Request",
    "RequestOp",
    "Txn",
    "Unknown",
    "V2Request",
    "decode_request",
]

_AUTH_KINDS = {
    1000: "auth_enable",
    1011: "auth_disable",
    1012: "authenticate",
    1013: "auth_status",
    1100: "auth_user_add",
    1101: "auth_user_delete",
    1102: "auth_user_get",
    1103: "auth_user_change_password",
    1104: "auth_user_grant_role",
    1105: "auth_user_revoke_role",
    1106: "auth_user_list",
    1107: "auth_role_list",
    1200: "auth_role_add",
    1201: "auth_role_delete",
    1202: "auth_role_get",
    1203: "auth_role_grant_permission",
    1204: "auth_role_revoke_permission",
}
_V2_METHODS = frozenset({"POST", "PUT", "DELETE", "QGET", "SYNC"})
_TXN_DEPTH_MAX = 64
_OPERATIONS_MAX = 1 << 18
"""Comparisons and operations of a transaction, with those nested in it; etcd allows 128 unless it
was told otherwise. As objects they take fifty times the memory of the smallest ones' bytes."""


def decode_request(data: bytes | memoryview) -> Request:
    """Decode the data of a NORMAL entry; DamagedInput where it is no request of any version.

    As etcd does: what is no InternalRaftRequest may be a v2 Request, which once stood alone.
    """
    if not len(data):
        return Noop()
    try:
        return _internal_raft_request(data)
    except DamagedInput as error:
        try:
            return _v2_request(data)
        except DamagedInput:
            raise error from None


def _internal_raft_request(data: bytes | memoryview) -> Request:
    known: list[Request] = []
    numbers = []
    for number, _, value in wire.fields(data):
        if number in _ENVELOPE:
            _ENVELOPE[number](value)
            continue
        numbers.append(number)
        if number in _AUTH_KINDS:
            Message(wire.payload(value, _AUTH_KINDS[number]))
            known = [*known[:1], Auth(_AUTH_KINDS[number])]
        elif number in _DECODERS:
            decoded = _DECODERS[number](wire.payload(value, f"request field {number}"))
            known = [*known[:1], decoded]
    # etcd proposes one thing per entry; what holds two was not written by one that we know.
    return known[0] if len(known) == 1 else Unknown(tuple(numbers))


def _check_id(value: int | memoryview) -> None:
    wire.whole_number(value, "request ID")


def _check_header(value: int | memoryview) -> None:
    """Make sure that etcd can read it: who asked is of no matter to what was asked."""
    Message(wire.payload(value, "request header"), numbers=(1, 3), contents=(2,))


_ENVELOPE: dict[int, Callable[[int | memoryview], None]] = {1: _check_id, 100: _check_header}


def _range(data: memoryview) -> Range:
    fields = Message(data, numbers=range(3, 14))
    return Range(fields.content(1), fields.content(2), fields.signed(4))


def _put(data: memoryview) -> Put:
    fields = Message(data)
    return Put(
        key=fields.content(1),
        value=fields.content(2),
        lease=fields.signed(3),
        prev_kv=fields.flag(4),
        ignore_value=fields.flag(5),
        ignore_lease=fields.flag(6),
    )


def _delete_range(data: memoryview) -> DeleteRange:
    fields = Message(data, numbers=(3,))
    return DeleteRange(fields.content(1), fields.content(2))


def _txn(data: memoryview) -> Txn:
    return _TxnReader().txn(data, depth=1)


class _TxnReader:
    """Reads one transaction and those nested in it, as far as a bounded memory holds them."""

    def __init__(self) -> None:
        self._left = _OPERATIONS_MAX

    def txn(self, data: memoryview, *, depth: int) -> Txn:
        if depth > _TXN_DEPTH_MAX:
            raise DamagedInput(f"transactions are nested deeper than {_TXN_DEPTH_MAX}")
        fields = Message(data)
        return Txn(
            compare=tuple(self._compare(message) for message in fields.messages(1)),
            success=tuple(self._operation(message, depth) for message in fields.messages(2)),
            failure=tuple(self._operation(message, depth) for message in fields.messages(3)),
        )

    def _compare(self, data: memoryview) -> Compare:
        self._count()
        fields = Message(data, numbers=(4, 5, 6, 8), contents=(7,))
        target = fields.one_of(2, CompareTarget)
        # The operand is a oneof whose fields follow the targets: version = 4 ... lease = 8. etcd
        # takes zero for it where another field than the target's is set.
        number = 4 + target
        value = target is CompareTarget.VALUE
        return Compare(
            result=fields.one_of(1, CompareResult),
            target=target,
            key=fields.content(3),
            operand=fields.content(number) if value else fields.signed(number),
            range_end=fields.content(64),
        )

    def _operation(self, data: memoryview, depth: int) -> RequestOp:
        """Decode the oneof; of several fields the last one counts, as protobuf rules."""
        operation: RequestOp | None = None
        for number, _, value in wire.fields(data):
            self._count()
            if number in _OPERATIONS:
                operation = _OPERATIONS[number](wire.payload(value, "operation"))
            elif number == 4:
                nested = wire.payload(value, "nested transaction")
                operation = self.txn(nested, depth=depth + 1)
        if operation is None:
            raise DamagedInput("an operation of a transaction is of no known kind")
        return operation

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise DamagedInput(f"a transaction of more than {_OPERATIONS_MAX} operations")


def _compaction(data: memoryview) -> Compaction:
    fields = Message(data)
    return Compaction(fields.signed(1), fields.flag(2))


def _lease_grant(data: memoryview) -> LeaseGrant:
    fields = Message(data)
    return LeaseGrant(id=fields.signed(2), ttl=fields.signed(1))


def _lease_revoke(data: memoryview) -> LeaseRevoke:
    return LeaseRevoke(Message(data).signed(1))


def _lease_checkpoint(data: memoryview) -> LeaseCheckpoint:
    checkpoints = [Message(message) for message in Message(data).messages(1)]
    return LeaseCheckpoint(tuple((fields.signed(1), fields.signed(2)) for fields in checkpoints))


def _alarm(data: memoryview) -> AlarmRequest:
    fields = Message(data)
    return AlarmRequest(
        action=fields.one_of(1, AlarmAction),
        member_id=fields.unsigned(2),
        alarm=fields.one_of(3, AlarmType),
    )


def _cluster_version_set(data: memoryview) -> ClusterVersionSet:
    return ClusterVersionSet(Message(data).text(1))


def _member_attr_set(data: memoryview) -> MemberAttrSet:
    fields = Message(data)
    attributes = Message(fields.content(2))
    return MemberAttrSet(fields.unsigned(1), attributes.text(1), attributes.texts(2))


def _downgrade_info_set(data: memoryview) -> DowngradeInfoSet:
    fields = Message(data)
    return DowngradeInfoSet(fields.flag(1), fields.text(2))


def _v2_request(data: bytes | memoryview) -> V2Request:
    fields = Message(data, numbers=(1, 5, *range(7, 18)), contents=(6,))
    method = fields.text(2)
    if method not in _V2_METHODS:
        raise DamagedInput(f"{method!r} is not a method of the v2 API")
    return V2Request(method, fields.text(3), fields.text(4))


_OPERATIONS: dict[int, Callable[[memoryview], RequestOp]] = {1: _range, 2: _put, 3: _delete_range}
_DECODERS: dict[int, Callable[[memoryview], Request]] = {
    2: _v2_request,
    3: _range,
    4: _put,
    5: _delete_range,
    6: _txn,
    7: _compaction,
    8: _lease_grant,
    9: _lease_revoke,
    10: _alarm,
    11: _lease_checkpoint,
    1300: _cluster_version_set,
    1301: _member_attr_set,
    1302: _downgrade_info_set,
}
