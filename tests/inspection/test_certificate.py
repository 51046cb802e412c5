"""Certificates against the addresses that they are for."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme

from requorum.inspection.certificate import certificate_troubles, key_trouble, same_host

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a CA."""
    return trustme.CA()


def test_one_that_names_the_host(authority: trustme.CA) -> None:
    """Names and addresses count alike."""
    pem = authority.issue_cert("etcd3", "10.0.0.33", "fd00::3").cert_chain_pems[0].bytes()
    for host in ("etcd3", "10.0.0.33", same_host("[fd00:0::3]")):
        assert list(certificate_troubles(pem, host, NOW)) == []


def test_one_of_another_member(authority: trustme.CA) -> None:
    """Whom it names instead is said."""
    pem = authority.issue_cert("etcd1", "10.0.0.31").cert_chain_pems[0].bytes()
    (trouble,) = certificate_troubles(pem, "10.0.0.33", NOW)
    assert trouble == "does not name 10.0.0.33; it names 10.0.0.31, etcd1"


def test_validity(authority: trustme.CA) -> None:
    """One that expired, and one of the future."""
    expired = NOW - timedelta(days=1)
    old = authority.issue_cert("etcd3", not_before=NOW - timedelta(days=2), not_after=expired)
    (trouble,) = certificate_troubles(old.cert_chain_pems[0].bytes(), "etcd3", NOW)
    assert trouble == f"has expired on {expired:%Y-%m-%d}"
    young = authority.issue_cert("etcd3", not_before=NOW + timedelta(days=1))
    (trouble,) = certificate_troubles(young.cert_chain_pems[0].bytes(), "etcd3", NOW)
    assert trouble.startswith("is valid only from")


def test_no_certificate() -> None:
    """Bytes that are none are said to be none."""
    assert list(certificate_troubles(b"", "etcd3", NOW)) == ["is no PEM certificate"]


def test_keys(authority: trustme.CA) -> None:
    """A key goes with its own certificate alone."""
    one, other = authority.issue_cert("a"), authority.issue_cert("b")
    pem = one.cert_chain_pems[0].bytes()
    assert key_trouble(pem, one.private_key_pem.bytes()) is None
    assert key_trouble(pem, other.private_key_pem.bytes()) == "is not the certificate's"
    assert key_trouble(pem, b"x") == "is no private key that can be read"
