"""By which names a static pod's containers are found: those of its manifest."""

from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.yaml_lines import child, compose, items, scalar


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """A pod as its manifest names it. kubelet adds the node's name to the pod's: etcd-cp1."""

    name: str
    namespace: str
    containers: tuple[str, ...]


def parse_pod_identity(text: str) -> PodIdentity:
    """Read a manifest; DamagedInput where it is not that of a pod with a name and containers."""
    root = compose(text)
    name = scalar(child(root, "metadata", "name"), "metadata.name")
    containers = tuple(
        scalar(child(container, "name"), "name")
        for container in items(child(root, "spec", "containers"))
    )
    if scalar(child(root, "kind"), "kind") != "Pod" or not name or not all(containers):
        raise DamagedInput("it is not the manifest of a pod with a name and named containers")
    namespace = scalar(child(root, "metadata", "namespace"), "metadata.namespace")
    return PodIdentity(name, namespace or "default", containers)
