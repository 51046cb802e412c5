"""Certificates and keys in PEM: read, and who issued what."""

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.certificates import issued_by, key_fits, parse_certificates


def test_a_pair_of_a_ca() -> None:
    """Alternative names, usages, the signer and the key are those that it was issued with."""
    authority, other = trustme.CA(), trustme.CA()
    pair = authority.issue_cert("10.0.0.31", "fd00::1", "etcd1.example.org")
    (own,) = parse_certificates(pair.cert_chain_pems[0].bytes())
    (ca,) = parse_certificates(authority.cert_pem.bytes())
    assert own.addresses == ("10.0.0.31", "fd00::1")
    assert own.names == ("etcd1.example.org",)
    assert own.for_servers
    assert own.for_clients
    assert own.not_before < own.not_after
    assert issued_by(own, ca)
    assert not issued_by(own, parse_certificates(other.cert_pem.bytes())[0])
    assert key_fits(own, pair.private_key_pem.bytes())
    assert not key_fits(own, other.issue_cert("x.org").private_key_pem.bytes())


def test_several_in_one_file() -> None:
    """A CA file may have more than one."""
    pems = b"".join(trustme.CA().cert_pem.bytes() for _ in range(2))
    assert len(parse_certificates(pems)) == 2


@given(st.binary(max_size=40).map(lambda data: b"-----BEGIN CERTIFICATE-----\n" + data))
def test_what_is_none_is_refused(data: bytes) -> None:
    """Nothing but DamagedInput comes out of what is no certificate and no key."""
    with pytest.raises(DamagedInput):
        parse_certificates(data)
    with pytest.raises(DamagedInput):
        key_fits(parse_certificates(_CERTIFICATE)[0], data)


_CERTIFICATE = trustme.CA().cert_pem.bytes()
