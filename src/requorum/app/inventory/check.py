"""The use case behind `requorum inventory check`."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from requorum.app.inventory.check_member import MemberCheck, MemberLook, check_member
from requorum.app.inventory.results import CheckResult, InventoryCheckResult
from requorum.app.settings import Credentials, Settings
from requorum.app.wiring import connector, open_hosts, tls_of
from requorum.clients.etcd.channel import TlsMaterial
from requorum.domain.cluster import Cluster
from requorum.domain.finding import Finding, Verdict, worst
from requorum.domain.quorum import quorum_size
from requorum.errors import DamagedInput, RequorumError
from requorum.facts.host_condition import try_ways
from requorum.facts.live import Connect, LiveMember, ask_member
from requorum.formats.certificates import key_fits, parse_certificates
from requorum.inspection.certificate_findings import own_pair_findings
from requorum.inspection.host_findings import (
    clock_findings,
    known_bad_findings,
    release_finding,
    stray_findings,
)
from requorum.ports.host import Host

_AT_ONCE = 8
_LIST_DEADLINE = 5.0
_TLS_HINT = "Correct `tls` in the cluster file."
_WAY_HINT = "It runs: look at listen URLs, firewalls and routes, and at AllowTcpForwarding of sshd."
_NOBODY_HINT = "It does not run, or listens elsewhere: `requorum recover --plan` says more."


async def check(
    cluster: Cluster, credentials: Credentials | None, settings: Settings
) -> InventoryCheckResult:
    """Look at everything that can be looked at; what does not answer is a finding, not an error."""
    async with open_hosts(cluster) as hosts:
        material, trouble = await _material(cluster, list(hosts.values()))
        connect = connector(material, credentials)
        live = await _live(cluster, connect, trouble)
        limit = asyncio.Semaphore(_AT_ONCE)
        members = await asyncio.gather(
            *(
                check_member(
                    limit,
                    MemberLook(
                        host=hosts[m.host],
                        member=m,
                        bin_dir=cluster.etcd_bin_dir,
                        cache=str(settings.etcd_cache),
                        sharing=[other.host for other in cluster.members].count(m.host),
                        live=live.get(m.name),
                    ),
                )
                for m in cluster.members
            )
        )
        findings = [finding for member in members for finding in member.findings]
        up = {
            m.host: hosts[m.host]
            for m, c in zip(cluster.members, members, strict=True)
            if c.reached
        }
        findings += await _ways(cluster, up)
        findings += [trouble] if trouble is not None else _own_pair(material)
        findings += await _together(cluster, members, live, connect)
    return InventoryCheckResult(
        cluster=cluster.name,
        verdict=worst([finding.verdict for finding in findings]),
        checks=tuple(
            CheckResult(
                check=f.check, subject=f.subject, verdict=f.verdict, finding=f.text, hint=f.hint
            )
            for f in findings
        ),
    )


async def _material(
    cluster: Cluster, hosts: Sequence[Host]
) -> tuple[TlsMaterial | None, Finding | None]:
    """Return the client certificates, and what keeps us from them."""
    try:
        return await tls_of(cluster.tls, hosts), None
    except RequorumError as error:
        return None, Finding("tls", "cluster", Verdict.FAIL, error.message, error.hint or _TLS_HINT)


def _own_pair(material: TlsMaterial | None) -> Sequence[Finding]:
    if material is None or material.cert is None or material.key is None:
        return ()
    try:
        own = parse_certificates(material.cert)[0]
        authorities = parse_certificates(material.cacert) if material.cacert else ()
        fits = key_fits(own, material.key)
    except DamagedInput as error:
        text = f"a file of `tls`: {error.message}"
        return (Finding("tls", "cluster", Verdict.FAIL, text, _TLS_HINT),)
    return own_pair_findings(own, authorities, fits=fits, now=time.time())


async def _live(
    cluster: Cluster, connect: Connect, trouble: Finding | None
) -> Mapping[str, LiveMember]:
    """Ask every member; none whose TLS we lack the certificates for."""
    asked = [m for m in cluster.members if trouble is None or not m.client_url.startswith("https")]
    found: dict[str, LiveMember] = {}

    async def ask(name: str, url: str) -> None:
        try:
            found[name] = await ask_member(name, connect(url))
        except RequorumError as error:
            found[name] = LiveMember(
                name, None, reads=False, trouble=error.message, hint=error.hint
            )

    await asyncio.gather(*(ask(m.name, m.client_url) for m in asked))
    return found


async def _ways(cluster: Cluster, up: Mapping[str, Host]) -> list[Finding]:
    """Try every member's peer and client URL from every host that answers us."""
    findings = []
    for check_name, urls in (
        ("peer-url", {m.name: m.peer_url for m in cluster.members}),
        ("client-url", {m.name: m.client_url for m in cluster.members}),
    ):
        for name, (reached, troubles) in (await try_ways(up, urls)).items():
            if not up:
                continue
            if not troubles:
                text = f"{urls[name]} answers on {len(reached)} of {len(up)} hosts"
                findings.append(Finding(check_name, name, Verdict.OK, text))
                continue
            why = "; ".join(f"from {host}: {said}" for host, said in troubles.items())
            text = f"{urls[name]} does not answer {why}"
            hint = _WAY_HINT if reached else _NOBODY_HINT
            findings.append(Finding(check_name, name, Verdict.FAIL, text, hint))
    return findings


async def _together(
    cluster: Cluster,
    members: Sequence[MemberCheck],
    live: Mapping[str, LiveMember],
    connect: Connect,
) -> list[Finding]:
    """Compare the members with each other, with the file, and with what the cluster lists."""
    offsets = {
        m.host: c.clock
        for m, c in zip(cluster.members, members, strict=True)
        if c.clock is not None
    }
    findings = list(clock_findings(offsets))
    releases = {c.name: c.release for c in members if c.release is not None}
    release = release_finding(releases)
    findings += [release] if release is not None else []
    findings += known_bad_findings(releases)
    reading = [name for name, member in live.items() if member.reads]
    needed = quorum_size(len(cluster.members))
    if not live:
        text = "no member was asked, for want of the client certificates"
        findings.append(Finding("quorum", "cluster", Verdict.WARN, text, _TLS_HINT))
    elif len(reading) >= needed:
        findings.append(Finding("quorum", "cluster", Verdict.OK, f"{len(reading)} members read"))
    else:
        findings.append(
            Finding(
                "quorum", "cluster", Verdict.FAIL,
                f"{len(reading)} members read through a leader, {needed} are a quorum",
                "`requorum recover --plan` says what it would take.",
            )
        )  # fmt: skip  # one finding
    return findings + await _strays(cluster, live, connect)


async def _strays(
    cluster: Cluster, live: Mapping[str, LiveMember], connect: Connect
) -> list[Finding]:
    for member in cluster.members:
        if member.name not in live or not live[member.name].answers:
            continue
        etcd = connect(member.client_url)
        try:
            listed = await etcd.members(deadline=_LIST_DEADLINE, linearizable=False)
        except RequorumError:
            continue  # the next one may tell; that this one does not is in its own row
        finally:
            await etcd.close()
        return list(
            stray_findings(
                {m.name or f"{m.id:x}": m.peer_urls for m in listed},
                {m.name: m.peer_url for m in cluster.members},
                [m.name or f"{m.id:x}" for m in listed if m.is_learner],
            )
        )
    text = "no member lists who belongs to the cluster, so the file cannot be compared"
    return [
        Finding("members", "cluster", Verdict.WARN, text, "Check again once the cluster serves.")
    ]
