"""From etcd's messages to the values of `requorum.ports`, and back for transactions."""

from collections.abc import Sequence
from typing import Literal

from requorum.clients.etcd import rpc_pb2 as pb
from requorum.domain.ids import ClusterId, MemberId
from requorum.errors import EtcdError
from requorum.ports import etcd as ports

_ALARMS: dict[int, Literal["NOSPACE", "CORRUPT"]] = {pb.NOSPACE: "NOSPACE", pb.CORRUPT: "CORRUPT"}

_RESULTS = {
    "equal": pb.Compare.EQUAL,
    "greater": pb.Compare.GREATER,
    "less": pb.Compare.LESS,
    "not_equal": pb.Compare.NOT_EQUAL,
}


def header(message: pb.ResponseHeader) -> ports.ResponseHeader:
    """Read the header of a response."""
    return ports.ResponseHeader(
        cluster_id=ClusterId(message.cluster_id),
        member_id=MemberId(message.member_id),
        revision=message.revision,
        raft_term=message.raft_term,
    )


def member_status(message: pb.StatusResponse) -> ports.MemberStatus:
    """Read Maintenance.Status; a field that this version does not send is None."""
    return ports.MemberStatus(
        header=header(message.header),
        version=message.version,
        leader=MemberId(message.leader) if message.leader else None,
        raft_term=message.raftTerm,
        raft_index=message.raftIndex,
        raft_applied_index=message.raftAppliedIndex,
        is_learner=message.isLearner,
        db_size=message.dbSize,
        db_size_in_use=message.dbSizeInUse,
        errors=tuple(message.errors),
        storage_version=message.storageVersion or None,
        db_size_quota=message.dbSizeQuota or None,
    )


def listed_member(message: pb.Member) -> ports.ListedMember:
    """Read one row of Cluster.MemberList."""
    return ports.ListedMember(
        id=MemberId(message.ID),
        name=message.name,
        peer_urls=tuple(message.peerURLs),
        client_urls=tuple(message.clientURLs),
        is_learner=message.isLearner,
    )


def range_result(message: pb.RangeResponse) -> ports.RangeResult:
    """Read the answer to KV.Range."""
    return ports.RangeResult(
        header=header(message.header),
        kvs=tuple(_key_value(kv) for kv in message.kvs),
        more=message.more,
        count=message.count,
    )


def alarm(message: pb.AlarmMember) -> ports.Alarm:
    """Read one raised alarm; EtcdError for a kind that no known version raises."""
    kind = _ALARMS.get(message.alarm)
    if kind is None:
        raise EtcdError(f"an alarm of unknown kind {message.alarm} is raised")
    return ports.Alarm(member_id=MemberId(message.memberID), kind=kind)


def disarm_request(raised: ports.Alarm) -> pb.AlarmRequest:
    """Write the request that takes back an alarm."""
    return pb.AlarmRequest(
        action=pb.AlarmRequest.DEACTIVATE,
        memberID=raised.member_id,
        alarm=pb.NOSPACE if raised.kind == "NOSPACE" else pb.CORRUPT,
    )


def lease_state(message: pb.LeaseTimeToLiveResponse) -> ports.LeaseState:
    """Read the answer to Lease.LeaseTimeToLive."""
    return ports.LeaseState(
        id=message.ID, ttl=message.TTL, granted_ttl=message.grantedTTL, keys=tuple(message.keys)
    )


def txn_request(
    compare: Sequence[ports.Compare],
    success: Sequence[ports.PutOp | ports.DeleteOp],
    failure: Sequence[ports.PutOp | ports.DeleteOp],
) -> pb.TxnRequest:
    """Write a transaction."""
    return pb.TxnRequest(
        compare=[_compare(condition) for condition in compare],
        success=[_operation(op) for op in success],
        failure=[_operation(op) for op in failure],
    )


def put_request(op: ports.PutOp) -> pb.PutRequest:
    """Write a put."""
    return pb.PutRequest(key=op.key, value=op.value, lease=op.lease)


def delete_request(op: ports.DeleteOp) -> pb.DeleteRangeRequest:
    """Write a delete."""
    return pb.DeleteRangeRequest(key=op.key, range_end=op.range_end)


def _key_value(message: pb.KeyValue) -> ports.KeyValue:
    return ports.KeyValue(
        key=message.key,
        value=message.value,
        create_revision=message.create_revision,
        mod_revision=message.mod_revision,
        version=message.version,
        lease=message.lease,
    )


def _operation(op: ports.PutOp | ports.DeleteOp) -> pb.RequestOp:
    if isinstance(op, ports.PutOp):
        return pb.RequestOp(request_put=put_request(op))
    return pb.RequestOp(request_delete_range=delete_request(op))


def _compare(condition: ports.Compare) -> pb.Compare:
    message = pb.Compare(key=condition.key, result=_RESULTS[condition.result])
    if condition.target == "value":
        message.target = pb.Compare.VALUE
        message.value = _bytes(condition.operand)
        return message
    number = _int(condition.operand)
    match condition.target:
        case "version":
            message.target = pb.Compare.VERSION
            message.version = number
        case "create_revision":
            message.target = pb.Compare.CREATE
            message.create_revision = number
        case "mod_revision":
            message.target = pb.Compare.MOD
            message.mod_revision = number
        case "lease":
            message.target = pb.Compare.LEASE
            message.lease = number
    return message


def _bytes(operand: int | bytes) -> bytes:
    if not isinstance(operand, bytes):
        raise TypeError("a value is compared with bytes")
    return operand


def _int(operand: int | bytes) -> int:
    if not isinstance(operand, int):
        raise TypeError("only a value is compared with bytes")
    return operand
