"""What an entry asks for, as a result: its operations on keys, and the rest by kind."""

from collections.abc import Callable
from typing import Any

from requorum.app.files.bytes_shown import printable_or_base64, text_or_base64
from requorum.app.inspect.wal.results import (
    AlarmActionName,
    AlarmDetail,
    AlarmName,
    AuthDetail,
    ClusterVersionDetail,
    CompactionDetail,
    CompareResultName,
    CompareTargetName,
    Detail,
    DowngradeDetail,
    KeyPermissionDetail,
    LeaseCheckpointDetail,
    LeaseGrantDetail,
    LeaseRemaining,
    LeaseRevokeDetail,
    MemberAttributesDetail,
    MemberChangeName,
    MembershipDetail,
    TxnDetail,
    UndecodableDetail,
    UnknownDetail,
    V2Detail,
    WalCompare,
    WalKey,
    WalOperation,
)
from requorum.domain.ids import hex_id
from requorum.formats.auth_requests import AuthRequest
from requorum.formats.raftpb import ConfChange, ConfChangeType
from requorum.formats.requests import (
    AlarmAction,
    AlarmRequest,
    AlarmType,
    ClusterVersionSet,
    Compaction,
    CompareResult,
    CompareTarget,
    DowngradeInfoSet,
    LeaseCheckpoint,
    LeaseGrant,
    LeaseRevoke,
    MemberAttrSet,
    Put,
    Txn,
    Unknown,
    V2Request,
)
from requorum.inspection.entry_story import (
    BranchCompare,
    BranchOperation,
    EntryStory,
    Undecodable,
    comparisons_of,
    operations_of,
)
from requorum.inspection.lease_keys import RevokedKeys

_TARGETS: dict[CompareTarget, CompareTargetName] = {
    CompareTarget.VERSION: "version",
    CompareTarget.CREATE: "create",
    CompareTarget.MOD: "mod",
    CompareTarget.VALUE: "value",
    CompareTarget.LEASE: "lease",
}
_RESULTS: dict[CompareResult, CompareResultName] = {
    CompareResult.EQUAL: "equal",
    CompareResult.GREATER: "greater",
    CompareResult.LESS: "less",
    CompareResult.NOT_EQUAL: "not-equal",
}
_CHANGES: dict[ConfChangeType, MemberChangeName] = {
    ConfChangeType.ADD_NODE: "add-voter",
    ConfChangeType.ADD_LEARNER_NODE: "add-learner",
    ConfChangeType.REMOVE_NODE: "remove",
    ConfChangeType.UPDATE_NODE: "update",
}
_ACTIONS: dict[AlarmAction, AlarmActionName] = {
    AlarmAction.GET: "get",
    AlarmAction.ACTIVATE: "activate",
    AlarmAction.DEACTIVATE: "deactivate",
}
_ALARMS: dict[AlarmType, AlarmName] = {
    AlarmType.NONE: "NONE",
    AlarmType.NOSPACE: "NOSPACE",
    AlarmType.CORRUPT: "CORRUPT",
}
_V2_OWN_PATH = "/0"
"""Below it etcd keeps its own members and version."""
_V2_AUTH_PATH = "/2"
"""Below it the v2 API keeps users with their password hashes: never shown."""


def lease_id(lease: int) -> str:
    """Return a lease as etcdctl prints it."""
    return f"{lease & (1 << 64) - 1:016x}"


def operations(story: EntryStory, *, values: bool) -> tuple[WalOperation, ...]:
    """Return every operation on keys that the entry names."""
    return tuple(_operation(found, values=values) for found in operations_of(story.told))


def _operation(found: BranchOperation, *, values: bool) -> WalOperation:
    operation = found.operation
    key, key_base64 = text_or_base64(operation.key)
    begin: dict[str, Any] = {
        "operation": str(found.kind),
        "branch": found.branch or None,
        "runs": found.runs.value,
        "key": key,
        "key_base64": key_base64,
    }
    if not isinstance(operation, Put):
        end, end_base64 = _optional(operation.range_end)
        return WalOperation(**begin, range_end=end, range_end_base64=end_base64)
    value, value_base64 = printable_or_base64(operation.value) if values else (None, None)
    return WalOperation(
        **begin,
        lease=lease_id(operation.lease) if operation.lease else None,
        ignore_value=operation.ignore_value,
        ignore_lease=operation.ignore_lease,
        value_size=len(operation.value),
        value=value,
        value_base64=value_base64,
    )


def _optional(content: bytes) -> tuple[str | None, str | None]:
    return text_or_base64(content) if content else (None, None)


