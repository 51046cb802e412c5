"""TLS between all: one CA, a pair for each host's server, and a pair for each client.

Made by the openssl program. A library would be one more dependency of everybody who never runs
the lab; the program is on nearly every machine that has sshd.
"""

from collections.abc import Sequence
from pathlib import Path

from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.system import call

_DAYS = "3650"
_SECTIONS = """\
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


def make_certificates(lab: HostLab) -> None:
    """Make `pki`, whole or not at all; nothing to do when it is there."""
    place = lab.client.cacert.parent
    if place.exists():
        return
    work = place.with_name(".pki")
    work.mkdir(mode=0o700, exist_ok=True)
    (work / "openssl.cnf").write_text(_SECTIONS, encoding="ascii")
    _issue(work, "ca", "etcd-ca", section="ca", signer=())
    _issue(work, "client", "requorum", section="client")
    for host in lab.hosts:
        names = [f"DNS:{name}" for name in (host.name, host.member, "localhost")]
        addresses = [f"IP:{address}" for address in (host.address, "127.0.0.1")]
        member, admin = f"member-{host.name}", f"admin-{host.name}"
        _issue(work, member, f"etcd-{member}", section="server", alternatives=names + addresses)
        _issue(work, admin, f"etcd-{admin}", section="client")
    work.rename(place)


def _issue(
    work: Path,
    name: str,
    subject: str,
    *,
    section: str,
    alternatives: Sequence[str] = (),
    signer: Sequence[str] | None = None,
) -> None:
    """Write <name>.pem and <name>-key.pem (0600), signed by the CA unless told otherwise."""
    by = ("-CA", str(work / "ca.pem"), "-CAkey", str(work / "ca-key.pem"))
    also = ("-addext", f"subjectAltName={','.join(alternatives)}") if alternatives else ()
    key = work / f"{name}-key.pem"
    call(
        *("openssl", "req", "-x509", "-config", str(work / "openssl.cnf"), "-extensions", section),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={subject}", "-days", _DAYS, *also),
        *("-keyout", str(key), "-out", str(work / f"{name}.pem")),
        *(by if signer is None else signer),
    )
    key.chmod(0o600)
