"""What a log entry may ask for, as values; see requests.py for how they are read.

Source: etcd api/etcdserverpb/raft_internal.proto and rpc.proto. Keys and values are bytes, numbers
int64 unless said otherwise; texts that are not UTF-8 carry replacement characters.
"""

from dataclasses import dataclass
from enum import IntEnum


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
