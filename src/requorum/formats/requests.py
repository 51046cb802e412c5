"""What a normal entry of the log asks etcd to do.

Source: etcd api/etcdserverpb/raft_internal.proto and rpc.proto; for entries that the v2 API left
behind (3.4 publishes its members this way) etcdserver.proto. Keys and values are bytes, numbers
int64 unless said otherwise; texts that are not UTF-8 carry replacement characters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from requorum.errors import DamagedInput
from requorum.formats import wire
from requorum.formats.message import Message


@dataclass(frozen=True, slots=True)
class Noop:
    """The empty entry with which a leader begins its term."""


@dataclass(frozen=True, slots=True)
class Range:
    """A read, which only a transaction brings into the log."""

    key: bytes
    range_end: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Put:
    """Write one key; `lease` 0 is none."""

    key: bytes
    value: bytes
    lease: int
    prev_kv: bool
    ignore_value: bool
    ignore_lease: bool


@dataclass(frozen=True, slots=True)
class DeleteRange:
    r"""Delete `key`, or [key, range_end) where `range_end` is given; b"\0" is to the end."""

    key: bytes
    range_end: bytes


class CompareResult(IntEnum):
    """How the two sides of a comparison must stand to each other."""

    EQUAL = 0
    GREATER = 1
    LESS = 2
    NOT_EQUAL = 3


class CompareTarget(IntEnum):
    """Which property of the key is compared."""

    VERSION = 0
    CREATE = 1
    MOD = 2
    VALUE = 3
    LEASE = 4


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition of a transaction: key's `target` `result` `operand` (bytes for VALUE)."""

    result: CompareResult
    target: CompareTarget
    key: bytes
    operand: int | bytes
    range_end: bytes


@dataclass(frozen=True, slots=True)
class Txn:
    """Run `success` where every comparison holds on the state before, else `failure`."""

    compare: tuple[Compare, ...]
    success: tuple["RequestOp", ...]
    failure: tuple["RequestOp", ...]


RequestOp = Range | Put | DeleteRange | Txn


@dataclass(frozen=True, slots=True)
class Compaction:
    """Forget what lies before `revision`."""

    revision: int
    physical: bool


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """Grant a lease of `ttl` seconds."""

    id: int
    ttl: int


@dataclass(frozen=True, slots=True)
class LeaseRevoke:
    """Revoke a lease and delete its keys."""

    id: int


@dataclass(frozen=True, slots=True)
class LeaseCheckpoint:
    """Note the seconds that leases have left: (lease id, remaining TTL)."""

    checkpoints: tuple[tuple[int, int], ...]


class AlarmAction(IntEnum):
    """What is done to the alarm."""

    GET = 0
    ACTIVATE = 1
    DEACTIVATE = 2


class AlarmType(IntEnum):
    """Which alarm."""

    NONE = 0
    NOSPACE = 1
    CORRUPT = 2


@dataclass(frozen=True, slots=True)
class AlarmRequest:
    """Raise or clear an alarm of one member (u64; 0 is all)."""

    action: AlarmAction
    member_id: int
    alarm: AlarmType


@dataclass(frozen=True, slots=True)
class Auth:
    """Something about users, roles or whether they count; its content is not read."""

    kind: str


@dataclass(frozen=True, slots=True)
class ClusterVersionSet:
    """The cluster agrees on a version ("3.5.0")."""

    version: str


@dataclass(frozen=True, slots=True)
class MemberAttrSet:
    """A started member (u64) publishes its name and client URLs."""

    member_id: int
    name: str
    client_urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DowngradeInfoSet:
    """A downgrade to `version` begins or ends."""

    enabled: bool
    version: str


@dataclass(frozen=True, slots=True)
class V2Request:
    """A request of the v2 API: etcd's own bookkeeping, or v2 user data below /1."""

    method: str
    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A request that no field known here explains; the field numbers that it has."""

    field_numbers: tuple[int, ...]


Request = (
    Noop
    | Range
    | Put
    | DeleteRange
    | Txn
    | Compaction
    | LeaseGrant
    | LeaseRevoke
    | LeaseCheckpoint
    | AlarmRequest
    | Auth
    | ClusterVersionSet
    | MemberAttrSet
    | DowngradeInfoSet
    | V2Request
    | Unknown
)

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
_ENVELOPE = frozenset({1, 100})
_V2_METHODS = frozenset({"POST", "PUT", "DELETE", "QGET", "SYNC"})
_TXN_DEPTH_MAX = 64


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
            continue
        numbers.append(number)
        if number in _AUTH_KINDS:
            wire.payload(value, _AUTH_KINDS[number])
            known.append(Auth(_AUTH_KINDS[number]))
        elif number in _DECODERS:
            known.append(_DECODERS[number](wire.payload(value, f"request field {number}")))
    # etcd proposes one thing per entry; what holds two was not written by one that we know.
    return known[0] if len(known) == 1 else Unknown(tuple(numbers))


def _range(data: memoryview) -> Range:
    fields = Message(data)
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
    fields = Message(data)
    return DeleteRange(fields.content(1), fields.content(2))


def _txn(data: memoryview, depth: int = 1) -> Txn:
    if depth > _TXN_DEPTH_MAX:
        raise DamagedInput(f"transactions are nested deeper than {_TXN_DEPTH_MAX}")
    fields = Message(data)
    return Txn(
        compare=tuple(_compare(message) for message in fields.messages(1)),
        success=tuple(_request_op(message, depth) for message in fields.messages(2)),
        failure=tuple(_request_op(message, depth) for message in fields.messages(3)),
    )


def _compare(data: memoryview) -> Compare:
    fields = Message(data)
    target = fields.one_of(2, CompareTarget)
    # The operand is a oneof whose fields follow the targets: version = 4 ... lease = 8. etcd
    # takes zero for it where another field than the target's is set.
    number = 4 + target
    return Compare(
        result=fields.one_of(1, CompareResult),
        target=target,
        key=fields.content(3),
        operand=fields.content(number) if target is CompareTarget.VALUE else fields.signed(number),
        range_end=fields.content(64),
    )


def _request_op(data: memoryview, depth: int) -> RequestOp:
    """Decode the oneof; of several fields the last one counts, as protobuf rules."""
    operation: RequestOp | None = None
    for number, _, value in wire.fields(data):
        if number in _OPERATIONS:
            operation = _OPERATIONS[number](wire.payload(value, "operation"))
        elif number == 4:
            operation = _txn(wire.payload(value, "nested transaction"), depth + 1)
    if operation is None:
        raise DamagedInput("an operation of a transaction is of no known kind")
    return operation


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
    fields = Message(data)
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
