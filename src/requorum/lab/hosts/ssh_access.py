"""The lab's own SSH key, every host's key, and what a client must know to trust them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from requorum.lab.hosts.description import HostLab, LabHost
from requorum.lab.hosts.system import call

HOST_KEY = Path("etc/ssh/ssh_host_ed25519_key")


def make_key(path: Path, comment: str) -> None:
    """Make a pair without a passphrase: `path` (0600) and `path`.pub."""
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def write_client_files(lab: HostLab) -> None:
    """Write the key and the ssh config; the hosts' keys come when they are made."""
    folder = lab.ssh_config.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    if not lab.hosts[0].key_file.exists():
        make_key(lab.hosts[0].key_file, f"requorum hosts {lab.number}")
    lab.ssh_config.write_text(config_text(lab.hosts), encoding="utf-8")


def config_text(hosts: Sequence[LabHost]) -> str:
    """Return an ssh config by which `ssh -F FILE node1` works, and trusts no other key."""
    blocks = [
        f"Host {host.name}\n  HostName {host.address}\n  Port {host.ssh_port}\n" for host in hosts
    ]
    rest = (
        "Host *\n"
        "  User root\n"
        f'  IdentityFile "{hosts[0].key_file}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{hosts[0].known_hosts}"\n'
        "  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n"
        "  BatchMode yes\n"
        "  ConnectTimeout 5\n"
    )
    return "\n".join([*blocks, rest])


def collect_host_keys(lab: HostLab) -> None:
    """Write `known_hosts` from the keys that lie on the hosts' own disks."""
    keys = {
        host.name: (host.root_dir / HOST_KEY).with_suffix(".pub").read_text(encoding="ascii")
        for host in lab.hosts
    }
    lab.hosts[0].known_hosts.write_text(known_hosts_text(lab.hosts, keys), encoding="ascii")


def known_hosts_text(hosts: Sequence[LabHost], keys: Mapping[str, str]) -> str:
    """Return a line a host, under its name and its address. Source: sshd(8), known_hosts."""
    lines = []
    for host in hosts:
        kind, key = keys[host.name].split()[:2]
        lines.append(f"{_patterns(host)} {kind} {key}\n")
    return "".join(lines)


def _patterns(host: LabHost) -> str:
    if host.ssh_port == 22:
        return f"{host.name},{host.address}"
    return f"[{host.name}]:{host.ssh_port},[{host.address}]:{host.ssh_port}"
