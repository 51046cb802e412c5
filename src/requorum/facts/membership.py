"""Who is a member of a cluster that serves, by etcd's own list, and how each of them is."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from requorum.domain.cluster import Cluster
from requorum.domain.ids import ClusterId, MemberId, hex_id
from requorum.domain.quorum import Seats
from requorum.errors import Refused
from requorum.facts.live import PROBE, LiveMember, ask_member, ask_members, ask_until_led
from requorum.facts.survey import Reach
from requorum.ports.etcd import Alarm, Etcd, ListedMember, MemberStatus

ASK_DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Seat:
    """One member that etcd lists. `name` is the cluster file's where that has it."""

    name: str
    listed: ListedMember
    live: LiveMember

    @property
    def healthy(self) -> bool:
        """Return whether it reads through a leader; a learner cannot, so it has to know one."""
        if self.listed.is_learner:
            return self.live.status is not None and self.live.status.leader is not None
        return self.live.reads

    @property
    def started(self) -> bool:
        """Return whether it ever ran: until then etcd knows no name of it."""
        return bool(self.listed.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The members of one cluster at one moment."""

    cluster_id: ClusterId
    leader: MemberId
    listed: tuple[Seat, ...]
    alarms: tuple[Alarm, ...]

    @property
    def seats(self) -> Seats:
        """Return who votes, who learns, and who is healthy."""
        return Seats(
            voters=frozenset(s.name for s in self.listed if not s.listed.is_learner),
            learners=frozenset(s.name for s in self.listed if s.listed.is_learner),
            healthy=frozenset(s.name for s in self.listed if s.healthy),
        )

    def seat(self, name: str) -> Seat | None:
        """Return the member of that name, None where etcd lists none."""
        return next((seat for seat in self.listed if seat.name == name), None)

    @property
    def leading(self) -> Seat | None:
        """Return the leader's seat."""
        return next((seat for seat in self.listed if seat.listed.id == self.leader), None)

    @property
    def statuses(self) -> Mapping[str, MemberStatus]:
        """Return what the healthy voters say of themselves, by name."""
        return {
            s.name: s.live.status
            for s in self.listed
            if s.healthy and not s.listed.is_learner and s.live.status is not None
        }


async def ask_membership(
    cluster: Cluster, reach: Reach, *, apart_from: Collection[str] = ()
) -> Membership:
    """Ask a member that serves for the list, and everyone on it for its health.

    `apart_from` are members that are not believed: they may serve another cluster.
    Refused where nobody serves, where two clusters do, or where etcd keeps its status from us.
    """
    asked = cluster.without(apart_from)
    if not asked.members:
        raise Refused(
            f"the cluster file names nobody but {', '.join(apart_from)}",
            hint="A membership is changed through the others. Name them in the cluster file.",
        )
    live = await ask_until_led(asked, reach.etcd, 1)
    status = _one_cluster(live)
    serving = next(m for m in asked.members if live[m.name].reads)
    etcd = reach.etcd(serving)
    try:
        rows = await fresh_list(etcd)
        alarms = await etcd.alarms(deadline=ASK_DEADLINE)
    finally:
        await etcd.close()
    listed = await _seats(cluster, reach, rows)
    return Membership(
        cluster_id=status.header.cluster_id,
        leader=status.leader or MemberId(0),
        listed=listed,
        alarms=alarms,
    )


async def fresh_list(etcd: Etcd) -> tuple[ListedMember, ...]:
    """Return the members as a quorum knows them.

    3.4 answers the list from its own state; after a linearizable read through the same member
    that is no older than what the quorum had agreed on.
    """
    await etcd.get(PROBE, deadline=ASK_DEADLINE, keys_only=True)
    return await etcd.members(deadline=ASK_DEADLINE)


def _one_cluster(live: Mapping[str, LiveMember]) -> MemberStatus:
    """Return the status of one member that serves; Refused where there is no one answer."""
    reading = [member for member in live.values() if member.reads]
    if not reading:
        troubles = "; ".join(f"{m.name}: {m.trouble}" for m in live.values())
        raise Refused(
            f"no quorum serves: {troubles}",
            hint="A membership can only be changed by a quorum. `requorum recover` says what can "
            "be done for this cluster.",
        )
    told = [member for member in reading if member.status is not None]
    if not told or told[0].status is None:
        raise Refused(
            f"{reading[0].name} serves and keeps its status from us",
            hint="Give a user who may ask for it, such as root: --user.",
        )
    clusters = {m.status.header.cluster_id for m in told if m.status}
    if len(clusters) > 1:
        names = ", ".join(f"{m.name} of {hex_id(_id_of(m))}" for m in told)
        raise Refused(
            f"the members serve different clusters: {names}",
            hint="Stop the one that is not yours, or take it out of the cluster file.",
        )
    return told[0].status


def _id_of(member: LiveMember) -> int:
    return member.status.header.cluster_id if member.status else 0


async def _seats(
    cluster: Cluster, reach: Reach, rows: tuple[ListedMember, ...]
) -> tuple[Seat, ...]:
    known = await ask_members(cluster, reach.etcd)

    async def one(row: ListedMember) -> Seat:
        name = name_in(cluster, row)
        if name in known:
            return Seat(name, row, _own(known[name], row))
        if not row.client_urls:
            return Seat(name, row, LiveMember(name, None, reads=False, trouble="it never started"))
        return Seat(name, row, _own(await ask_member(name, reach.connect(row.client_urls[0])), row))

    return tuple(await asyncio.gather(*map(one, rows)))


def _own(live: LiveMember, row: ListedMember) -> LiveMember:
    """Return the answers, unless somebody else gave them at that member's URL."""
    if live.status is None or live.status.header.member_id == row.id:
        return live
    trouble = f"at its client URL answers {hex_id(live.status.header.member_id)}, another member"
    return LiveMember(live.name, None, reads=False, trouble=trouble)


def name_in(cluster: Cluster, row: ListedMember) -> str:
    """Return what the cluster file calls a member: by its peer URL, else by its name."""
    for member in cluster.members:
        if member.peer_url in row.peer_urls:
            return member.name
    return row.name or hex_id(row.id)
