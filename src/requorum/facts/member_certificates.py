"""Whether a member's machine has certificates of its own, for the addresses that it is to have."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from requorum.domain.cluster import MemberSpec
from requorum.domain.member_settings import MemberSettings, TlsFiles
from requorum.facts.host_files import read_small
from requorum.inspection.certificate import certificate_troubles, key_trouble, same_host
from requorum.ports.host import Host


async def certificate_findings(
    host: Host, spec: MemberSpec, settings: MemberSettings
) -> tuple[str, ...]:
    """Return what keeps the member's certificates from being used; nothing where TLS is off.

    Private keys are read into memory only, and nothing of them is told.
    """
    peer = await _of_side(host, settings.peer_tls, spec.peer_url)
    client = await _of_side(host, settings.client_tls, spec.client_url)
    return tuple(dict.fromkeys((*peer, *client)))


async def _of_side(host: Host, files: TlsFiles, url: str) -> list[str]:
    if not url.startswith("https:") or files.auto:
        return []
    lacking = [
        f"{path} is not there"
        for path in (files.trusted_ca, files.cert, files.key)
        if path is not None and await host.stat(path) is None
    ]
    if lacking or files.cert is None or files.key is None:
        return lacking or [f"no certificate is set for {url}"]
    pem = await read_small(host, files.cert)
    named = same_host(urlsplit(url).hostname or "")
    found = [f"{files.cert} {why}" for why in certificate_troubles(pem, named, datetime.now(UTC))]
    why = key_trouble(pem, await read_small(host, files.key))
    return [*found, *([f"{files.key} {why}"] if why else [])]
