"""requorum.yaml: read, checked, and every complaint with its line.

What leaves this module are the plain values of `requorum.domain.cluster`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from requorum.app.cluster_models import (
    AnyServiceModel,
    ClientModel,
    ClusterModel,
    CommandServiceModel,
    MemberModel,
    StaticPodServiceModel,
    SystemdServiceModel,
)
from requorum.domain.cluster import (
    ClientService,
    Cluster,
    CommandService,
    HostFile,
    MemberSpec,
    Service,
    Ssh,
    StaticPodService,
    SystemdService,
    Tls,
)
from requorum.domain.ids import ClusterId
from requorum.errors import ClusterFileError

_NO_SUCH_KIND = ("union_tag_invalid", "union_tag_not_found")
_KINDS = "command, systemd, static-pod"


class _Loader(yaml.SafeLoader):
    """YAML in which only true and false are truth values: `on` is a field, `no` may be a name."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


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
        node = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  # it is a SafeLoader
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
    where, message = tuple(problem["loc"]), str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in _NO_SUCH_KIND:
        where = (*where, "kind")
        message = f"must be one of {_KINDS}"
    line, fields = _found(node, where)
    field = _spoken(data, fields) or "the file"
    return f"{path}:{line}: {field}: {message[:1].lower()}{message[1:]}"


def _spoken(data: object, where: Sequence[str | int]) -> str:
    """Return a field's path as people count: a member by its name, else by its place from 1."""
    match where:
        case ["members", int(place), *rest]:
            members = data.get("members") if isinstance(data, dict) else None
            member = members[place] if isinstance(members, list) else None
            name = member.get("name") if isinstance(member, dict) else None
            who = f"member {name}" if isinstance(name, str) else f"member number {place + 1}"
            return ": ".join([who, *([".".join(str(part) for part in rest)] if rest else [])])
        case ["clients", int(place), *rest]:
            who = f"client number {place + 1}"
            return ": ".join([who, *([".".join(str(part) for part in rest)] if rest else [])])
        case _:
            return ".".join(str(part) for part in where)


def _found(node: yaml.Node | None, where: Sequence[str | int]) -> tuple[int, tuple[str | int, ...]]:
    """Return the line of the field, or of its nearest parent that the file has, and its path.

    pydantic's path also names which kind of a union it took; those names are left out.
    """
    line = 1
    fields: list[str | int] = []
    for place, part in enumerate(where):
        below = _child(node, part) if node is not None else None
        if below is not None:
            line, node = below
            fields.append(part)
        elif _is_field(node, last=place + 1 == len(where)):
            fields.append(part)
    return line, tuple(fields)


def _is_field(node: yaml.Node | None, *, last: bool) -> bool:
    """Return whether what the file does not have is a field that it lacks."""
    return last and isinstance(node, yaml.MappingNode)


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
        clients=tuple(_client(c, model) for c in model.clients),
        files=tuple(HostFile(path=f.path, adapt=f.adapt) for f in model.files),
        ssh=Ssh(**model.ssh.model_dump()) if model.ssh else Ssh(),
        tls=Tls(**model.tls.model_dump()) if model.tls else None,
        user=model.auth.user if model.auth else None,
        etcd_bin_dir=model.etcd.bin_dir if model.etcd else None,
        cluster_id=ClusterId(int(model.cluster_id, 16)) if model.cluster_id else None,
    )


def _member(model: MemberModel) -> MemberSpec:
    return MemberSpec(**model.model_dump(exclude={"service"}), service=_service(model.service))


def _service(model: AnyServiceModel) -> Service:
    match model:
        case CommandServiceModel():
            return CommandService(
                start=model.start,
                stop=model.stop,
                status=model.status,
                configure=model.configure,
            )
        case SystemdServiceModel():
            return SystemdService(unit=model.unit)
        case StaticPodServiceModel():
            return StaticPodService(manifest=model.manifest)


def _client(model: ClientModel, cluster: ClusterModel) -> ClientService:
    everywhere = tuple(dict.fromkeys(member.host for member in cluster.members))
    return ClientService(
        service=_client_service(model),
        hosts=everywhere if model.hosts == "all" else model.hosts,
    )


def _client_service(model: ClientModel) -> SystemdService | StaticPodService:
    if model.manifest is not None:
        return StaticPodService(manifest=model.manifest)
    return SystemdService(unit=model.unit or "")
