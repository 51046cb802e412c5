"""Everything that a recovery decides on, gathered from all members at once, read-only."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from requorum.domain.cluster import Cluster, MemberSpec
from requorum.domain.ids import ClusterId, MemberId
from requorum.domain.quorum import quorum_size
from requorum.errors import Unreachable
from requorum.facts.data_dir import (
    Stamps,
    hash_content,
    hold_against_log,
    read_state_files,
    stamp,
    with_log,
)
from requorum.facts.live import Connect, LiveMember, ask_until_led
from requorum.inspection.agreement import (
    common_revision,
    entries_to_compare,
    known_commit,
    lowest_index_needed,
    vote,
)
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.decision import ClusterEvidence
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.identity import (
    identify,
    refuse_swapped,
    refuse_unidentified,
    without_strangers,
)
from requorum.inspection.membership import Membership, RaftMember, membership_of
from requorum.ports.etcd import Etcd
from requorum.ports.host import Disk, Host
from requorum.ports.service import Fence, ServiceControl, SettingsControl


@dataclass(frozen=True, slots=True)
class Reach:
    """How each member is reached; by member name. `clients` by (client, host).

    `connect` reaches client URLs from this machine; `forwarded` those of members that only their
    hosts reach.
    `settings` has the members whose settings a command of the operator's changes.
    `fences` has the members that can be kept from being started: those of systemd units. A static
    pod whose manifest is set aside needs none, and commands are not known well enough.
    """

    hosts: Mapping[str, Host]
    services: Mapping[str, ServiceControl]
    connect: Connect
    clients: Mapping[tuple[str, str], ServiceControl] = field(default_factory=dict)
    forwarded: Mapping[str, Connect] = field(default_factory=dict)
    settings: Mapping[str, SettingsControl] = field(default_factory=dict)
    fences: Mapping[str, Fence] = field(default_factory=dict)

    def etcd(self, member: MemberSpec) -> Etcd:
        """Return a client for the member's own client URL; the caller closes it."""
        return self.forwarded.get(member.name, self.connect)(member.client_url)


@dataclass(frozen=True, slots=True)
class Survey:
    """The facts of one moment. `disks` are those of the data directories.

    `unreachable` says of members why their hosts do not answer: nothing is known of these but
    what their etcd itself answers, and `running`, `disks` and `stamps` do not have them.
    `clients` says which of etcd's clients run, by (client, host), on the hosts that answer.
    """

    cluster_id: ClusterId | None
    evidence: ClusterEvidence
    live: Mapping[str, LiveMember]
    running: Mapping[str, bool]
    disks: Mapping[str, Disk]
    stamps: Mapping[str, Stamps]
    unreachable: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[tuple[str, str], bool] = field(default_factory=dict)


async def survey(cluster: Cluster, reach: Reach, unreachable: Mapping[str, str]) -> Survey:
    """Gather all facts; `unreachable` is what `unreachable_members` found.

    Raises Refused where the facts do not say which cluster this is.
    """
    live = await ask_until_led(cluster, reach.etcd, quorum_size(len(cluster.members)))
    there = cluster.without(unreachable)
    running = await running_members(there, reach)
    members = await _members(there, reach, running)
    members |= {name: _out_of_reach(name, why) for name, why in unreachable.items()}
    cluster_id, evidence = await _together(cluster, reach, members)
    return Survey(
        cluster_id=cluster_id,
        evidence=evidence,
        live=live,
        running=running,
        disks=await disks_of(there, reach),
        stamps=await stamps_of(there, reach),
        unreachable=unreachable,
        clients=await running_clients(reach),
    )


async def unreachable_members(cluster: Cluster, reach: Reach) -> Mapping[str, str]:
    """Return the members whose hosts do not answer, each with the reason. Asks all at once."""

    async def reason(member: MemberSpec) -> str | None:
        try:
            await reach.hosts[member.name].stat("/")
        except Unreachable as error:
            return error.message
        return None

    found = await asyncio.gather(*map(reason, cluster.members))
    return {m.name: why for m, why in zip(cluster.members, found, strict=True) if why is not None}


def _out_of_reach(name: str, why: str) -> MemberEvidence:
    return MemberEvidence(name=name, unreadable=f"its host does not answer: {why}")


async def running_members(cluster: Cluster, reach: Reach) -> Mapping[str, bool]:
    """Ask every service whether its member runs."""
    answers = await asyncio.gather(*(reach.services[m.name].running() for m in cluster.members))
    return {m.name: runs for m, runs in zip(cluster.members, answers, strict=True)}


