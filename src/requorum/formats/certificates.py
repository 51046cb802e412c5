"""X.509 certificates and keys in PEM, as far as TLS between members depends on them."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from requorum.errors import DamagedInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate. Times in seconds since the epoch.

    `addresses` are IP addresses in their usual form. Without an extended key usage a certificate
    serves for everything. `parsed` proves signatures.
    """

    subject: str
    issuer: str
    not_before: float
    not_after: float
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    for_servers: bool = True
    for_clients: bool = True
    parsed: x509.Certificate | None = None


def parse_certificates(pem: bytes) -> tuple[Certificate, ...]:
    """Return every certificate of a PEM file in its order; DamagedInput where it has none."""
    try:
        return tuple(_certificate(found) for found in x509.load_pem_x509_certificates(pem))
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise DamagedInput("it is no certificate in PEM") from error


def _certificate(found: x509.Certificate) -> Certificate:
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    servers = clients = True
    for extension in found.extensions:
        match extension.value:
            case x509.SubjectAlternativeName() as alternative:
                names = tuple(alternative.get_values_for_type(x509.DNSName))
                addresses = tuple(
                    str(address) for address in alternative.get_values_for_type(x509.IPAddress)
                )
            case x509.ExtendedKeyUsage() as usages:
                anything = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages
                servers = anything or ExtendedKeyUsageOID.SERVER_AUTH in usages
                clients = anything or ExtendedKeyUsageOID.CLIENT_AUTH in usages
            case _:
                pass
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        not_before=found.not_valid_before_utc.timestamp(),
        not_after=found.not_valid_after_utc.timestamp(),
        names=names,
        addresses=addresses,
        for_servers=servers,
        for_clients=clients,
        parsed=found,
    )


def issued_by(certificate: Certificate, authority: Certificate) -> bool:
    """Return whether the authority's key signed the certificate."""
    if certificate.parsed is None or authority.parsed is None:
        return False
    try:
        certificate.parsed.verify_directly_issued_by(authority.parsed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def key_fits(certificate: Certificate, key_pem: bytes) -> bool:
    """Return whether that is the certificate's private key; DamagedInput where it is no key."""
    try:
        key = load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise DamagedInput("it is no private key in PEM that etcd could read") from error
    if certificate.parsed is None:
        return False
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.parsed.public_key().public_bytes(
        *form
    )
