"""A cluster as several sources tell of it: every field with who said so, or not known yet."""

from dataclasses import dataclass
from typing import Literal

from requorum.domain.cluster import Ssh, Tls

ServiceKind = Literal["systemd", "static-pod"]
ClientKind = Literal["unit", "manifest"]
SCALARS = ("name", "host", "peer_url", "client_url", "data_dir", "wal_dir")
"""The fields of a member that are one text, in the order of the cluster file."""
REQUIRED = ("name", "host", "peer_url", "client_url", "data_dir", "service")
"""What the cluster file cannot be without. A missing host would mean this machine."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value and who told it. Not `sure`: it was concluded from something else."""

    value: str
    source: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class ToldService:
    """How a member is run; `value` is its unit or the path of its manifest."""

    kind: ServiceKind
    value: str
    source: str
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDraft:
    """One member. None: nobody told. `note` is what else the operator has to know of it."""

    name: Told | None = None
    host: Told | None = None
    peer_url: Told | None = None
    client_url: Told | None = None
    data_dir: Told | None = None
    wal_dir: Told | None = None
    service: ToldService | None = None
    note: str = ""

    @property
    def called(self) -> str:
        """Return what people call it: its name, else an address."""
        told = self.name or self.peer_url or self.client_url or self.host
        return told.value if told else "a member without a name"

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the fields that the cluster file needs and nobody told."""
        return tuple(field for field in REQUIRED if getattr(self, field) is None)

    @property
    def unsure(self) -> tuple[str, ...]:
        """Return the fields that were concluded and are to be looked at."""
        told = ((field, getattr(self, field)) for field in (*SCALARS, "service"))
        return tuple(field for field, value in told if value is not None and not value.sure)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDraft:
    """What uses the cluster. `hosts` are ssh destinations."""

    kind: ClientKind
    value: str
    hosts: tuple[str, ...]
    source: str
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDraft:
    """What one source, or all together, tell. `whole`: its members are all that there are.

    `notes` are what the operator has to know of the whole, a sentence each.
    """

    members: tuple[MemberDraft, ...]
    whole: bool = False
    cluster_id: Told | None = None
    clients: tuple[ClientDraft, ...] = ()
    ssh: Ssh | None = None
    tls: Tls | None = None
    tls_source: str = ""
    user: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Return whether the cluster file that it makes can be loaded."""
        return bool(self.members) and not any(member.missing for member in self.members)
