"""TLS against real etcd that demands client certificates."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from running_etcd import RunningEtcd, StartEtcd

from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.errors import Unreachable
from requorum.ports.etcd import PutOp

pytestmark = pytest.mark.etcd

DEADLINE = 10.0


@dataclass(frozen=True)
class Pki:
    """A CA, the server's certificate for 127.0.0.1, and a client's."""

    authority: trustme.CA
    client: TlsMaterial
    flags: tuple[str, ...]


def material(authority: trustme.CA, signed_by: trustme.CA) -> TlsMaterial:
    """Return a client's material that trusts `authority`, its certificate signed by another."""
    issued = signed_by.issue_cert("operator@example.org", common_name="operator")
    return TlsMaterial(
        cacert=authority.cert_pem.bytes(),
        cert=issued.cert_chain_pems[0].bytes(),
        key=issued.private_key_pem.bytes(),
    )


def make_pki(folder: Path) -> Pki:
    """Write the server's files."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    server.private_key_pem.write_to_path(str(folder / "key.pem"))
    flags = (
        f"--trusted-ca-file={folder}/ca.pem",
        f"--cert-file={folder}/cert.pem",
        f"--key-file={folder}/key.pem",
        "--client-cert-auth",
    )
    return Pki(authority, material(authority, authority), flags)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Return the certificates that the module's tests share."""
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def secure(release: str, start_etcd: StartEtcd, pki: Pki) -> RunningEtcd:
    """Start an etcd that demands client certificates."""
    return start_etcd(release, *pki.flags, scheme="https")


async def refusal(url: str, tls: TlsMaterial | None) -> Unreachable:
    """Return the error of a call that must not succeed."""
    async with connect(url, tls=tls, credentials=None) as client:
        with pytest.raises(Unreachable) as caught:
            await client.status(deadline=DEADLINE)
    return caught.value


async def test_client_certificate(secure: RunningEtcd, pki: Pki) -> None:
    """With CA and client certificate every call goes through."""
    async with connect(secure.url, tls=pki.client, credentials=None) as client:
        await client.put(PutOp(b"k", b"v"), deadline=DEADLINE)
        assert (await client.get(b"k", deadline=DEADLINE)).kvs[0].value == b"v"


async def test_wrong_ca(secure: RunningEtcd, pki: Pki) -> None:
    """A server that our CA did not sign is not talked to."""
    error = await refusal(secure.url, material(trustme.CA(), pki.authority))
    assert "not signed by the CA" in (error.hint or "")


async def test_no_client_certificate(secure: RunningEtcd, pki: Pki) -> None:
    """A server that demands a client certificate refuses us, and the hint says so."""
    error = await refusal(secure.url, TlsMaterial(cacert=pki.authority.cert_pem.bytes()))
    assert "client certificate" in (error.hint or "")


async def test_client_certificate_of_another_ca(secure: RunningEtcd, pki: Pki) -> None:
    """A client certificate that the server's CA did not sign is refused."""
    error = await refusal(secure.url, material(pki.authority, trustme.CA()))
    assert "client certificate" in (error.hint or "")


async def test_key_of_another_certificate(secure: RunningEtcd, pki: Pki) -> None:
    """A key that does not fit its certificate is named as the reason, and not shown."""
    other = material(pki.authority, pki.authority)
    mixed = TlsMaterial(cacert=other.cacert, cert=pki.client.cert, key=other.key)
    error = await refusal(secure.url, mixed)
    assert "key is not the certificate's" in (error.hint or "")
    assert "PRIVATE KEY" not in f"{error!r}{error.__cause__!r}{mixed!r}"


async def test_name_that_the_certificate_lacks(secure: RunningEtcd, pki: Pki) -> None:
    """A certificate for 127.0.0.1 does not prove that the server is localhost."""
    error = await refusal(secure.url.replace("127.0.0.1", "localhost"), pki.client)
    assert "names neither this host" in (error.hint or "")


async def test_plain_to_tls(secure: RunningEtcd) -> None:
    """Speaking plainly to a TLS port gives a hint."""
    error = await refusal(secure.url.replace("https", "http"), None)
    assert "TLS" in (error.hint or "")


async def test_tls_to_plain(etcd: RunningEtcd, pki: Pki) -> None:
    """Speaking TLS to a plain port gives a hint."""
    error = await refusal(etcd.url.replace("http", "https"), pki.client)
    assert "http://" in (error.hint or "")
