"""`requorum.ports.etcd.Etcd` over gRPC."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Self

import grpc
import grpc.aio

from requorum.clients.etcd import answers, rpcs
from requorum.clients.etcd import rpc_pb2 as pb
from requorum.clients.etcd.channel import Address, TlsMaterial, check_endpoint, open_channel
from requorum.clients.etcd.errors import translate
from requorum.clients.etcd.rpcs import Request, Response, Rpc
from requorum.clients.etcd.session import Session
from requorum.domain.ids import MemberId
from requorum.errors import DeadlineExceeded, EtcdError, RequorumError, Unreachable
from requorum.ports import etcd as ports

Way = Callable[[], Awaitable[Address]]
"""Opens a way to an endpoint that we cannot reach ourselves; returns where it begins.

Unreachable, without a hint, where nobody is there.
"""


class EtcdClient:
    """The gRPC API of one endpoint. Made by `connect`; used in the event loop it was made in."""

    def __init__(
        self,
        endpoint: str,
        *,
        tls: TlsMaterial | None,
        credentials: tuple[str, str] | None,
        way: Way | None,
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._way = way
        self._channel = None if way else open_channel(endpoint, tls)
        self._session = Session(credentials, self._authenticate)
        self._closed = False

    def __repr__(self) -> str:
        return f"EtcdClient({self._endpoint!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def endpoint(self) -> str:
        """Return the client URL."""
        return self._endpoint

    async def close(self) -> None:
        """Close the channel and end its calls. No error when it is closed already."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close(None)

    async def status(self, *, deadline: float) -> ports.MemberStatus:
        """Ask for Maintenance.Status; works without a leader.

        A token needs a leader to be made. So the first attempt goes without one: the releases
        that guard Status refuse it, and only then is one fetched.
        """
        request = pb.StatusRequest()
        answer = await self._call(rpcs.STATUS, request, deadline=deadline, needs_user=False)
        return answers.member_status(answer)

    async def members(
        self, *, deadline: float, linearizable: bool = True
    ) -> tuple[ports.ListedMember, ...]:
        """Ask for Cluster.MemberList. 3.4 answers from its own state whatever is asked."""
        request = pb.MemberListRequest(linearizable=linearizable)
        answer = await self._call(rpcs.MEMBER_LIST, request, deadline=deadline)
        return tuple(answers.listed_member(member) for member in answer.members)

    async def add_member(
        self, peer_urls: Sequence[str], *, learner: bool, deadline: float
    ) -> ports.ListedMember:
        """Add a member that will serve at these peer URLs; return its row, its name still empty."""
        request = pb.MemberAddRequest(peerURLs=peer_urls, isLearner=learner)
        answer = await self._call(rpcs.MEMBER_ADD, request, deadline=deadline)
        return answers.listed_member(answer.member)

    async def promote_member(self, member: MemberId, *, deadline: float) -> None:
        """Make a learner a voter; etcd refuses while the learner lags."""
        request = pb.MemberPromoteRequest(ID=member)
        await self._call(rpcs.MEMBER_PROMOTE, request, deadline=deadline)

    async def remove_member(self, member: MemberId, *, deadline: float) -> None:
        """Remove a member for good."""
        await self._call(rpcs.MEMBER_REMOVE, pb.MemberRemoveRequest(ID=member), deadline=deadline)

    async def update_member(
        self, member: MemberId, peer_urls: Sequence[str], *, deadline: float
    ) -> None:
        """Change where its peers reach a member."""
        request = pb.MemberUpdateRequest(ID=member, peerURLs=peer_urls)
        await self._call(rpcs.MEMBER_UPDATE, request, deadline=deadline)

    async def move_leader(self, target: MemberId, *, deadline: float) -> None:
        """Hand the leadership to `target`. Only the leader itself can be asked."""
        request = pb.MoveLeaderRequest(targetID=target)
        await self._call(rpcs.MOVE_LEADER, request, deadline=deadline)

    async def get(
        self,
        key: bytes,
        *,
        deadline: float,
        range_end: bytes = b"",
        revision: int = 0,
        limit: int = 0,
        serializable: bool = False,
        keys_only: bool = False,
        count_only: bool = False,
    ) -> ports.RangeResult:
        """Ask for KV.Range; linearizable unless told otherwise."""
        request = pb.RangeRequest(
            key=key,
            range_end=range_end,
            revision=revision,
            limit=limit,
            serializable=serializable,
            keys_only=keys_only,
            count_only=count_only,
        )
        return answers.range_result(await self._call(rpcs.RANGE, request, deadline=deadline))

    async def put(self, op: ports.PutOp, *, deadline: float) -> ports.ResponseHeader:
        """Put one key."""
        answer = await self._call(rpcs.PUT, answers.put_request(op), deadline=deadline)
        return answers.header(answer.header)

    async def delete(
        self, op: ports.DeleteOp, *, deadline: float
    ) -> tuple[ports.ResponseHeader, int]:
        """Delete; also return how many keys were deleted."""
        request = answers.delete_request(op)
        answer = await self._call(rpcs.DELETE_RANGE, request, deadline=deadline)
        return answers.header(answer.header), answer.deleted

    async def txn(
        self,
        compare: Sequence[ports.Compare],
        success: Sequence[ports.PutOp | ports.DeleteOp],
        failure: Sequence[ports.PutOp | ports.DeleteOp],
        *,
        deadline: float,
    ) -> ports.TxnResult:
        """Run one transaction."""
        request = answers.txn_request(compare, success, failure)
        answer = await self._call(rpcs.TXN, request, deadline=deadline)
        return ports.TxnResult(header=answers.header(answer.header), succeeded=answer.succeeded)

    async def compact(self, revision: int, *, physical: bool, deadline: float) -> None:
        """Compact the history up to `revision`; `physical` waits until the db has done it."""
        request = pb.CompactionRequest(revision=revision, physical=physical)
        await self._call(rpcs.COMPACT, request, deadline=deadline)

    async def grant_lease(self, ttl: int, *, lease_id: int = 0, deadline: float) -> int:
        """Grant a lease of `ttl` seconds; return its id, which etcd chooses when it is 0."""
        request = pb.LeaseGrantRequest(TTL=ttl, ID=lease_id)
        answer = await self._call(rpcs.LEASE_GRANT, request, deadline=deadline)
        if answer.error:
            raise EtcdError(answer.error)
        return answer.ID

    async def revoke_lease(self, lease_id: int, *, deadline: float) -> ports.ResponseHeader:
        """Revoke a lease and delete its keys."""
        request = pb.LeaseRevokeRequest(ID=lease_id)
        answer = await self._call(rpcs.LEASE_REVOKE, request, deadline=deadline)
        return answers.header(answer.header)

    async def lease_state(self, lease_id: int, *, deadline: float) -> ports.LeaseState:
        """Ask for Lease.LeaseTimeToLive with its keys."""
        request = pb.LeaseTimeToLiveRequest(ID=lease_id, keys=True)
        answer = await self._call(rpcs.LEASE_TIME_TO_LIVE, request, deadline=deadline)
        return answers.lease_state(answer)

    async def alarms(self, *, deadline: float) -> tuple[ports.Alarm, ...]:
        """Return the raised alarms of all members."""
        request = pb.AlarmRequest(action=pb.AlarmRequest.GET)
        answer = await self._call(rpcs.ALARM, request, deadline=deadline)
        return tuple(answers.alarm(raised) for raised in answer.alarms)

    async def disarm(self, alarm: ports.Alarm, *, deadline: float) -> None:
        """Take back one raised alarm. No error where it is not raised."""
        request = answers.disarm_request(alarm)
        await self._call(rpcs.ALARM, request, deadline=deadline)

    async def hash_kv(self, revision: int, *, deadline: float) -> ports.HashKv:
        """Ask for Maintenance.HashKV at a revision, 0 for the current one.

        Before 3.6 the answer does not say which revision was hashed: then it is the one that
        was asked for, and for 0 the one in the header, exact only while nothing is written.
        """
        request = pb.HashKVRequest(revision=revision)
        answer = await self._call(rpcs.HASH_KV, request, deadline=deadline)
        return ports.HashKv(
            hash=answer.hash,
            compact_revision=answer.compact_revision,
            revision=answer.hash_revision or revision or answer.header.revision,
        )

    async def snapshot(self, *, deadline: float) -> AsyncIterator[bytes]:
        """Stream the database as the member holds it, then its SHA-256: what `snapshot save` saves.

        `deadline` is for all of it. Where the stream ends early what came is no snapshot: the
        caller checks the SHA-256 in its last 32 bytes.
        """
        token = await self._session.token(deadline=deadline)
        channel = await self._opened(deadline)
        call = channel.unary_stream(
            rpcs.SNAPSHOT.path,
            request_serializer=pb.SnapshotRequest.SerializeToString,
            response_deserializer=pb.SnapshotResponse.FromString,
        )(pb.SnapshotRequest(), timeout=deadline, metadata=_metadata(token))
        try:
            async for part in call:
                yield part.blob
        except grpc.aio.AioRpcError as error:
            raise self._translated(error, rpcs.SNAPSHOT.path, deadline) from error
        finally:
            call.cancel()

    async def _authenticate(self, user: str, password: str, deadline: float) -> str:
        request = pb.AuthenticateRequest(name=user, password=password)
        return (await self._send(rpcs.AUTHENTICATE, request, "", deadline)).token

    async def _call(
        self,
        rpc: Rpc[Request, Response],
        request: Request,
        *,
        deadline: float,
        needs_user: bool = True,
    ) -> Response:
        """Send as the user; once more, with a new token, when etcd refuses the one we had."""
        clock = asyncio.get_running_loop().time
        end = clock() + deadline
        session = self._session
        token = await session.token(deadline=deadline) if needs_user else session.cached_token
        try:
            return await self._send(rpc, request, token, end - clock())
        except EtcdError as error:
            if not session.may_renew(error):
                raise
        token = await session.renewed(token, deadline=end - clock())
        return await self._send(rpc, request, token, end - clock())

    async def _send(
        self, rpc: Rpc[Request, Response], request: Request, token: str, deadline: float
    ) -> Response:
        if self._closed:
            raise Unreachable(f"the connection to {self._endpoint} was closed by us")
        clock = asyncio.get_running_loop().time
        end = clock() + deadline
        channel = await self._opened(deadline)
        call = channel.unary_unary(
            rpc.path,
            request_serializer=rpc.request.SerializeToString,
            response_deserializer=rpc.response.FromString,
        )
        try:
            answer: Response = await call(
                request, timeout=max(end - clock(), 0), metadata=_metadata(token)
            )
        except grpc.aio.AioRpcError as error:
            raise self._translated(error, rpc.path, deadline) from error
        return answer

    async def _opened(self, deadline: float) -> grpc.aio.Channel:
        """Return the channel; where a way must be opened first, that is tried at each first call.

        So whether anybody is there is told by who leads there: the near end always answers.
        """
        if self._channel is None:
            at = await self._begin_of_way(deadline)
            self._channel = open_channel(self._endpoint, self._tls, at=at)
        return self._channel

    async def _begin_of_way(self, deadline: float) -> Address | None:
        if self._way is None:
            return None
        try:
            async with asyncio.timeout(max(deadline, 0)):
                return await self._way()
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"there was no way to {self._endpoint} within {deadline:.3g} s"
            ) from error

    def _translated(
        self, error: grpc.aio.AioRpcError, method: str, deadline: float
    ) -> RequorumError:
        return translate(error, endpoint=self._endpoint, method=method, deadline=deadline)


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("token", token),) if token else ()


def connect(
    endpoint: str,
    *,
    tls: TlsMaterial | None,
    credentials: tuple[str, str] | None,
    way: Way | None = None,
) -> EtcdClient:
    """Return a client for one client URL; nothing is sent before its first call.

    `credentials` are user and password. To be called in a running event loop; the caller
    closes the client. `way` leads to an endpoint that we cannot reach ourselves. UsageError when
    the URL is malformed or `https` lacks TLS material.
    """
    check_endpoint(endpoint, tls)
    return EtcdClient(endpoint, tls=tls, credentials=credentials, way=way)
