"""One record of a log in words, on one line."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from requorum.app.inspect.wal.results import (
    AlarmDetail,
    AuthDetail,
    ClusterVersionDetail,
    CompactionDetail,
    CrcDetail,
    DamageDetail,
    DowngradeDetail,
    HardStateDetail,
    LeaseCheckpointDetail,
    LeaseGrantDetail,
    LeaseRevokeDetail,
    MemberAttributesDetail,
    MembershipDetail,
    MetadataDetail,
    SnapshotDetail,
    TxnDetail,
    UndecodableDetail,
    UnknownDetail,
    V2Detail,
    WalCompare,
    WalOperation,
    WalRecord,
)
from requorum.cli.render.key_text import quoted, shown_key
from requorum.inspection.key_choice import TO_THE_END, prefix_end

_SIGNS = {"equal": "=", "not-equal": "!=", "greater": ">", "less": "<"}
_VERBS = {"put": "put", "delete": "delete", "range": "get"}
_CHANGES = {
    "add-voter": "add voter",
    "add-learner": "add learner",
    "promote": "promote learner",
    "remove": "remove member",
    "update": "update member",
}
_NOOP = "a leader begins its term"
_INDEX_LISTED = 8


def words(record: WalRecord) -> str:
    """Return what the record is about, with what it is worth behind it."""
    return " ".join([_what(record), *_marks(record)])


def _what(record: WalRecord) -> str:
    detail = record.detail
    if isinstance(detail, TxnDetail):
        return _txn(detail.compares, record.operations)
    if detail is not None:
        return _DETAILS[type(detail)](detail)
    if record.operations:
        return _object(record.operations[0])
    if record.kind == "damage":
        return ""
    return _NOOP


def _marks(record: WalRecord) -> Iterator[str]:
    if record.user is not None:
        yield f"by user {_plain(record.user)}"
    if record.standing == "superseded":
        by = record.superseded_by_term
        yield "(superseded)" if by is None else f"(superseded in term {by})"
    elif record.standing == "doubtful":
        yield "(doubtful: a lost record may have replaced it)"
    elif record.committed is False:
        yield "(not known to be committed)"


def _plain(text: str) -> str:
    """Return a name or a path that somebody chose, fit for a terminal."""
    return shown_key(text.encode("utf-8", "surrogateescape"))


def content(text: str | None, encoded: str | None) -> bytes:
    """Return the bytes that a pair of fields stands for."""
    if text is not None:
        return text.encode()
    return b64decode(encoded or "")


def _object(operation: WalOperation) -> str:
    """Return what an operation is about, without its verb."""
    key = content(operation.key, operation.key_base64)
    if operation.operation == "put":
        return f"{shown_key(key)}{_value_put(operation)}"
    return _keys(key, content(operation.range_end, operation.range_end_base64))


def _value_put(operation: WalOperation) -> str:
    value = " with its old value" if operation.ignore_value else f" = {_value(operation)}"
    if operation.lease is not None:
        return f"{value}, lease {operation.lease}"
    return f"{value}, with its old lease" if operation.ignore_lease else value


def _value(shown: WalOperation | WalCompare | V2Detail) -> str:
    if shown.value is not None:
        return quoted(shown.value.encode())
    if shown.value_base64 is not None:
        return f"base64 {shown.value_base64}"
    return f"{shown.value_size} byte{'s' * (shown.value_size != 1)}"


def _keys(key: bytes, range_end: bytes) -> str:
    if not range_end:
        return shown_key(key)
    if range_end == TO_THE_END:
        return f"every key from {shown_key(key)} on" if key.strip(b"\0") else "every key"
    if range_end == prefix_end(key):
        return f"every key with prefix {shown_key(key)}"
    return f"every key from {shown_key(key)} to before {shown_key(range_end)}"


def _txn(compares: Sequence[WalCompare], operations: Sequence[WalOperation]) -> str:
    conditions = {
        branch: " and ".join(map(_compare, group))
        for branch, group in groupby(compares, key=lambda c: c.branch or "")
    }
    unconditional = "" not in conditions
    parts = [] if unconditional else [f"if {conditions.pop('')}"]
    for (branch, runs), group in groupby(operations, key=lambda o: (o.branch or "", o.runs)):
        nested = branch.rpartition(".")[0]
        if nested in conditions:
            parts.append(f"{nested} if {conditions.pop(nested)}")
        name = "always" if unconditional and branch == "then" else branch
        name += " (never)" if runs == "never" else ""
        parts.append(f"{name} {', '.join(map(_in_branch, group))}")
    parts += [f"{branch} if {condition}" for branch, condition in conditions.items()]
    return " ".join(parts) or "nothing"


def _in_branch(operation: WalOperation) -> str:
    return f"{_VERBS[operation.operation]} {_object(operation)}"


def _compare(compare: WalCompare) -> str:
    key = content(compare.key, compare.key_base64)
    keys = _keys(key, content(compare.range_end, compare.range_end_base64))
    operand = _value(compare) if compare.target == "value" else str(compare.number)
    return f"{compare.target}({keys}) {_SIGNS[compare.result]} {operand}"


def _lease_revoke(detail: LeaseRevokeDetail) -> str:
    if detail.keys is None:
        return f"{detail.lease} and delete its keys"
    keys = ", ".join(shown_key(content(k.key, k.key_base64)) for k in detail.keys)
    if not keys:
        keys = "no key" if detail.keys_complete else "keys that nothing here tells"
    elif not detail.keys_complete:
        keys = f"{keys}, and perhaps others"
    return f"{detail.lease} and delete its keys: {keys}"


def _checkpoint(detail: LeaseCheckpointDetail) -> str:
    told = [f"{each.lease} has {each.remaining_ttl} s left" for each in detail.leases]
    more = len(told) - _INDEX_LISTED
    return ", ".join(told[:_INDEX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _membership(detail: MembershipDetail) -> str:
    name = f" {_plain(detail.name)}" if detail.name else ""
    urls = f" at {', '.join(map(_plain, detail.peer_urls))}" if detail.peer_urls else ""
    return f"{_CHANGES[detail.change]} {detail.member}{name}{urls}"


def _auth(detail: AuthDetail) -> str:
    parts = [detail.operation.removeprefix("auth_").replace("_", " ")]
    if detail.user:
        parts.append(f"user {_plain(detail.user)}")
    if detail.role:
        parts.append(f"role {_plain(detail.role)}")
    permission = detail.permission
    if permission is not None:
        key = content(permission.key, permission.key_base64)
        end = content(permission.range_end, permission.range_end_base64)
        parts.append(f"{permission.access} {_keys(key, end)}".strip())
    return ": ".join([parts[0], ", ".join(parts[1:])]) if parts[1:] else parts[0]


def _alarm(detail: AlarmDetail) -> str:
    if detail.action == "get":
        return "list the alarms"
    member = "of all members" if detail.member == "0" else f"of member {detail.member}"
    return f"{detail.action} {detail.alarm} {member}"


def _v2(detail: V2Detail) -> str:
    value = f" = {_v2_value(detail)}" if detail.value_size else ""
    return f"{_plain(detail.method)} {_plain(detail.path)}{value}"


def _v2_value(detail: V2Detail) -> str:
    """Return it without quotes where it can stand so: etcd's own is JSON, full of them."""
    if detail.value is not None and detail.value.isprintable():
        return detail.value
    return _value(detail)


