"""The certificates that a member of a host serves with, read where its settings name them."""

import asyncio
from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

from requorum.domain.finding import Finding, Verdict
from requorum.domain.member_settings import MemberSettings
from requorum.errors import NotPermitted, RequorumError
from requorum.formats.certificates import key_fits, parse_certificates
from requorum.inspection.certificate_findings import CertificateSight, certificate_findings
from requorum.ports.host import Host

_SIZE_MAX = 1 << 20
_RIGHTS = "Log in as root, or say `ssh.become: sudo`."
_PATH = "Correct the path in the member's settings, or put the file there."


async def judge_certificates(
    host: Host, member: str, settings: MemberSettings, *, now: float
) -> tuple[Finding, ...]:
    """Return what is found of both TLS sides; keys are compared and forgotten."""
    found: list[Finding] = []
    for side in ("client", "peer"):
        try:
            sight = await _sight(host, settings, side)
        except RequorumError as error:
            hint = error.hint or (_RIGHTS if isinstance(error, NotPermitted) else _PATH)
            found.append(Finding(f"{side}-cert", member, Verdict.FAIL, error.message, hint))
            continue
        if sight is not None:
            found += certificate_findings(member, sight, now=now)
        else:
            found.append(_without(side, member, settings))
    return tuple(found)


def _without(side: Literal["client", "peer"], member: str, settings: MemberSettings) -> Finding:
    tls = settings.client_tls if side == "client" else settings.peer_tls
    if tls.auto:
        text = "certificates that etcd makes for itself: encrypted, but nobody is known by them"
    else:
        text = "no TLS"
    return Finding(f"{side}-cert", member, Verdict.OK, text)


async def _sight(
    host: Host, settings: MemberSettings, side: Literal["client", "peer"]
) -> CertificateSight | None:
    """Return None where that side has no certificate of its own."""
    tls = settings.client_tls if side == "client" else settings.peer_tls
    if tls.cert is None:
        return None
    if side == "client":
        advertised, listened = settings.advertise_client_urls, settings.listen_client_urls
    else:
        advertised, listened = settings.advertise_peer_urls, settings.listen_peer_urls
    authorities = tls.trusted_ca
    try:
        chain = parse_certificates(await _pem(host, tls.cert))
        fits = key_fits(chain[0], await _pem(host, tls.key or tls.cert))
        trusted = None if authorities is None else parse_certificates(await _pem(host, authorities))
    except RequorumError as error:
        where = f"{tls.cert}, {tls.key or 'no key'}, {authorities or 'no CA'}"
        raise type(error)(f"{error.message} ({where})", hint=error.hint) from error
    return CertificateSight(
        side=side,
        chain=chain,
        key_fits=fits,
        authorities=trusted,
        advertised=_tls_hosts(advertised),
        listened=_tls_hosts(listened),
        asks_clients=tls.client_cert_auth,
    )


def _tls_hosts(urls: Iterable[str]) -> tuple[str, ...]:
    parts = [urlsplit(url) for url in urls]
    return tuple(dict.fromkeys(p.hostname for p in parts if p.scheme == "https" and p.hostname))


async def _pem(host: Host, path: str) -> bytes:
    found = await host.stat(path)
    if found is None or found.kind != "file":
        raise RequorumError(f"there is no file {path} on {host.name}")
    async with host.open(path) as source:
        return await asyncio.to_thread(lambda: bytes(source.read(0, min(source.size, _SIZE_MAX))))
