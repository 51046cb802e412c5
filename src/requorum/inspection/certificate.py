"""Whether a certificate fits the address that a member is reached at: pure, bytes in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

from requorum.errors import DamagedInput
from requorum.formats.certificates import key_fits, parse_certificates
from requorum.inspection.certificate_findings import covers


def certificate_troubles(pem: bytes, host: str, now: datetime) -> Iterator[str]:
    """Yield why a server cannot use the first certificate of a PEM file at that host name or IP.

    `now` has its zone.
    """
    try:
        certificate = parse_certificates(pem)[0]
    except DamagedInput:
        yield "is no PEM certificate"
        return
    until = datetime.fromtimestamp(certificate.not_after, UTC)
    since = datetime.fromtimestamp(certificate.not_before, UTC)
    if until < now:
        yield f"has expired on {until:%Y-%m-%d}"
    if since > now:
        yield f"is valid only from {since:%Y-%m-%d %H:%M} UTC on"
    if not covers(certificate, host):
        names = sorted((*certificate.names, *certificate.addresses))
        yield f"does not name {host}; it names {', '.join(names) or 'nobody'}"


def key_trouble(certificate: bytes, key: bytes) -> str | None:
    """Return why the private key does not go with the certificate, None where it does."""
    try:
        fits = key_fits(parse_certificates(certificate)[0], key)
    except DamagedInput:
        return "is no private key that can be read"
    return None if fits else "is not the certificate's"


def same_host(host: str) -> str:
    """Return a host as certificates spell it: an IPv6 address in its shortest form."""
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return host