def _attributes(detail: MemberAttributesDetail) -> str:
    urls = ", ".join(map(_plain, detail.client_urls))
    return f"member {detail.member} is {_plain(detail.name)} and serves at {urls or 'no URL'}"


def _downgrade(detail: DowngradeDetail) -> str:
    return f"downgrade to {_plain(detail.version)} begins" if detail.enabled else "downgrade ends"


def _hard_state(detail: HardStateDetail) -> str:
    return f"commit {detail.commit}, vote {detail.vote or 'for nobody'}"


def _snapshot(detail: SnapshotDetail) -> str:
    if detail.voters is None:
        return "a snapshot was saved"
    learners = f", learners {', '.join(detail.learners)}" if detail.learners else ""
    return f"a snapshot was saved: voters {', '.join(detail.voters) or 'none'}{learners}"


def _unknown(detail: UnknownDetail) -> str:
    numbers = ", ".join(map(str, detail.field_numbers[:_INDEX_LISTED]))
    return f"a request that is not known here, fields {numbers}"


_DETAILS: dict[type, Callable[[Any], str]] = {
    LeaseGrantDetail: lambda told: f"{told.lease} for {told.ttl} s",
    LeaseRevokeDetail: _lease_revoke,
    LeaseCheckpointDetail: _checkpoint,
    CompactionDetail: lambda told: (
        f"history before revision {told.revision}{', physical' if told.physical else ''}"
    ),
    MembershipDetail: _membership,
    AuthDetail: _auth,
    AlarmDetail: _alarm,
    V2Detail: _v2,
    ClusterVersionDetail: lambda told: f"the cluster's version is {_plain(told.version)}",
    MemberAttributesDetail: _attributes,
    DowngradeDetail: _downgrade,
    UnknownDetail: _unknown,
    UndecodableDetail: lambda told: f"cannot be decoded: {told.problem}",
    HardStateDetail: _hard_state,
    SnapshotDetail: _snapshot,
    MetadataDetail: lambda told: f"member {told.member} of cluster {told.cluster}",
    CrcDetail: lambda told: f"{told.crc}: the checksum goes on from here",
    DamageDetail: lambda told: told.what,
}
