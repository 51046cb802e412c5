"""The command line of a practice member."""

import json

from requorum.lab.layout import Lab, replace_file


def member_argv(lab: Lab, name: str) -> list[str]:
    """Return the command line that starts this member, the same at its first start and later.

    etcd ignores the --initial-… flags once the data directory exists, so that a member that was
    recovered (with another token) is started by them as well. One that joins a cluster which
    serves is configured for it first: see `configure`.
    """
    flags = [*_first_flags(lab, name), *_configured(lab, name)]
    last = {flag.partition("=")[0]: flag for flag in flags}
    return [str(lab.bin_dir / "etcd"), *last.values(), *lab.extra_flags]


def configure(lab: Lab, name: str, flags: tuple[str, ...]) -> None:
    """Make these flags count from the member's next start on; none of them goes back."""
    path = lab.flags_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(flags) + "\n")


def _configured(lab: Lab, name: str) -> list[str]:
    path = lab.flags_file(name)
    found: list[str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def _first_flags(lab: Lab, name: str) -> list[str]:
    peer_url, client_url = lab.peer_url(name), lab.client_url(name)
    return [
        f"--name={name}",
        f"--data-dir={lab.data_dir(name)}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--listen-client-urls={client_url}",
        f"--advertise-client-urls={client_url}",
        f"--initial-cluster={','.join(f'{other}={lab.peer_url(other)}' for other in lab.names)}",
        f"--initial-cluster-token={lab.token}",
        "--initial-cluster-state=new",
        "--logger=zap",
        *_tls_flags(lab),
    ]


def _tls_flags(lab: Lab) -> list[str]:
    if lab.tls is None:
        return []
    return [
        f"--cert-file={lab.tls.cert}",
        f"--key-file={lab.tls.key}",
        f"--trusted-ca-file={lab.tls.cacert}",
        "--client-cert-auth",
        f"--peer-cert-file={lab.tls.cert}",
        f"--peer-key-file={lab.tls.key}",
        f"--peer-trusted-ca-file={lab.tls.cacert}",
        "--peer-client-cert-auth",
    ]
