"""Certificates judged from their values: each way in which one does not fit is named."""

from dataclasses import replace
from typing import Any

import pytest
import trustme

from requorum.domain.finding import Verdict
from requorum.formats.certificates import Certificate, parse_certificates
from requorum.inspection.certificate_findings import (
    CertificateSight,
    certificate_findings,
    covers,
    own_pair_findings,
)

NOW = 1_800_000_000.0
DAY = 86400.0
CERTIFICATE = Certificate(
    subject="CN=etcd1",
    issuer="CN=ca",
    not_before=NOW - 100 * DAY,
    not_after=NOW + 100 * DAY,
    names=("etcd1", "*.example.org"),
    addresses=("10.0.0.31", "127.0.0.1", "fd00::1"),
)
SIGHT = CertificateSight(
    side="peer",
    chain=(CERTIFICATE,),
    key_fits=True,
    authorities=None,
    advertised=("10.0.0.31",),
    listened=("0.0.0.0", "127.0.0.1"),  # noqa: S104  # judged, not bound
    asks_clients=True,
)


def said(sight: CertificateSight) -> list[tuple[Verdict, str]]:
    """Return verdicts and words."""
    found = certificate_findings("etcd1", sight, now=NOW)
    assert all(f.hint for f in found if f.verdict is not Verdict.OK)
    return [(f.verdict, f.text) for f in found]


def test_a_fitting_one() -> None:
    """One finding says until when it is valid."""
    assert said(SIGHT) == [(Verdict.OK, "valid until 2027-04-25")]


@pytest.mark.parametrize(
    ("own", "sight", "verdict", "words"),
    [
        ({"not_after": NOW - DAY}, {}, Verdict.FAIL, "expired on"),
        ({"not_after": NOW + 29 * DAY}, {}, Verdict.WARN, "expires on"),
        ({"not_before": NOW + DAY}, {}, Verdict.FAIL, "valid only from"),
        ({"for_servers": False}, {}, Verdict.FAIL, "not issued for servers"),
        ({"for_clients": False}, {}, Verdict.FAIL, "a peer is both"),
        ({"for_clients": False}, {"side": "client"}, Verdict.WARN, "gateway"),
        ({}, {"key_fits": False}, Verdict.FAIL, "the key is not"),
        ({}, {"advertised": ("10.0.0.99",)}, Verdict.FAIL, "does not name 10.0.0.99"),
        ({"addresses": ()}, {"advertised": ()}, Verdict.WARN, "127.0.0.1, where it listens"),
    ],
)
def test_what_does_not_fit(
    own: dict[str, Any], sight: dict[str, Any], verdict: Verdict, words: str
) -> None:
    """Each fault alone is found, and nothing else with it."""
    changed = replace(SIGHT, chain=(replace(CERTIFICATE, **own),), **sight)
    ((found, text),) = said(changed)
    assert found is verdict
    assert words in text


def test_a_client_side_that_asks_nobody() -> None:
    """Its certificate need not serve as a client's."""
    own = replace(CERTIFICATE, for_clients=False)
    assert said(replace(SIGHT, side="client", asks_clients=False, chain=(own,)))[0][0] is Verdict.OK


def test_the_issuer_must_be_trusted() -> None:
    """By its signature, not by its name; over an intermediate where the file has that, too."""
    authority, other = trustme.CA(), trustme.CA()
    between = authority.create_child_ca()
    (leaf,) = parse_certificates(between.issue_cert("10.0.0.31").cert_chain_pems[0].bytes())
    (middle,) = parse_certificates(between.cert_pem.bytes())
    root = parse_certificates(authority.cert_pem.bytes())
    stranger = parse_certificates(other.cert_pem.bytes())
    whole = replace(SIGHT, chain=(leaf, middle), authorities=root, listened=())
    now = leaf.not_before + DAY
    judged = {
        name: certificate_findings("m", sight, now=now)[0]
        for name, sight in {
            "whole": whole,
            "without the intermediate": replace(whole, chain=(leaf,)),
            "another CA": replace(whole, authorities=stranger),
            "the intermediate is trusted": replace(whole, chain=(leaf,), authorities=(middle,)),
        }.items()
    }
    issuer = "no CA that the member trusts"
    assert issuer not in judged["whole"].text
    assert issuer in judged["without the intermediate"].text
    assert issuer in judged["another CA"].text
    assert issuer not in judged["the intermediate is trusted"].text


def test_which_hosts_a_certificate_covers() -> None:
    """Addresses by value, names without case, a star for one label."""
    assert covers(CERTIFICATE, "fd00:0::1")
    assert covers(CERTIFICATE, "ETCD1")
    assert covers(CERTIFICATE, "a.example.org")
    assert not covers(CERTIFICATE, "a.b.example.org")
    assert not covers(CERTIFICATE, "10.0.0.3")


@pytest.mark.parametrize(
    ("own", "fits", "verdict"),
    [
        ({}, True, Verdict.OK),
        ({"for_clients": False}, True, Verdict.FAIL),
        ({"not_after": NOW - DAY}, True, Verdict.FAIL),
        ({"not_after": NOW + DAY}, True, Verdict.WARN),
        ({}, False, Verdict.FAIL),
    ],
)
def test_our_own_pair(own: dict[str, Any], *, fits: bool, verdict: Verdict) -> None:
    """What members would refuse is told before they are asked."""
    (found,) = own_pair_findings(replace(CERTIFICATE, **own), (), fits=fits, now=NOW)
    assert found.verdict is verdict


def test_an_expired_ca_of_ours() -> None:
    """The CA of the cluster file is looked at, too."""
    ca = replace(CERTIFICATE, subject="CN=ca", not_after=NOW - DAY)
    (found,) = own_pair_findings(CERTIFICATE, (ca,), fits=True, now=NOW)
    assert found.verdict is Verdict.FAIL
    assert "CN=ca" in found.text
