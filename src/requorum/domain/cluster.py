"""The cluster as its operator describes it: requorum.yaml, parsed and checked."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from requorum.domain.ids import ClusterId


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandService:
    """A supervisor that is driven by three commands.

    `start` returns once the member was started, `stop` once it is gone; `status` exits 0
    while it runs and non-zero otherwise.
    """

    start: tuple[str, ...]
    stop: tuple[str, ...]
    status: tuple[str, ...]


Service = CommandService


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """One member: where it lives and how it is reached, started and stopped."""

    name: str
    host: str
    peer_url: str
    client_url: str
    data_dir: str
    wal_dir: str | None = None
    service: Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Client TLS: paths of PEM files on this machine."""

    cacert: str | None = None
    cert: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What one requorum.yaml says. Secrets are not in it: a password comes from the environment."""

    name: str
    members: tuple[MemberSpec, ...]
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

    def without(self, names: Collection[str]) -> "Cluster":
        """Return the cluster without these members."""
        return replace(self, members=tuple(m for m in self.members if m.name not in names))