async def running_clients(reach: Reach) -> Mapping[tuple[str, str], bool]:
    """Ask every host that answers whether etcd's clients run there, by (client, host)."""

    async def one(where: tuple[str, str]) -> tuple[tuple[str, str], bool] | None:
        try:
            return where, await reach.clients[where].running()
        except Unreachable:
            return None

    found = await asyncio.gather(*map(one, reach.clients))
    return dict(each for each in found if each is not None)


async def disks_of(cluster: Cluster, reach: Reach) -> Mapping[str, Disk]:
    """Return the file system of every member's data directory."""
    return {m.name: await reach.hosts[m.name].disk(m.data_dir) for m in cluster.members}


async def stamps_of(cluster: Cluster, reach: Reach) -> Mapping[str, Stamps]:
    """Return the stamps of every member's files."""
    return {m.name: await stamp(reach.hosts[m.name], m) for m in cluster.members}


async def _members(
    cluster: Cluster, reach: Reach, running: Mapping[str, bool]
) -> dict[str, MemberEvidence]:
    """Read every member; the logs as far back as any of the databases may need them."""
    hosts = reach.hosts
    states = await asyncio.gather(*(read_state_files(hosts[m.name], m) for m in cluster.members))
    low = lowest_index_needed(states)
    found = await asyncio.gather(
        *(
            with_log(hosts[m.name], m, replace(state, running=running[m.name]), needed_from=low)
            for m, state in zip(cluster.members, states, strict=True)
        )
    )
    return {m.name: m for m in found}


async def _together(
    cluster: Cluster, reach: Reach, members: Mapping[str, MemberEvidence]
) -> tuple[ClusterId | None, ClusterEvidence]:
    """Make of single members' evidence what only all of them together can tell."""
    peer_urls = {m.name: m.peer_url for m in cluster.members}
    identity = identify(members, pinned=cluster.cluster_id, peer_urls=peer_urls)
    ours = without_strangers({n: m for n, m in members.items() if n not in identity.foreign})
    refuse_swapped(ours, peer_urls)
    log = complete_log({n: m.log for n, m in ours.items() if m.log is not None and m.log.metadata})
    ours = await _hashed(cluster, reach, ours)
    if log is not None:
        ours = await _held_against_log(cluster, reach, ours, log)
        refuse_unidentified(ours, log.last_index)
    outvoted, disputed = vote(ours)
    return identity.cluster_id, ClusterEvidence(
        members=ours,
        foreign=identity.foreign,
        membership=_membership(cluster, ours, log),
        log=log,
        known_commit=known_commit(ours),
        outvoted=outvoted,
        disputed=disputed,
    )


async def _held_against_log(
    cluster: Cluster, reach: Reach, members: Mapping[str, MemberEvidence], log: CompletedLog
) -> dict[str, MemberEvidence]:
    """Compare each sound database with the log: deeply where no other database vouches for it."""

    async def one(member: MemberEvidence) -> MemberEvidence:
        database = member.database
        if database is None or not database.readable:
            return member
        spec = cluster.member(member.name)
        compared = await hold_against_log(
            reach.hosts[member.name],
            spec,
            database,
            log,
            at_most=entries_to_compare(member, members),
        )
        return replace(member, database=compared)

    return {m.name: m for m in await asyncio.gather(*map(one, members.values()))}


async def _hashed(
    cluster: Cluster, reach: Reach, members: Mapping[str, MemberEvidence]
) -> dict[str, MemberEvidence]:
    """Hash the sound databases at one revision that all of them hold, where there are two."""
    common = common_revision(members)
    if common is None:
        return dict(members)

    async def one(name: str, database: DatabaseEvidence) -> tuple[str, DatabaseEvidence]:
        hashed = await hash_content(
            reach.hosts[name],
            cluster.member(name),
            database,
            compact=common.compact,
            revision=common.revision,
        )
        return name, hashed

    databases = {n: d for n in common.members if (d := members[n].database) is not None}
    hashed = dict(await asyncio.gather(*(one(n, d) for n, d in databases.items())))
    return {n: replace(m, database=hashed.get(n, m.database)) for n, m in members.items()}


def _membership(
    cluster: Cluster, members: Mapping[str, MemberEvidence], log: CompletedLog | None
) -> Membership:
    """Return who is a member by the files, else by the cluster file."""
    snaps = [s for m in members.values() for s in m.snaps]
    found = membership_of(snaps, log.entries) if log is not None else None
    if found is not None:
        return found
    assumed = (
        RaftMember(_id_of(members.get(m.name), number), m.name, (m.peer_url,), is_learner=False)
        for number, m in enumerate(cluster.members, start=1)
    )
    return Membership({m.id: m for m in assumed})


def _id_of(member: MemberEvidence | None, number: int) -> MemberId:
    """Return the member's own ID, or a negative stand-in where its files are gone."""
    known = member.member_id if member else None
    return known if known is not None else MemberId(-number)
