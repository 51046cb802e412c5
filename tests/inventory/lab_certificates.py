"""Certificates for a practice cluster with TLS."""

from pathlib import Path

import trustme

from requorum.lab.layout import TlsFiles


def certificates(folder: Path) -> TlsFiles:
    """Write a CA and one pair for all."""
    authority = trustme.CA()
    pair = authority.issue_cert("127.0.0.1", "localhost")
    files = TlsFiles(cacert=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem")
    authority.cert_pem.write_to_path(str(files.cacert))
    pair.cert_chain_pems[0].write_to_path(str(files.cert))
    pair.private_key_pem.write_to_path(str(files.key))
    return files
