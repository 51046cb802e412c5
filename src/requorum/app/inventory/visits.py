"""Hosts that are asked for their member: the one that was named, then those that it leads to."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from requorum.app.wiring import connector, host_of, tls_of
from requorum.domain.cluster import Ssh
from requorum.domain.cluster_draft import ClusterDraft, MemberDraft, Told
from requorum.errors import RequorumError
from requorum.facts.discovered_host import DiscoveredHost, discover_host
from requorum.facts.listed_members import ask_for_members
from requorum.inspection.merged_drafts import merged
from requorum.ports.host import Host

if TYPE_CHECKING:
    from requorum.app.inventory.discover import Sources

_AT_ONCE = 8
_SECONDS = 60.0
"""For one host with all its questions; each of them has a deadline of its own."""


async def visit(
    stack: AsyncExitStack, destination: str, sources: "Sources", ssh: Ssh
) -> ClusterDraft:
    """Return what the host that was named tells, and the running cluster through its member."""
    host = _opened(stack, destination, ssh)
    found = await discover_host(host, unit=sources.unit, manifest=sources.pod_manifest)
    own = _with_access(found)
    listed = await _listed_through(host, found, sources)
    return merged([listed, own]) if listed is not None else own


async def visit_all(
    stack: AsyncExitStack, draft: ClusterDraft, sources: "Sources", ssh: Ssh
) -> list[ClusterDraft]:
    """Ask every other host of the draft; one that does not answer is a note on its member."""
    limit = asyncio.Semaphore(_AT_ONCE)
    asked = [
        _visited(limit, _opened(stack, member.host.value, ssh), member)
        for member in draft.members
        if member.host is not None and member.host.value != sources.host
    ]
    return await asyncio.gather(*asked)


async def _visited(limit: asyncio.Semaphore, host: Host, member: MemberDraft) -> ClusterDraft:
    service = member.service if member.service and member.service.sure else None
    async with limit:
        try:
            async with asyncio.timeout(_SECONDS):
                found = await discover_host(
                    host,
                    unit=service.value if service and service.kind == "systemd" else None,
                    manifest=service.value if service and service.kind == "static-pod" else None,
                )
        except (RequorumError, TimeoutError) as error:
            why = error.message if isinstance(error, RequorumError) else "too slow"
            silent = replace(member, note=f"its host did not tell: {why}")
            return ClusterDraft(members=(_unconfirmed(silent),))
    return _with_access(found)


def _unconfirmed(member: MemberDraft) -> MemberDraft:
    """Return only the note, under what tells the member: the rest was told by others already."""
    return MemberDraft(name=member.name, peer_url=member.peer_url, note=member.note)


def _with_access(found: DiscoveredHost) -> ClusterDraft:
    return replace(
        found.draft,
        clients=found.clients,
        tls=found.tls,
        tls_source="found on the host that was asked" if found.tls else "",
    )


async def _listed_through(
    host: Host, found: DiscoveredHost, sources: "Sources"
) -> ClusterDraft | None:
    """Return the MemberList of the host's member; None where it does not run or answer us."""
    if sources.endpoints:
        return None  # the operator named whom to ask
    url = found.draft.members[0].client_url
    assert isinstance(url, Told)  # noqa: S101  # settings always have one
    try:
        material = await tls_of(sources.tls or found.tls, [host])
        return await ask_for_members(connector(material, sources.credentials)(url.value))
    except RequorumError as error:
        note = f"the members are those of initial-cluster, {url.value} lists none: {error.message}"
        return ClusterDraft(members=(), notes=(note,))


def _opened(stack: AsyncExitStack, destination: str, ssh: Ssh) -> Host:
    host = host_of(destination, ssh)
    stack.push_async_callback(host.close)
    return host
