"""Write onto a host's disk what makes it that host, before it boots."""

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from requorum.lab.hosts.description import HostLab, LabHost
from requorum.lab.hosts.ssh_access import HOST_KEY, make_key
from requorum.lab.hosts.units import STAND_IN, UNITS, enabled, files_of

WANTED_AT_BOOT = f"{UNITS}/multi-user.target.wants"
_TOOLS = ("etcd", "etcdctl", "etcdutl")


def furnish_machine(lab: HostLab, host: LabHost) -> None:
    """Write what any new machine of that name has: its names, keys, users' keys, etcd's programs.

    The host's own SSH key is a new one.
    """
    root = _Root(host.root_dir)
    root.write("/etc/hostname", f"{host.name}\n")
    root.write("/etc/hosts", _hosts_file(lab, host))
    root.write("/etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
    root.write("/etc/ssh/sshd_config.d/port.conf", f"Port {host.ssh_port}\n")
    if not root.at(f"/{HOST_KEY}").exists():
        make_key(root.at(f"/{HOST_KEY}"), f"root@{host.name}")
    public = host.key_file.with_suffix(".pub").read_text(encoding="ascii")
    for user, home in (("root", "/root"), ("ops", "/home/ops")):
        root.make_dir(f"{home}/.ssh", owner=user)
        root.write(f"{home}/.ssh/authorized_keys", public, mode=0o600, owner=user)
    for tool in _TOOLS:
        if (lab.bin_dir / tool).exists():
            shutil.copy(lab.bin_dir / tool, root.at(f"{host.etcd_bin_dir}/{tool}"))


def furnish_member(lab: HostLab, host: LabHost) -> None:
    """Write what makes the machine a member: certificates, configuration, units, data directory.

    What is there already is replaced, but the data directory is left as it is.
    """
    root, user = _Root(host.root_dir), lab.wanted.etcd_user
    pki, files = lab.client.cacert.parent, host.certificates
    root.make_dir(str(Path(files.ca).parent), owner=user)
    for path in (files.ca, files.cert, files.key, files.client_cert, files.client_key):
        content = (pki / Path(path).name).read_text(encoding="ascii")
        root.write(path, content, mode=0o600, owner=user)
    for path, content in files_of(lab, host).items():
        root.write(path, content, mode=0o755 if path == STAND_IN else 0o644)
    root.make_dir(host.data_dir, owner=user)
    for unit in enabled(lab):
        root.link(f"{WANTED_AT_BOOT}/{unit}", f"{UNITS}/{unit}")


def _hosts_file(lab: HostLab, host: LabHost) -> str:
    lines = [f"{other.address}\t{other.name} {other.member}\n" for other in lab.hosts]
    return "".join(["127.0.0.1\tlocalhost\n", f"127.0.1.1\t{host.name}\n", *lines])


@dataclass(frozen=True, slots=True)
class _Root:
    """A host's file system as it is mounted here; paths are those on the host."""

    directory: Path

    def at(self, path: str) -> Path:
        return self.directory / path.lstrip("/")

    def write(self, path: str, text: str, *, mode: int = 0o644, owner: str = "root") -> None:
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), *self._ids(owner))

    def make_dir(self, path: str, *, owner: str) -> None:
        self.at(path).mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(self.at(path), *self._ids(owner))
        self.at(path).chmod(0o700)

    def link(self, path: str, target: str) -> None:
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).unlink(missing_ok=True)
        self.at(path).symlink_to(target)

    def _ids(self, user: str) -> tuple[int, int]:
        """Return the user's ids on the host, which are not this machine's."""
        for line in self.at("/etc/passwd").read_text(encoding="utf-8").splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == user:
                return int(uid), int(gid)
        raise LookupError(f"the base image has no user {user}")
