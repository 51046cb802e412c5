"""Which Kubernetes object an etcd key holds, named as kubectl names it.

A key is `PREFIX/RESOURCE/[NAMESPACE/]NAME` for what Kubernetes itself defines, whatever its API
group, and `PREFIX/GROUP/RESOURCE/[NAMESPACE/]NAME` for custom resources.

Source: kubernetes pkg/kubeapiserver/default_storage_factory_builder.go
`SpecialDefaultResourcePrefixes` (the irregular names), test/integration/etcd/data.go (the key of
every resource).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

DEFAULT_PREFIX = "/registry"

_IRREGULAR = {
    "controllers": "replicationcontrollers",
    "ingress": "ingresses",
    "minions": "nodes",
    "podsecuritypolicy": "podsecuritypolicies",
}
_BELOW_SERVICES = {"endpoints": "endpoints", "specs": "services"}

_CLUSTER_SCOPED = {
    "": "namespaces nodes persistentvolumes",
    "admissionregistration.k8s.io": (
        "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings "
        "validatingwebhookconfigurations"
    ),
    "certificates.k8s.io": "certificatesigningrequests clustertrustbundles",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "internal.apiserver.k8s.io": "storageversions",
    "networking.k8s.io": "ingressclasses ipaddresses servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "policy": "podsecuritypolicies",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles",
    "resource.k8s.io": "deviceclasses devicetaintrules resourcepoolstatusrequests resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": (
        "csidrivers csinodes storageclasses volumeattachments volumeattributesclasses"
    ),
    "storagemigration.k8s.io": "storageversionmigrations",
}
_NAMESPACED = {
    "": (
        "configmaps endpoints events limitranges persistentvolumeclaims pods podtemplates "
        "replicationcontrollers resourcequotas secrets serviceaccounts services"
    ),
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "certificates.k8s.io": "podcertificaterequests",
    "coordination.k8s.io": "leasecandidates leases",
    "discovery.k8s.io": "endpointslices",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "rolebindings roles",
    "resource.k8s.io": "resourceclaims resourceclaimtemplates",
    "scheduling.k8s.io": "podgroups workloads",
    "storage.k8s.io": "csistoragecapacities",
}


class ResourceName(NamedTuple):
    """A kind of objects. `group` is "" for the core group, None where it is not known.

    A key without a group in it names what Kubernetes defines; a release newer than this table may
    define more, and it keeps things there that no API serves (`masterleases`, `ranges`).
    """

    resource: str
    group: str | None

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """One object. `namespace` is None for a resource that has none."""

    resource: ResourceName
    namespace: str | None
    name: str

    def __str__(self) -> str:
        place = self.name if self.namespace is None else f"{self.namespace}/{self.name}"
        return f"{self.resource} {place}"


_SCOPES: dict[str, tuple[str, int]] = {
    resource: (group, parts)
    for parts, table in ((1, _CLUSTER_SCOPED), (2, _NAMESPACED))
    for group, names in table.items()
    for resource in names.split()
}
"""Resource -> (its group, how many parts of a key follow it)."""


def kubernetes_object(key: bytes, prefix: str = DEFAULT_PREFIX) -> KubernetesObject | None:
    """Return the object that a key holds, None for a key that Kubernetes would not make."""
    begin = prefix.rstrip("/").encode() + b"/"
    if not key.startswith(begin):
        return None
    try:
        parts = key[len(begin) :].decode().split("/")
    except UnicodeDecodeError:
        return None
    if not all(parts):
        return None
    if "." in parts[0]:
        return _custom(parts)
    if parts[0] == "services":
        return _below_services(parts[1:])
    resource = _IRREGULAR.get(parts[0], parts[0])
    return _built_in(resource, parts[1:])


def _custom(parts: Sequence[str]) -> KubernetesObject | None:
    if len(parts) < 3:
        return None
    return _object(ResourceName(parts[1], parts[0]), parts[2:])


def _below_services(parts: Sequence[str]) -> KubernetesObject | None:
    resource = _BELOW_SERVICES.get(parts[0]) if parts else None
    return None if resource is None else _built_in(resource, parts[1:])


def _built_in(resource: str, rest: Sequence[str]) -> KubernetesObject | None:
    group, expected = _SCOPES.get(resource, (None, len(rest)))
    if len(rest) != expected:
        return None
    return _object(ResourceName(resource, group), rest)


def _object(resource: ResourceName, rest: Sequence[str]) -> KubernetesObject | None:
    match rest:
        case [name]:
            return KubernetesObject(resource, None, name)
        case [namespace, name]:
            return KubernetesObject(resource, namespace, name)
        case _:
            return None
