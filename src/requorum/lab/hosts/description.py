"""What a lab of real hosts is made of, and `lab.json`, which tests and commands read.

::

    lab.json                  this description
    ssh/id_ed25519[.pub]      the key that root and `ops` take on every host
    ssh/known_hosts, config   the hosts' keys; `ssh -F ssh/config node1`
    requorum.yaml             the cluster file, to which every other command applies
    acks/<writer>.jsonl       what the writers of a crash trial were promised
    copies/<host>             an earlier copy of its data directory (damage `stale-copy`)
    pki/                      the CA, a client pair for this machine, and each host's files
    <host>/root               its file system, mounted
    <host>/upper, work        what it wrote, over the base image
    <host>/data.img           the disk of its data directory, where one was asked for
    <host>/furnished          it has all that its first boot needs
    <host>/bare               it is a new machine, and no member
    <host>/console.log        what it printed since its first boot
    <host>/nspawn.pid         process id and start time, while it runs
    lock                      held by whoever changes the lab
    graveyard/<host>-<n>      what lost hosts had on their disks
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from requorum.errors import UsageError

SSL_DIR = "/etc/ssl/etcd/ssl"
STAND_IN_KEYS = "/registry/standin/"
_FIRST_ADDRESS = 11


class EtcdStyle(StrEnum):
    """Where etcd's unit has its configuration from."""

    ENV_FILE = "env-file"
    FLAGS = "flags"
    CONFIG_FILE = "config-file"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wanted(_Record):
    """What a lab is asked to be. `etcd_settings`: further flags of etcd, without their dashes.

    `data_disk_mib`: a disk of that size is mounted at the data directory, to be filled. etcd
    reserves two files of 64 MiB for its log.
    """

    etcd: str = "3.5"
    hosts: int = Field(default=3, ge=1, le=9)
    style: EtcdStyle = EtcdStyle.ENV_FILE
    etcd_user: str = Field(default="root", pattern="^(root|etcd)$")
    etcd_settings: Mapping[str, str] = {}
    data_dir: str = Field(default="/var/lib/etcd", pattern="^/[^:,]*[^/]$")
    data_disk_mib: int | None = Field(default=None, ge=192)
    ssh_port: int = Field(default=22, ge=1, le=65535)
    stand_ins: bool = True


class HostCertificates(_Record):
    """PEM files on the host: the CA, the pair of server and peer, and the pair of a client."""

    ca: str
    cert: str
    key: str
    client_cert: str
    client_key: str


class LabHost(_Record):
    """One host. Paths of `root_dir`, `key_file`, `known_hosts` are on this machine."""

    name: str
    member: str
    address: str
    ssh_port: int
    users: tuple[str, ...] = ("root", "ops")
    root_dir: Path
    key_file: Path
    known_hosts: Path
    etcd_version: str
    etcd_bin_dir: str = "/usr/local/bin"
    unit: str = "etcd.service"
    client_url: str
    peer_url: str
    data_dir: str
    certificates: HostCertificates


class ClientFiles(_Record):
    """PEM files on this machine, by which clients here reach every member."""

    cacert: Path
    cert: Path
    key: Path


