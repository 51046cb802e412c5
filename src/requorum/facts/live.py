"""What the members that answer say of themselves, asked over gRPC."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from requorum.domain.cluster import Cluster
from requorum.errors import EtcdError, RequorumError, Unreachable
from requorum.ports import Etcd, MemberStatus

STATUS_DEADLINE = 3.0
READ_DEADLINE = 5.0
ELECTION_DEADLINE = 10.0
"""Several elections at etcd's default timeout of one second."""
ELECTION_POLL = 0.5
AUTH_REFUSALS = ("permission denied", "user name is empty", "invalid auth token")

Connect = Callable[[str], Etcd]
"""Makes a client for one client URL. Making one connects nowhere and cannot fail."""


@dataclass(frozen=True, slots=True)
class LiveMember:
    """One member's own answers. `status` is None when it does not answer; `trouble` says why.

    `reads` is whether a linearizable read went through it: the proof that a quorum stands behind.
    """

    name: str
    status: MemberStatus | None
    reads: bool
    trouble: str | None

    @property
    def answers(self) -> bool:
        """Return whether an etcd serves at its client URL."""
        return self.status is not None


async def ask_members(cluster: Cluster, connect: Connect) -> Mapping[str, LiveMember]:
    """Ask all members at once; a member that does not answer is a fact, not an error."""
    asked = [ask_member(m.name, connect(m.client_url)) for m in cluster.members]
    return {live.name: live for live in await asyncio.gather(*asked)}


async def ask_until_led(
    cluster: Cluster, connect: Connect, quorum: int
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
        status = await etcd.status(deadline=STATUS_DEADLINE)
        if status.leader is None:
            return LiveMember(name, status, reads=False, trouble="it has no leader")
        return LiveMember(name, status, reads=await _reads(etcd), trouble=None)
    except Unreachable as error:
        return LiveMember(name, None, reads=False, trouble=error.message)
    except RequorumError as error:
        return LiveMember(name, None, reads=False, trouble=f"it answers with {error.message}")
    finally:
        await etcd.close()


async def _reads(etcd: Etcd) -> bool:
    """Return whether a linearizable read of a key that need not exist succeeds.

    With auth on and no rights, etcd's refusal comes from a member with a leader: that is an answer.
    """
    try:
        await etcd.get(b"requorum/health", deadline=READ_DEADLINE, keys_only=True)
    except EtcdError as error:
        return any(refusal in error.message for refusal in AUTH_REFUSALS)
    except Unreachable:
        return False
    return True


def quorum_serves(live: Mapping[str, LiveMember], quorum: int) -> bool:
    """Return whether enough members read through the same leader of the same cluster."""
    seats: dict[tuple[int, int], int] = {}
    for member in live.values():
        if member.reads and member.status is not None and member.status.leader is not None:
            seat = (member.status.header.cluster_id, member.status.leader)
            seats[seat] = seats.get(seat, 0) + 1
    return max(seats.values(), default=0) >= quorum
