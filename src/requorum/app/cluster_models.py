"""The fields of requorum.yaml; see docs/reference/cluster-file.md."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from requorum.domain.cluster import LOCAL

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Argv = Annotated[tuple[Text, ...], Field(min_length=1)]


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("must be an absolute path")
    return path.rstrip("/") or "/"


def _service_unit(unit: str) -> str:
    """Return the unit with its suffix, as systemctl would understand it."""
    if not _UNIT.fullmatch(unit):
        raise ValueError("must be the name of a systemd unit such as etcd or etcd.service")
    return unit if unit.endswith(".service") else f"{unit}.service"


def _destination(host: str) -> str:
    if not _DESTINATION.fullmatch(host):
        raise ValueError("must be `local` or an ssh destination such as root@10.0.0.31")
    return host


_UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")
# What begins with a dash would be an option to ssh.
_DESTINATION = re.compile(
    r"(?:[^@\s:/-][^@\s:/]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^@\s:/\[\]-][^@\s:/\[\]]*)(?::\d{1,5})?"
)
AbsolutePath = Annotated[Text, AfterValidator(_absolute)]
Unit = Annotated[Text, AfterValidator(_service_unit)]
Destination = Annotated[Text, AfterValidator(_destination)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CommandServiceModel(_Model):
    """A supervisor that is driven by argument lists."""

    kind: Literal["command"]
    start: Argv
    stop: Argv
    status: Argv
    configure: Argv | None = None


class SystemdServiceModel(_Model):
    """A systemd unit of the member's host."""

    kind: Literal["systemd"]
    unit: Unit


class StaticPodServiceModel(_Model):
    """A static pod of the member's host."""

    kind: Literal["static-pod"]
    manifest: AbsolutePath


AnyServiceModel = CommandServiceModel | SystemdServiceModel | StaticPodServiceModel
ServiceModel = Annotated[AnyServiceModel, Field(discriminator="kind")]


def _all_or_list(hosts: object) -> str:
    return "all" if isinstance(hosts, str) else "list"


Hosts = Annotated[
    Annotated[Literal["all"], Tag("all")]
    | Annotated[tuple[Destination, ...], Field(min_length=1), Tag("list")],
    Discriminator(_all_or_list),
]


class MemberModel(_Model):
    """One member of the cluster."""

    name: Text
    host: Destination = LOCAL
    peer_url: Text
    client_url: Text
    data_dir: AbsolutePath
    wal_dir: AbsolutePath | None = None
    service: ServiceModel

    @field_validator("peer_url", "client_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as https://10.0.0.31:2379")
        return url.rstrip("/")


class ClientModel(_Model):
    """What uses the cluster: a unit or a static pod, on all of the members' hosts or on some."""

    unit: Unit | None = None
    manifest: AbsolutePath | None = None
    hosts: Hosts

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.unit is None) == (self.manifest is None):
            raise ValueError("needs either unit or manifest")
        return self


class FileModel(_Model):
    """A file or a folder that a new machine of a member is furnished with."""

    path: AbsolutePath
    adapt: bool = False


class SshModel(_Model):
    """How the hosts are reached; what is left out is left to the user's ssh config."""

    user: Text | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    identity_files: tuple[Text, ...] = ()
    known_hosts: Text | None = None
    jump: Text | None = None
    become: Literal["sudo"] | None = None
    forward: bool = False


class TlsModel(_Model):
    """Client certificates, as paths of PEM files on this machine or on the members' hosts."""

    cacert: Text | None = None
    cert: Text | None = None
    key: Text | None = None
    on: Literal["here", "hosts"] = "here"

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together")
        return self

    @model_validator(mode="after")
    def _absolute_on_hosts(self) -> Self:
        for path in (self.cacert, self.cert, self.key):
            if self.on == "hosts" and path is not None:
                _absolute(path)
        return self


class AuthModel(_Model):
    """The etcd user; the password comes from ETCDCTL_PASSWORD or --user, never from this file."""

    user: Text


class EtcdModel(_Model):
    """Where etcd's own binaries are on the hosts."""

    bin_dir: Text


class ClusterModel(_Model):
    """The whole file."""

    cluster: Text
    cluster_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,16}$")] | None = None
    members: Annotated[tuple[MemberModel, ...], Field(min_length=1)]
    clients: tuple[ClientModel, ...] = ()
    files: tuple[FileModel, ...] = ()
    ssh: SshModel | None = None
    tls: TlsModel | None = None
    auth: AuthModel | None = None
    etcd: EtcdModel | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what in ("name", "peer_url"):
            _refuse_twice(what, [getattr(m, what) for m in self.members])
        _refuse_twice("client_url", [_own_url(m) for m in self.members])
        _refuse_twice("data_dir", [(m.host, m.data_dir) for m in self.members])
        _refuse_twice("service", [(m.host, _own_service(m, i)) for i, m in enumerate(self.members)])
        return self


def _own_url(member: MemberModel) -> tuple[str, str]:
    """Return what only one member may have; a loopback address means another thing on each host."""
    host = urlsplit(member.client_url).hostname or ""
    loopback = host in {"localhost", "::1"} or host.startswith("127.")
    return (member.host if loopback else "", member.client_url)


def _own_service(member: MemberModel, place: int) -> str | int:
    """Return what only one member of a host may have; commands are told apart by nobody."""
    match member.service:
        case SystemdServiceModel(unit=unit):
            return unit
        case StaticPodServiceModel(manifest=manifest):
            return manifest
        case _:
            return place


def _refuse_twice(what: str, values: Sequence[object]) -> None:
    twice = {v for v in values if values.count(v) > 1}
    if twice:
        shown = sorted(str(v[1] if isinstance(v, tuple) else v) for v in twice)
        raise ValueError(f"two members have the same {what}: {', '.join(shown)}")
