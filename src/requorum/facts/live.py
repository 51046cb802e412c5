"""What the members that answer say of themselves, asked over gRPC."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from requorum.domain.cluster import Cluster, MemberSpec
from requorum.errors import EtcdError, RequorumError, Unreachable
from requorum.ports.etcd import Etcd, MemberStatus

STATUS_DEADLINE = 3.0
READ_DEADLINE = 5.0
ELECTION_DEADLINE = 10.0
"""Several elections at etcd's default timeout of one second."""
ELECTION_POLL = 0.5
AUTH_REFUSALS = ("permission denied", "user name is empty", "invalid auth token")
LOGIN_FAILED = "invalid user ID or password"
PROBE = b"requorum/health"
"""A key that need not exist."""

Connect = Callable[[str], Etcd]
"""Makes a client for one client URL. Making one connects nowhere and cannot fail."""

ConnectMember = Callable[[MemberSpec], Etcd]
"""The same for a member of the cluster file, however its client URL is reached."""


@dataclass(frozen=True, slots=True)
class LiveMember:
    """One member's own answers. `status` is None when it gives us none; `trouble` says why.

    `reads` is whether a linearizable read went through it: the proof that a quorum stands behind.
    Where authentication is on, that is seen without a user too, though `status` may be refused.
    `hint` is what would make it talk to us, None where nobody is there.
    """

    name: str
    status: MemberStatus | None
    reads: bool
    trouble: str | None
    hint: str | None = None

    @property
    def answers(self) -> bool:
        """Return whether an etcd serves at its client URL."""
        return self.status is not None or self.reads

    @property
    def bars_us(self) -> bool:
        """Return whether somebody is there who does not talk to us: TLS, or a password."""
        return not self.reads and self.hint is not None


async def ask_members(cluster: Cluster, connect: ConnectMember) -> Mapping[str, LiveMember]:
    """Ask all members at once; a member that does not answer is a fact, not an error."""
    asked = [ask_member(m.name, connect(m)) for m in cluster.members]
    return {live.name: live for live in await asyncio.gather(*asked)}


async def ask_until_led(
    cluster: Cluster, connect: ConnectMember, quorum: int
) -> Mapping[str, LiveMember]:
    """Ask all members; where a quorum answers without a leader, give it the time of an election.

    Members that were just started, or lost their leader a moment ago, look like a broken cluster.
    """
    live = await ask_members(cluster, connect)
    give_up = asyncio.get_running_loop().time() + ELECTION_DEADLINE
    while _leader_may_come(live, quorum) and asyncio.get_running_loop().time() < give_up:
        await asyncio.sleep(ELECTION_POLL)
        live = await ask_members(cluster, connect)
    return live


def _leader_may_come(live: Mapping[str, LiveMember], quorum: int) -> bool:
    answering = sum(member.answers for member in live.values())
    return answering >= quorum and not quorum_serves(live, quorum)


async def ask_member(name: str, etcd: Etcd) -> LiveMember:
    """Ask one member for its status and for a linearizable read; closes `etcd`."""
    try:
        return await _ask(name, etcd)
    finally:
        await etcd.close()


async def _ask(name: str, etcd: Etcd) -> LiveMember:
    status: MemberStatus | None = None
    try:
        status = await etcd.status(deadline=STATUS_DEADLINE)
        if status.leader is None:
            return LiveMember(name, status, reads=False, trouble="it has no leader")
    except RequorumError as error:
        if not _is_refusal(error):
            return _silent(name, None, error)
    try:
        await etcd.get(PROBE, deadline=READ_DEADLINE, keys_only=True)
    except RequorumError as error:
        if not _is_refusal(error):
            return _silent(name, status, error)
    return LiveMember(name, status, reads=True, trouble=None)


def _is_refusal(error: RequorumError) -> bool:
    """Return whether etcd lacks but our rights: a read is refused only after its quorum was asked.

    Source: etcd server/etcdserver/v3_server.go Range.
    """
    return isinstance(error, EtcdError) and any(w in error.message for w in AUTH_REFUSALS)


def _silent(name: str, status: MemberStatus | None, error: RequorumError) -> LiveMember:
    login = isinstance(error, EtcdError) and LOGIN_FAILED in error.message
    barred = login or isinstance(error, Unreachable)
    return LiveMember(
        name, status, reads=False, trouble=error.message, hint=error.hint if barred else None
    )


def quorum_serves(live: Mapping[str, LiveMember], quorum: int) -> bool:
    """Return whether enough members read through the same leader of the same cluster.

    Those that read and keep their status from us are counted with them.
    """
    seats: dict[tuple[int, int], int] = {}
    for member in live.values():
        if member.reads and member.status is not None and member.status.leader is not None:
            seat = (member.status.header.cluster_id, member.status.leader)
            seats[seat] = seats.get(seat, 0) + 1
    unseen = sum(member.reads and member.status is None for member in live.values())
    return max(seats.values(), default=0) + unseen >= quorum
