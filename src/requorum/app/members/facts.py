"""What a change of the membership rests on."""

import asyncio
from collections.abc import Mapping

from pydantic import JsonValue

from requorum.app.recovery.prepared import file_facts
from requorum.domain.cluster import Cluster, CommandService
from requorum.facts.configured_member import ConfiguredMember, configured_member
from requorum.facts.data_dir import has_data
from requorum.facts.member_certificates import certificate_findings
from requorum.facts.membership import Seat, ask_membership
from requorum.facts.survey import Reach
from requorum.runbooks.join_checks import JoinFacts
from requorum.workflow.plan import fingerprint_of


async def join_facts(
    cluster: Cluster, reach: Reach, name: str, unreachable: Mapping[str, str], *, joins: bool
) -> JoinFacts:
    """Ask the cluster for its members, and the host for one of them.

    `joins`: what it runs with and its certificates are read as well.
    """
    membership = await ask_membership(cluster, reach, apart_from={name})
    running = data = False
    configured: ConfiguredMember | None = None
    certificates: tuple[str, ...] = ()
    if name not in unreachable:
        host, spec = reach.hosts[name], cluster.member(name)
        running, data = await asyncio.gather(reach.services[name].running(), has_data(host, spec))
        if joins and not isinstance(spec.service, CommandService):
            configured = await configured_member(host, spec)
            settings = configured.configuration.settings
            certificates = await certificate_findings(host, spec, settings)
    return JoinFacts(
        membership=membership,
        unreachable=unreachable,
        running=running,
        has_data=data,
        configurable=name in reach.settings,
        configured=configured,
        certificates=certificates,
    )


async def membership_fingerprint(cluster: Cluster, reach: Reach, name: str) -> str:
    """Return the fingerprint of who is a member and healthy, and of the files of one of them.

    Who leads is left out: that may change at any moment, and the steps look for themselves.
    """
    others = {m.name for m in cluster.members} - {name}
    files = await file_facts(cluster.without(others), reach)
    return fingerprint_of({"members": await _members(cluster, reach, name), "files": files})


async def furnish_fingerprint(cluster: Cluster, reach: Reach, name: str) -> str:
    """Return the fingerprint of who is a member and healthy; files have digests in their steps."""
    return fingerprint_of({"members": await _members(cluster, reach, name)})


async def _members(cluster: Cluster, reach: Reach, name: str) -> list[JsonValue]:
    now = await ask_membership(cluster, reach, apart_from={name})
    return [_said(seat, counts=seat.name != name) for seat in now.listed]


def _said(seat: Seat, *, counts: bool) -> str:
    """Return a member in words. Whether the lost one flaps for a moment does not count."""
    role = "learner" if seat.listed.is_learner else "voter"
    health = ("serves" if seat.healthy else "does not serve") if counts else ""
    return f"{seat.listed.id:x} {seat.name} {','.join(seat.listed.peer_urls)} {role} {health}"
