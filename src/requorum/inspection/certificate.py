"""Whether a certificate fits the address that a member is reached at: pure, bytes in."""

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)


def certificate_troubles(pem: bytes, host: str, now: datetime) -> Iterator[str]:
    """Yield why a server cannot use the first certificate of a PEM file at that host name or IP.

    `now` has its zone.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        yield "is no PEM certificate"
        return
    if certificate.not_valid_after_utc < now:
        yield f"has expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if certificate.not_valid_before_utc > now:
        yield f"is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on"
    names = _names(certificate)
    if host not in names:
        yield f"does not name {host}; it names {', '.join(sorted(names)) or 'nobody'}"


def key_trouble(certificate: bytes, key: bytes) -> str | None:
    """Return why the private key does not go with the certificate, None where it does."""
    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
        own = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError):
        return "is no private key that can be read"
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != own.public_bytes(*form):
        return "is not the certificate's"
    return None


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = found.get_values_for_type(x509.IPAddress)
    return {*found.get_values_for_type(x509.DNSName), *map(str, addresses)}


def same_host(host: str) -> str:
    """Return a host as certificates spell it: an IPv6 address in its shortest form."""
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return host
