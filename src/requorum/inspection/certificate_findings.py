"""Whether a member's certificates let its clients and its peers in, judged from parsed values.

Go, and so etcd, compares addresses with the alternative names alone, never with the common name.
Source: etcd client/pkg/transport/listener.go; Go crypto/x509 VerifyHostname.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from requorum.domain.finding import Finding, Verdict
from requorum.formats.certificates import Certificate, issued_by

SOON_SECONDS = 30 * 86400.0
_RENEW = "Issue it anew, put it onto the host, and restart the member alone."
_OURS = (
    "Issue a client certificate of the cluster's CA, and name it under `tls` in the cluster file."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSight:
    """One TLS side of a member. `advertised` and `listened` are the hosts of its https URLs.

    `chain` has the member's own certificate first. `authorities` is what the member trusts, None
    where it names no CA. `asks_clients`: it takes only connections with a certificate.
    """

    side: Literal["client", "peer"]
    chain: tuple[Certificate, ...]
    key_fits: bool
    authorities: tuple[Certificate, ...] | None
    advertised: tuple[str, ...]
    listened: tuple[str, ...]
    asks_clients: bool


def certificate_findings(
    member: str, sight: CertificateSight, *, now: float
) -> tuple[Finding, ...]:
    """Return what is wrong with that side, or one finding that nothing is."""
    check = f"{sight.side}-cert"
    found = [Finding(check, member, *each) for each in _problems(sight, now)]
    if found:
        return tuple(found)
    own = sight.chain[0]
    return (Finding(check, member, Verdict.OK, f"valid until {_day(own.not_after)}"),)


def own_pair_findings(
    own: Certificate, authorities: Sequence[Certificate], *, fits: bool, now: float
) -> tuple[Finding, ...]:
    """Judge the client certificate that the cluster file names for us, as members would."""
    found: list[_Problem] = list(_validity(own, "our client certificate", now))
    if not own.for_clients:
        found.append((Verdict.FAIL, "ours was not issued for clients", _OURS))
    if not fits:
        found.append((Verdict.FAIL, "our key is not our certificate's", _OURS))
    for ca in authorities:
        found += _validity(ca, f"the CA {ca.subject} of the cluster file", now)
    if found:
        return tuple(Finding("tls", "cluster", *each) for each in found)
    text = f"our client certificate is valid until {_day(own.not_after)}"
    return (Finding("tls", "cluster", Verdict.OK, text),)


_Problem = tuple[Verdict, str, str]


def _problems(sight: CertificateSight, now: float) -> Iterator[_Problem]:
    own = sight.chain[0]
    yield from _validity(own, "the certificate", now)
    if not sight.key_fits:
        yield (
            Verdict.FAIL,
            "the key is not the certificate's",
            "Put the pair that belongs together.",
        )
    yield from _usage(sight, own)
    yield from _addresses(sight, own)
    if sight.authorities is not None:
        yield from _trust(sight.chain, sight.authorities, now)


def _validity(certificate: Certificate, what: str, now: float) -> Iterator[_Problem]:
    if now > certificate.not_after:
        yield Verdict.FAIL, f"{what} expired on {_day(certificate.not_after)}", _RENEW
    elif now < certificate.not_before:
        yield (
            Verdict.FAIL,
            f"{what} is valid only from {_day(certificate.not_before)} on",
            ("Compare the clocks, else issue it anew."),
        )
    elif now > certificate.not_after - SOON_SECONDS:
        yield Verdict.WARN, f"{what} expires on {_day(certificate.not_after)}", _RENEW


def _usage(sight: CertificateSight, own: Certificate) -> Iterator[_Problem]:
    if not own.for_servers:
        yield Verdict.FAIL, "it was not issued for servers (extended key usage)", _RENEW
    if sight.side == "peer" and not own.for_clients:
        yield (
            Verdict.FAIL,
            "it was not issued for clients, and a peer is both (extended key usage)",
            _RENEW,
        )
    if sight.side == "client" and sight.asks_clients and not own.for_clients:
        yield (
            Verdict.WARN,
            "it was not issued for clients, so etcd's own gateway is refused (extended key usage)",
            _RENEW,
        )


def _addresses(sight: CertificateSight, own: Certificate) -> Iterator[_Problem]:
    lacking = [host for host in sight.advertised if not covers(own, host)]
    if lacking:
        yield Verdict.FAIL, f"it does not name {', '.join(lacking)}, which is advertised", _RENEW
    listened = [
        host
        for host in sight.listened
        if host not in lacking and not _is_any(host) and not covers(own, host)
    ]
    if listened:
        yield Verdict.WARN, f"it does not name {', '.join(listened)}, where it listens", _RENEW


def covers(certificate: Certificate, host: str) -> bool:
    """Return whether TLS takes the certificate for that host.

    >>> covers(Certificate(subject="", issuer="", not_before=0, not_after=0,
    ...                    names=("*.example.org",)), "a.example.org")
    True
    """
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        return any(_name_covers(name.lower(), host.lower()) for name in certificate.names)
    return address in certificate.addresses


def _name_covers(name: str, host: str) -> bool:
    if name.startswith("*."):
        first, _, rest = host.partition(".")
        return bool(first) and rest == name[2:]
    return name == host


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _trust(
    chain: Sequence[Certificate], authorities: Sequence[Certificate], now: float
) -> Iterator[_Problem]:
    """Follow the chain up to a CA that the member itself trusts, as its peers trust theirs."""
    last = chain[0]
    for above in chain[1:]:
        if not issued_by(last, above):
            break
        last = above
    signers = [ca for ca in authorities if issued_by(last, ca) or ca.parsed == last.parsed]
    if not signers:
        yield (
            Verdict.FAIL,
            f"no CA that the member trusts issued it, but {last.issuer}",
            "Give every member the same CA file, and certificates of that CA.",
        )
    for ca in signers[:1]:
        yield from _validity(ca, "its CA", now)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
