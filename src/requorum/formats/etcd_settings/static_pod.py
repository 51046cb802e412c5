"""The manifest of a static pod that runs etcd, as kubeadm writes it, and the same one changed.

Source: Kubernetes' core/v1 Pod: `command` and `args` are one list, `$(NAME)` in it is a variable of
the container, hostPath volumes are where its paths lie on the host.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, normpath

import yaml

from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.flags import Flag, parse_flags, variable_of
from requorum.formats.etcd_settings.yaml_lines import (
    Edit,
    applied,
    child,
    compose,
    items,
    line_of,
    quoted,
    replacement,
    scalar,
)

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")
_TAG_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class PodText:
    """One text of the container, and its line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a path of the container lies on the host."""

    inside: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPod:
    """What a manifest says of its etcd. `version` is the image's tag, None where it has no number.

    `arguments` are without the program. `user` and `group` are numbers, None where the image
    decides.
    """

    name: str
    namespace: str
    container: str
    image: str
    version: str | None
    program: str
    arguments: tuple[PodText, ...]
    environment: Mapping[str, PodText]
    mounts: tuple[Mount, ...]
    working_directory: str
    user: str | None
    group: str | None


def parse_static_pod(text: str) -> StaticPod:
    """Read the manifest; DamagedInput with the line where it is none, or runs no etcd."""
    root = compose(text)
    if scalar(child(root, "kind"), "kind") != "Pod":
        raise DamagedInput("it is not the manifest of a pod")
    container = _etcd_container(root)
    image = scalar(child(container, "image"), "image")
    tag = _TAG_VERSION.match(image.partition("@")[0].rpartition("/")[2].partition(":")[2])
    environment = dict(_environment(container))
    program, *arguments = (_argument(node, environment) for node in _command(container))
    return StaticPod(
        name=scalar(child(root, "metadata", "name"), "metadata.name"),
        namespace=scalar(child(root, "metadata", "namespace"), "metadata.namespace") or "default",
        container=scalar(child(container, "name"), "name"),
        image=image,
        version=tag[1] if tag else None,
        program=program.text,
        arguments=tuple(arguments),
        environment={name: value for name, value in environment.items() if value is not None},
        mounts=tuple(_mounts(root, container)),
        working_directory=scalar(child(container, "workingDir"), "workingDir"),
        user=_run_as(root, container, "runAsUser"),
        group=_run_as(root, container, "runAsGroup"),
    )


def host_path(mounts: Sequence[Mount], inside: str) -> str | None:
    """Return where a path of the container lies on the host; None when it is the container's own.

    >>> host_path([Mount("/var/lib/etcd", "/srv/etcd")], "/var/lib/etcd/member")
    '/srv/etcd/member'
    """
    path = normpath(inside)
    for mount in sorted(mounts, key=lambda m: len(m.inside), reverse=True):
        if path == mount.inside or path.startswith(mount.inside.rstrip("/") + "/"):
            return normpath(f"{mount.host}/{path[len(mount.inside) :]}")
    return None


def _etcd_container(root: yaml.Node | None) -> yaml.Node:
    containers = items(child(root, "spec", "containers"))
    for container in containers:
        command = items(child(container, "command"))
        if command and basename(scalar(command[0], "command").strip()) == "etcd":
            return container
    raise DamagedInput(
        "no container of it has a `command` that runs etcd itself",
        hint="A command in a shell, or one that is the image's own, cannot be read.",
    )


def _command(container: yaml.Node) -> tuple[yaml.Node, ...]:
    return (*items(child(container, "command")), *items(child(container, "args")))


def _environment(container: yaml.Node) -> Iterator[tuple[str, PodText | None]]:
    """Yield each variable; None for one whose value comes from elsewhere."""
    for entry in items(child(container, "env")):
        value = child(entry, "value")
        known = child(entry, "valueFrom") is None
        text = PodText(scalar(value, "value"), line_of(value or entry)) if known else None
        yield scalar(child(entry, "name"), "name"), text


def _argument(node: yaml.Node, environment: Mapping[str, PodText | None]) -> PodText:
    line = line_of(node)

    def value_of(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        if match[1] not in environment:
            return match[0]
        known = environment[match[1]]
        if known is None:
            raise DamagedInput(f"line {line}: the value of $({match[1]}) is not in the manifest")
        return known.text

    return PodText(_REFERENCE.sub(value_of, scalar(node, "an argument")), line)


def _mounts(root: yaml.Node | None, container: yaml.Node) -> Iterator[Mount]:
    volumes = {
        scalar(child(volume, "name"), "name"): scalar(child(volume, "hostPath", "path"), "path")
        for volume in items(child(root, "spec", "volumes"))
    }
    for mount in items(child(container, "volumeMounts")):
        host = volumes.get(scalar(child(mount, "name"), "name"))
        below = scalar(child(mount, "subPath"), "subPath")
        inside = scalar(child(mount, "mountPath"), "mountPath")
        if host and inside:
            yield Mount(normpath(inside), normpath(f"{host}/{below}"))


def _run_as(root: yaml.Node | None, container: yaml.Node, name: str) -> str | None:
    for owner in (container, child(root, "spec")):
        value = scalar(child(owner, "securityContext", name), name)
        if value:
            return value
    return None


def changed_static_pod(text: str, values: Mapping[str, str]) -> str:
    """Return the manifest with these flags set; every other character stays.

    A flag is changed wherever it is given, else its ETCD_* variable, else it is added behind the
    last argument. DamagedInput when that cannot be done so that it means this and nothing else.
    """
    before = parse_static_pod(text)
    container = _etcd_container(compose(text))
    nodes = _command(container)[1:]
    given = parse_flags([argument.text for argument in before.arguments])
    edits: list[Edit] = []
    for name, value in values.items():
        found = [flag for flag in given if flag.name == name]
        variable = _variable_node(container, variable_of(name))
        if found:
            edits += [_flag_edit(text, nodes, flag, value) for flag in found]
        elif variable is not None:
            edits.append(replacement(text, variable, value))
    known = {flag.name for flag in given}
    new = [f"--{n}={v}" for n, v in values.items() if n not in known and not _has(before, n)]
    edits += _additions(text, container, new)
    return _proven(applied(text, edits), before, values)


def _has(pod: StaticPod, flag: str) -> bool:
    return variable_of(flag) in pod.environment


def _flag_edit(text: str, nodes: Sequence[yaml.Node], flag: Flag, value: str) -> Edit:
    literal = value.replace("$", "$$")
    alone = flag.first != flag.last
    return replacement(text, nodes[flag.last], literal if alone else f"--{flag.name}={literal}")


def _variable_node(container: yaml.Node, name: str) -> yaml.Node | None:
    for entry in items(child(container, "env")):
        if scalar(child(entry, "name"), "name") == name:
            return child(entry, "value")
    return None


def _additions(text: str, container: yaml.Node, arguments: Sequence[str]) -> list[Edit]:
    if not arguments:
        return []
    last_list = child(container, "args")
    if not items(last_list):
        last_list = child(container, "command")
    if last_list is None or not isinstance(last_list, yaml.SequenceNode):
        raise DamagedInput("it has no list of arguments")
    end = int(last_list.value[-1].end_mark.index)
    if last_list.flow_style:
        return [Edit(end, end, "".join(f", {quoted(argument)}" for argument in arguments))]
    newline = text.find("\n", end)
    at = len(text) if newline < 0 else newline
    indent = " " * int(last_list.start_mark.column)
    return [Edit(at, at, "".join(f"\n{indent}- {quoted(argument)}" for argument in arguments))]


def _proven(result: str, before: StaticPod, values: Mapping[str, str]) -> str:
    after = parse_static_pod(result)
    given = {flag.name for flag in parse_flags([a.text for a in before.arguments])}
    wanted = {
        variable_of(name) if name not in given and _has(before, name) else name: value
        for name, value in values.items()
    }
    if _meaning(after) != _meaning(before) | wanted or _rest(after) != _rest(before):
        raise DamagedInput("its lines cannot be changed one by one")
    return result


def _meaning(pod: StaticPod) -> dict[str, str]:
    """Return the flags by their names, those that are set by a variable as well."""
    variables = {name: value.text for name, value in pod.environment.items()}
    given = {flag.name: flag.value for flag in parse_flags([a.text for a in pod.arguments])}
    return variables | given


def _rest(pod: StaticPod) -> tuple[object, ...]:
    return (pod.name, pod.namespace, pod.container, pod.image, pod.program, pod.mounts, pod.user)