class HostLab(_Record):
    """What `lab.json` holds. Paths are absolute.

    `number` is the lab's own on this machine: its subnet and all its names are made of it.
    `base` is the image below every host's own files; `bin_dir` has the etcd that they were given.
    """

    directory: Path
    number: int = Field(ge=0, le=255)
    token: str
    base: Path
    bin_dir: Path
    etcd_version: str
    wanted: Wanted
    client: ClientFiles
    ssh_config: Path
    hosts: tuple[LabHost, ...]

    def host(self, name: str) -> LabHost:
        """Return the host of that name; UsageError when the lab has none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise UsageError(
            f"this lab has no host {name}", hint=f"Its hosts are {', '.join(self.names)}."
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the hosts' names, in order."""
        return tuple(host.name for host in self.hosts)

    @property
    def gateway(self) -> str:
        """Return this machine's address in the lab's subnet."""
        return f"{_subnet(self.number)}.1"

    @property
    def initial_cluster(self) -> str:
        """Return what etcd calls so: every member with its peer URL."""
        return ",".join(f"{host.member}={host.peer_url}" for host in self.hosts)

    def host_dir(self, name: str) -> Path:
        """Return the directory of what this machine keeps of a host."""
        return self.directory / self.host(name).name

    def machine(self, name: str) -> str:
        """Return the name by which this machine knows a host: namespace, cgroup, container."""
        return f"{self.switch}-{self.host(name).name}"

    @property
    def switch(self) -> str:
        """Return the network namespace in which the hosts' cables end."""
        return f"requorum-hosts-{self.number}"

    @property
    def cable(self) -> str:
        """Return this machine's end of its own cable to the switch."""
        return f"rqhosts{self.number}"

    def data_dir(self, name: str) -> Path:
        """Return where its data directory lies on this machine while its disk is not mounted."""
        return self.host_dir(name) / "upper" / self.host(name).data_dir.lstrip("/")

    def host_of(self, member: str) -> LabHost:
        """Return the host where the member of that name lives."""
        return next(host for host in self.hosts if host.member == member)

    def client_url(self, member: str) -> str:
        """Return where clients reach that member."""
        return self.host_of(member).client_url

    @property
    def client_urls(self) -> tuple[str, ...]:
        """Return every member's client URL."""
        return tuple(host.client_url for host in self.hosts)

    def copy_of(self, name: str) -> Path:
        """Return where an earlier copy of its data directory is kept."""
        return self.directory / "copies" / self.host(name).name

    @property
    def acks(self) -> Path:
        """Return the directory of what the writers were promised."""
        return self.directory / "acks"

    @property
    def beside(self) -> tuple[str, ...]:
        """Return what the keys begin with that others than the writers write: the stand-ins'."""
        return (STAND_IN_KEYS,)

    @property
    def cluster_file(self) -> Path:
        """Return the cluster file."""
        return self.directory / "requorum.yaml"

    @property
    def graveyard(self) -> Path:
        """Return where lost disks, and what damages take away, are moved to."""
        return self.directory / "graveyard"

    def pid_file(self, name: str) -> Path:
        """Return the file with its process id and start time."""
        return self.host_dir(name) / "nspawn.pid"

    def console(self, name: str) -> Path:
        """Return the file that its console is appended to."""
        return self.host_dir(name) / "console.log"


def _subnet(number: int) -> str:
    return f"10.231.{number}"


def subnet(number: int) -> str:
    """Return the subnet of a lab of that number, as "10.231.7.0/24"."""
    return f"{_subnet(number)}.0/24"


def describe(
    directory: Path, wanted: Wanted, *, number: int, base: Path, bin_dir: Path, etcd_version: str
) -> HostLab:
    """Return the description of a new lab; nothing is made yet."""
    return HostLab(
        directory=directory,
        number=number,
        token=f"hosts-{os.urandom(4).hex()}",
        base=base,
        bin_dir=bin_dir,
        etcd_version=etcd_version,
        wanted=wanted,
        client=ClientFiles(
            cacert=directory / "pki" / "ca.pem",
            cert=directory / "pki" / "client.pem",
            key=directory / "pki" / "client-key.pem",
        ),
        ssh_config=directory / "ssh" / "config",
        hosts=tuple(
            _host(directory, wanted, number=number, position=position, etcd_version=etcd_version)
            for position in range(wanted.hosts)
        ),
    )


def _host(
    directory: Path, wanted: Wanted, *, number: int, position: int, etcd_version: str
) -> LabHost:
    name = f"node{position + 1}"
    address = f"{_subnet(number)}.{_FIRST_ADDRESS + position}"
    return LabHost(
        name=name,
        member=f"etcd{position + 1}",
        address=address,
        ssh_port=wanted.ssh_port,
        root_dir=directory / name / "root",
        key_file=directory / "ssh" / "id_ed25519",
        known_hosts=directory / "ssh" / "known_hosts",
        etcd_version=etcd_version,
        client_url=f"https://{address}:2379",
        peer_url=f"https://{address}:2380",
        data_dir=wanted.data_dir,
        certificates=HostCertificates(
            ca=f"{SSL_DIR}/ca.pem",
            cert=f"{SSL_DIR}/member-{name}.pem",
            key=f"{SSL_DIR}/member-{name}-key.pem",
            client_cert=f"{SSL_DIR}/admin-{name}.pem",
            client_key=f"{SSL_DIR}/admin-{name}-key.pem",
        ),
    )


def read_host_lab(directory: Path) -> HostLab:
    """Read `<directory>/lab.json`; UsageError when there is none, or it is not one."""
    found = find_host_lab(directory)
    if found is None:
        raise UsageError(
            f"there are no hosts in {directory}", hint="Make them with `requorum lab hosts up`."
        )
    return found


def find_host_lab(directory: Path) -> HostLab | None:
    """Read `<directory>/lab.json`, None when there is none; UsageError when it is not one."""
    path = directory / "lab.json"
    try:
        return HostLab.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{path} does not describe hosts: {first['loc']}: {first['msg']}",
            hint="Choose another --directory.",
        ) from error


def write_host_lab(lab: HostLab) -> None:
    """Write `lab.json`; it appears whole or not at all."""
    path = lab.directory / "lab.json"
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(lab.model_dump_json(indent=2) + "\n", encoding="utf-8")
    aside.rename(path)
