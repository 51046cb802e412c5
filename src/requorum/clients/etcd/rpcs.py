"""The methods of etcd's gRPC API that requorum calls: path, request and response.

Source: etcd api/etcdserverpb/rpc.proto.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from requorum.clients.etcd import rpc_pb2 as pb

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Rpc(Generic[Request, Response]):
    """One method that takes one message; it answers with one unless its name below says more."""

    path: str
    request: type[Request]
    response: type[Response]


RANGE = Rpc("/etcdserverpb.KV/Range", pb.RangeRequest, pb.RangeResponse)
PUT = Rpc("/etcdserverpb.KV/Put", pb.PutRequest, pb.PutResponse)
DELETE_RANGE = Rpc("/etcdserverpb.KV/DeleteRange", pb.DeleteRangeRequest, pb.DeleteRangeResponse)
TXN = Rpc("/etcdserverpb.KV/Txn", pb.TxnRequest, pb.TxnResponse)
COMPACT = Rpc("/etcdserverpb.KV/Compact", pb.CompactionRequest, pb.CompactionResponse)

LEASE_GRANT = Rpc("/etcdserverpb.Lease/LeaseGrant", pb.LeaseGrantRequest, pb.LeaseGrantResponse)
LEASE_REVOKE = Rpc("/etcdserverpb.Lease/LeaseRevoke", pb.LeaseRevokeRequest, pb.LeaseRevokeResponse)
LEASE_TIME_TO_LIVE = Rpc(
    "/etcdserverpb.Lease/LeaseTimeToLive", pb.LeaseTimeToLiveRequest, pb.LeaseTimeToLiveResponse
)

MEMBER_LIST = Rpc("/etcdserverpb.Cluster/MemberList", pb.MemberListRequest, pb.MemberListResponse)
MEMBER_ADD = Rpc("/etcdserverpb.Cluster/MemberAdd", pb.MemberAddRequest, pb.MemberAddResponse)
MEMBER_PROMOTE = Rpc(
    "/etcdserverpb.Cluster/MemberPromote", pb.MemberPromoteRequest, pb.MemberPromoteResponse
)
MEMBER_REMOVE = Rpc(
    "/etcdserverpb.Cluster/MemberRemove", pb.MemberRemoveRequest, pb.MemberRemoveResponse
)
MEMBER_UPDATE = Rpc(
    "/etcdserverpb.Cluster/MemberUpdate", pb.MemberUpdateRequest, pb.MemberUpdateResponse
)

STATUS = Rpc("/etcdserverpb.Maintenance/Status", pb.StatusRequest, pb.StatusResponse)
ALARM = Rpc("/etcdserverpb.Maintenance/Alarm", pb.AlarmRequest, pb.AlarmResponse)
SNAPSHOT = Rpc("/etcdserverpb.Maintenance/Snapshot", pb.SnapshotRequest, pb.SnapshotResponse)
"""Answered with a stream of messages."""
HASH_KV = Rpc("/etcdserverpb.Maintenance/HashKV", pb.HashKVRequest, pb.HashKVResponse)
MOVE_LEADER = Rpc(
    "/etcdserverpb.Maintenance/MoveLeader", pb.MoveLeaderRequest, pb.MoveLeaderResponse
)

AUTHENTICATE = Rpc(
    "/etcdserverpb.Auth/Authenticate", pb.AuthenticateRequest, pb.AuthenticateResponse
)
