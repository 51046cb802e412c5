"""What one entry of the log asks etcd to do, whatever its kind, and who asked.

Pure. A transaction is told with both branches: which one ran depends on the keys as they were
then, which the log does not hold. Where it cannot depend on them, that is told, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from requorum.errors import DamagedInput
from requorum.formats.auth_requests import AuthRequest, decode_auth_request
from requorum.formats.raftpb import ConfChange, Entry, EntryType, decode_conf_change
from requorum.formats.request_origin import RequestOrigin, request_origin
from requorum.formats.requests import (
    AlarmRequest,
    Auth,
    ClusterVersionSet,
    Compaction,
    Compare,
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
    V2Request,
    decode_request,
)
from requorum.inspection.branch_choice import Runs, branches_of


class EntryKind(StrEnum):
    """What an entry is about, by the names that `--kind` takes."""

    NOOP = "noop"
    PUT = "put"
    DELETE = "delete"
    TXN = "txn"
    RANGE = "range"
    COMPACTION = "compaction"
    LEASE_GRANT = "lease-grant"
    LEASE_REVOKE = "lease-revoke"
    LEASE_CHECKPOINT = "lease-checkpoint"
    AUTH = "auth"
    ALARM = "alarm"
    MEMBERSHIP = "membership"
    MEMBER_ATTRIBUTES = "member-attributes"
    CLUSTER_VERSION = "cluster-version"
    DOWNGRADE = "downgrade"
    V2 = "v2"
    UNKNOWN = "unknown"
    UNDECODABLE = "undecodable"


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An entry whose checksum may be right, but whose content no etcd could read."""

    problem: str


Told = Request | AuthRequest | ConfChange | Undecodable


@dataclass(frozen=True, slots=True)
class EntryStory:
    """An entry, told."""

    kind: EntryKind
    told: Told


KeyOperation = Put | DeleteRange | Range


@dataclass(frozen=True, slots=True)
class BranchOperation:
    """An operation on keys, and in which branch of a transaction it stands.

    `branch`: "" for a request of its own, "then", "else", or, in the second operation's branch of
    a nested transaction, "then[1].else"; the numbers count from 0. `runs`: whether that branch
    runs, where the transaction's comparisons alone decide it.
    """

    branch: str
    operation: KeyOperation
    runs: Runs = Runs.ALWAYS

    @property
    def kind(self) -> EntryKind:
        """Return put, delete or range."""
        return _KINDS[type(self.operation)]


@dataclass(frozen=True, slots=True)
class BranchCompare:
    """A comparison of a transaction; `branch` names the nested transaction, "" the outer one."""

    branch: str
    compare: Compare


_KINDS: dict[type, EntryKind] = {
    Noop: EntryKind.NOOP,
    Range: EntryKind.RANGE,
    Put: EntryKind.PUT,
    DeleteRange: EntryKind.DELETE,
    Txn: EntryKind.TXN,
    Compaction: EntryKind.COMPACTION,
    LeaseGrant: EntryKind.LEASE_GRANT,
    LeaseRevoke: EntryKind.LEASE_REVOKE,
    LeaseCheckpoint: EntryKind.LEASE_CHECKPOINT,
    AlarmRequest: EntryKind.ALARM,
    ClusterVersionSet: EntryKind.CLUSTER_VERSION,
    MemberAttrSet: EntryKind.MEMBER_ATTRIBUTES,
    DowngradeInfoSet: EntryKind.DOWNGRADE,
    V2Request: EntryKind.V2,
}


def tell(entry: Entry) -> EntryStory:
    """Return what the entry asks for. Never raises: what cannot be decoded is told as that."""
    try:
        if entry.type is EntryType.NORMAL:
            return _tell_request(entry.data)
        if entry.type is EntryType.CONF_CHANGE:
            return EntryStory(EntryKind.MEMBERSHIP, decode_conf_change(entry.data))
    except DamagedInput as error:
        return EntryStory(EntryKind.UNDECODABLE, Undecodable(error.message))
    return EntryStory(
        EntryKind.UNDECODABLE, Undecodable("a change of members in a form that etcd never writes")
    )


def _tell_request(data: bytes | memoryview) -> EntryStory:
    request = decode_request(data)
    if isinstance(request, Auth):
        return EntryStory(EntryKind.AUTH, decode_auth_request(data, request.kind))
    return EntryStory(_KINDS.get(type(request), EntryKind.UNKNOWN), request)


def origin_of(entry: Entry) -> RequestOrigin:
    """Return who brought the entry into the log."""
    return request_origin(entry.data)


def operations_of(told: Told) -> Iterator[BranchOperation]:
    """Yield every operation on keys that it names, branch by branch, in order."""
    if isinstance(told, Put | DeleteRange | Range):
        yield BranchOperation("", told)
    elif isinstance(told, Txn):
        yield from _operations_in(told, "", Runs.ALWAYS)


def possible_operations(told: Told) -> Iterator[BranchOperation]:
    """Yield those of them that may have been carried out, as far as the entry itself tells."""
    return (found for found in operations_of(told) if found.runs is not Runs.NEVER)


def _operations_in(txn: Txn, prefix: str, outer: Runs) -> Iterator[BranchOperation]:
    then, otherwise = (runs.within(outer) for runs in branches_of(txn))
    for name, operations, runs in (("then", txn.success, then), ("else", txn.failure, otherwise)):
        branch = f"{prefix}{name}"
        for number, operation in enumerate(operations):
            if isinstance(operation, Txn):
                yield from _operations_in(operation, f"{branch}[{number}].", runs)
            else:
                yield BranchOperation(branch, operation, runs)


def comparisons_of(told: Told) -> Iterator[BranchCompare]:
    """Yield every comparison of a transaction and of those nested in it."""
    if isinstance(told, Txn):
        yield from _comparisons_in(told, "")


def _comparisons_in(txn: Txn, branch: str) -> Iterator[BranchCompare]:
    for compare in txn.compare:
        yield BranchCompare(branch, compare)
    for name, operations in (("then", txn.success), ("else", txn.failure)):
        for number, operation in enumerate(operations):
            if isinstance(operation, Txn):
                inner = f"{branch}.{name}[{number}]" if branch else f"{name}[{number}]"
                yield from _comparisons_in(operation, inner)