def detail(story: EntryStory, revoked: RevokedKeys | None, *, values: bool) -> Detail | None:
    """Return what there is to say besides the operations; None where there is nothing."""
    told = story.told
    if isinstance(told, Txn):
        return TxnDetail(
            compares=tuple(_compare(found, values=values) for found in comparisons_of(told))
        )
    if isinstance(told, LeaseRevoke):
        return _lease_revoke(told, revoked)
    if isinstance(told, V2Request):
        return _v2(told, values=values)
    make = _DETAILS.get(type(told))
    return make(told) if make else None


def _compare(found: BranchCompare, *, values: bool) -> WalCompare:
    compare = found.compare
    key, key_base64 = text_or_base64(compare.key)
    end, end_base64 = _optional(compare.range_end)
    operand = compare.operand
    value, value_base64 = (None, None)
    if isinstance(operand, bytes) and values:
        value, value_base64 = printable_or_base64(operand)
    return WalCompare(
        branch=found.branch or None,
        target=_TARGETS[compare.target],
        result=_RESULTS[compare.result],
        key=key,
        key_base64=key_base64,
        range_end=end,
        range_end_base64=end_base64,
        number=operand if isinstance(operand, int) else None,
        value_size=len(operand) if isinstance(operand, bytes) else None,
        value=value,
        value_base64=value_base64,
    )


def _lease_revoke(told: LeaseRevoke, revoked: RevokedKeys | None) -> LeaseRevokeDetail:
    if revoked is None:
        return LeaseRevokeDetail(lease=lease_id(told.id), keys=None, keys_complete=False)
    pairs = (text_or_base64(key) for key in revoked.keys)
    keys = tuple(WalKey(key=text, key_base64=encoded) for text, encoded in pairs)
    return LeaseRevokeDetail(lease=lease_id(told.id), keys=keys, keys_complete=revoked.complete)


def _v2(told: V2Request, *, values: bool) -> V2Detail:
    content = told.value.encode()
    shown = values or _is_below(told.path, _V2_OWN_PATH)
    hidden = not shown or _is_below(told.path, _V2_AUTH_PATH)
    value, value_base64 = (None, None) if hidden else printable_or_base64(content)
    return V2Detail(
        method=told.method,
        path=told.path,
        value_size=len(content),
        value=value,
        value_base64=value_base64,
    )


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


def _membership(told: ConfChange) -> MembershipDetail:
    context = told.context
    return MembershipDetail(
        change="promote" if context and context.is_promote else _CHANGES[told.type],
        member=hex_id(told.node_id),
        name=context.name if context else "",
        peer_urls=context.peer_urls if context else (),
    )


def _auth(told: AuthRequest) -> AuthDetail:
    permission = None
    if told.permission is not None:
        key, key_base64 = text_or_base64(told.permission.key)
        end, end_base64 = _optional(told.permission.range_end)
        permission = KeyPermissionDetail(
            access=told.permission.access,
            key=key,
            key_base64=key_base64,
            range_end=end,
            range_end_base64=end_base64,
        )
    return AuthDetail(
        operation=told.operation, user=told.user, role=told.role, permission=permission
    )


def _alarm(told: AlarmRequest) -> AlarmDetail:
    return AlarmDetail(
        action=_ACTIONS[told.action], alarm=_ALARMS[told.alarm], member=hex_id(told.member_id)
    )


def _checkpoint(told: LeaseCheckpoint) -> LeaseCheckpointDetail:
    return LeaseCheckpointDetail(
        leases=tuple(
            LeaseRemaining(lease=lease_id(lease), remaining_ttl=remaining)
            for lease, remaining in told.checkpoints
        )
    )


_DETAILS: dict[type, Callable[[Any], Detail]] = {
    LeaseGrant: lambda told: LeaseGrantDetail(lease=lease_id(told.id), ttl=told.ttl),
    LeaseCheckpoint: _checkpoint,
    Compaction: lambda told: CompactionDetail(revision=told.revision, physical=told.physical),
    ConfChange: _membership,
    AuthRequest: _auth,
    AlarmRequest: _alarm,
    ClusterVersionSet: lambda told: ClusterVersionDetail(version=told.version),
    MemberAttrSet: lambda told: MemberAttributesDetail(
        member=hex_id(told.member_id), name=told.name, client_urls=told.client_urls
    ),
    DowngradeInfoSet: lambda told: DowngradeDetail(enabled=told.enabled, version=told.version),
    Unknown: lambda told: UnknownDetail(field_numbers=told.field_numbers),
    Undecodable: lambda told: UndecodableDetail(problem=told.problem),
}
