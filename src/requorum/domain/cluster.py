"""The cluster as its operator describes it: requorum.yaml, parsed and checked."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from requorum.domain.ids import ClusterId

LOCAL = "local"
"""The host that is this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandService:
    """A supervisor that is driven by commands.

    `start` returns once the member was started, `stop` once it is gone; `status` exits 0
    while it runs and non-zero otherwise. `configure` gets etcd's flags appended, which count from
    the next start on; without any it goes back to what counted before.
    """

    start: tuple[str, ...]
    stop: tuple[str, ...]
    status: tuple[str, ...]
    configure: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemdService:
    """A member that a systemd unit of its host runs. `unit` has its suffix: `etcd.service`."""

    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPodService:
    """A member that kubelet runs from a manifest on its host, an absolute path."""

    manifest: str


Service = CommandService | SystemdService | StaticPodService


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientService:
    """What uses the cluster on these hosts: stopped before the members, started after them."""

    service: SystemdService | StaticPodService
    hosts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return its unit's or its manifest's name."""
        match self.service:
            case SystemdService(unit=unit):
                return unit.removesuffix(".service")
            case StaticPodService(manifest=manifest):
                return manifest.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """One member: where it lives and how it is reached, started and stopped.

    `host` is `LOCAL`, or an ssh destination.
    """

    name: str
    host: str
    peer_url: str
    client_url: str
    data_dir: str
    wal_dir: str | None = None
    service: Service

    @property
    def on_loopback(self) -> bool:
        """Return whether its client URL means something else on every host."""
        host = urlsplit(self.client_url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFile:
    """A file, or a folder with all in it, that a member's machine needs; an absolute path.

    `adapt`: where the member's name, its host's name and its addresses stand in it, those of the
    machine that it is copied to take their place.
    """

    path: str
    adapt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Client TLS: paths of PEM files, `on` this machine or on each member's host."""

    cacert: str | None = None
    cert: str | None = None
    key: str | None = None
    on: Literal["here", "hosts"] = "here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """How hosts are reached, before what the user's ssh config says. None: left to that.

    `become`: everything on the hosts is done through `sudo`. `jump` is as in ssh's ProxyJump.
    `forward`: the members' client URLs are reached through the hosts, too.
    """

    user: str | None = None
    port: int | None = None
    identity_files: tuple[str, ...] = ()
    known_hosts: str | None = None
    jump: str | None = None
    become: Literal["sudo"] | None = None
    forward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What one requorum.yaml says. Secrets are not in it: a password comes from the environment.

    `clients` are in the order in which they are stopped. `files` are what a new machine is
    furnished with from one that serves.
    """

    name: str
    members: tuple[MemberSpec, ...]
    clients: tuple[ClientService, ...] = ()
    files: tuple[HostFile, ...] = ()
    ssh: Ssh = Ssh()
    tls: Tls | None = None
    user: str | None = None
    etcd_bin_dir: str | None = None
    cluster_id: ClusterId | None = None

    def member(self, name: str) -> MemberSpec:
        """Return the member of that name; KeyError when the file has none."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def through_host(self, member: MemberSpec) -> bool:
        """Return whether the member's client URL is reached through the host it lives on."""
        return member.host != LOCAL and (self.ssh.forward or member.on_loopback)

    def without(self, names: Collection[str]) -> "Cluster":
        """Return the cluster without these members."""
        return replace(self, members=tuple(m for m in self.members if m.name not in names))

    @property
    def peer_urls(self) -> dict[str, str]:
        """Return each member's peer URL by its name."""
        return {member.name: member.peer_url for member in self.members}

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return every host that members live on, once, in the order of the members."""
        return tuple(dict.fromkeys(member.host for member in self.members))
