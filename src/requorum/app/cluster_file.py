"""requorum.yaml: read, checked, and every complaint with its line.

The models are the file's schema (`requorum.yaml`, see docs/reference/cluster-file.md); what leaves
this module are the plain values of `requorum.domain.cluster`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from requorum.domain.cluster import Cluster, CommandService, MemberSpec, Tls
from requorum.domain.ids import ClusterId
from requorum.errors import ClusterFileError

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Argv = Annotated[tuple[Text, ...], Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceModel(_Model):
    """How a member is started and stopped: three argument lists."""

    kind: Literal["command"]
    start: Argv
    stop: Argv
    status: Argv


class MemberModel(_Model):
    """One member of the cluster."""

    name: Text
    host: Literal["local"] = "local"
    peer_url: Text
    client_url: Text
    data_dir: Text
    wal_dir: Text | None = None
    service: ServiceModel

    @field_validator("peer_url", "client_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as https://10.0.0.31:2379")
        return url.rstrip("/")

    @field_validator("data_dir", "wal_dir")
    @classmethod
    def _is_absolute(cls, path: str | None) -> str | None:
        if path is not None and not path.startswith("/"):
            raise ValueError("must be an absolute path")
        return None if path is None else path.rstrip("/") or "/"


class TlsModel(_Model):
    """Client certificates, as paths of PEM files on this machine."""

    cacert: Text | None = None
    cert: Text | None = None
    key: Text | None = None

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together")
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
    tls: TlsModel | None = None
    auth: AuthModel | None = None
    etcd: EtcdModel | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what in ("name", "peer_url", "client_url"):
            _refuse_twice(what, [getattr(m, what) for m in self.members])
        _refuse_twice("data_dir", [(m.host, m.data_dir) for m in self.members])
        return self


def _refuse_twice(what: str, values: Sequence[object]) -> None:
    twice = {v for v in values if values.count(v) > 1}
    if twice:
        shown = sorted(str(v[1] if isinstance(v, tuple) else v) for v in twice)
        raise ValueError(f"two members have the same {what}: {', '.join(shown)}")


def load_cluster_file(path: str) -> Cluster:
    """Read and check a cluster file; ClusterFileError names its file, line and field."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ClusterFileError(
            f"there is no cluster file {path}",
            hint="Name one with -c FILE or REQUORUM_CLUSTER; "
            "`requorum lab up` writes one for a practice cluster.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterFileError(f"cannot read the cluster file {path}: {error}") from error
    return parse_cluster(text, path)


def parse_cluster(text: str, path: str) -> Cluster:
    """Check the text of a cluster file; `path` is only for messages."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ClusterFileError(
            f"{path}:{line}: this is not YAML: {error.problem}",
            hint="Look at that line and the one before it: indentation, quotes, colons.",
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise ClusterFileError(f"{path}: this is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise ClusterFileError(
            f"{path}:1: the file is not a mapping with `cluster` and `members`",
            hint="See the reference of the cluster file, or take the one `requorum lab up` writes.",
        )
    try:
        return _cluster(ClusterModel.model_validate(data))
    except ValidationError as error:
        raise ClusterFileError(
            "\n".join(_complaint(path, node, data, problem) for problem in error.errors()),
            hint="docs/reference/cluster-file.md lists every field.",
        ) from error


def _complaint(path: str, node: yaml.Node | None, data: object, problem: Any) -> str:
    where = tuple(problem["loc"])
    field = _spoken(data, where) or "the file"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{path}:{_line_of(node, where)}: {field}: {message[:1].lower()}{message[1:]}"


def _spoken(data: object, where: Sequence[str | int]) -> str:
    """Return a field's path as people count: a member by its name, else by its place from 1."""
    match where:
        case ["members", int(place), *rest]:
            members = data.get("members") if isinstance(data, dict) else None
            member = members[place] if isinstance(members, list) else None
            name = member.get("name") if isinstance(member, dict) else None
            who = f"member {name}" if isinstance(name, str) else f"member number {place + 1}"
            return ": ".join([who, *([".".join(str(part) for part in rest)] if rest else [])])
        case _:
            return ".".join(str(part) for part in where)


def _line_of(node: yaml.Node | None, where: Sequence[str | int]) -> int:
    """Return the line of the field, or of its nearest parent that the file has."""
    line = 1
    for part in where:
        if node is None:
            break
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None


def _cluster(model: ClusterModel) -> Cluster:
    return Cluster(
        name=model.cluster,
        members=tuple(_member(m) for m in model.members),
        tls=Tls(**model.tls.model_dump()) if model.tls else None,
        user=model.auth.user if model.auth else None,
        etcd_bin_dir=model.etcd.bin_dir if model.etcd else None,
        cluster_id=ClusterId(int(model.cluster_id, 16)) if model.cluster_id else None,
    )


def _member(model: MemberModel) -> MemberSpec:
    service = CommandService(
        start=model.service.start, stop=model.service.stop, status=model.service.status
    )
    return MemberSpec(**model.model_dump(exclude={"service"}), service=service)
