"""Which Kubernetes object a key holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.kubernetes_keys import KubernetesObject, ResourceName, kubernetes_object

KNOWN = {
    "/registry/pods/default/web-1": "pods default/web-1",
    "/registry/minions/node-1": "nodes node-1",
    "/registry/services/specs/kube-system/kube-dns": "services kube-system/kube-dns",
    "/registry/services/endpoints/default/kubernetes": "endpoints default/kubernetes",
    "/registry/controllers/default/rc1": "replicationcontrollers default/rc1",
    "/registry/ingress/web/front": "ingresses.networking.k8s.io web/front",
    "/registry/podsecuritypolicy/psp1": "podsecuritypolicies.policy psp1",
    "/registry/namespaces/default": "namespaces default",
    "/registry/deployments/web/front": "deployments.apps web/front",
    "/registry/leases/kube-node-lease/node-1": "leases.coordination.k8s.io kube-node-lease/node-1",
    "/registry/events/default/web.17a": "events default/web.17a",
    "/registry/clusterroles/system:node": "clusterroles.rbac.authorization.k8s.io system:node",
    "/registry/apiregistration.k8s.io/apiservices/v1.apps": (
        "apiservices.apiregistration.k8s.io v1.apps"
    ),
    "/registry/apiextensions.k8s.io/customresourcedefinitions/foos.cr.bar.com": (
        "customresourcedefinitions.apiextensions.k8s.io foos.cr.bar.com"
    ),
    "/registry/cr.bar.com/foos/team/one": "foos.cr.bar.com team/one",
    "/registry/custom.fancy.com/pants/blue": "pants.custom.fancy.com blue",
    "/registry/masterleases/10.0.0.1": "masterleases 10.0.0.1",
    "/registry/ranges/serviceips": "ranges serviceips",
}


@pytest.mark.parametrize(("key", "shown"), KNOWN.items())
def test_objects_are_named_as_kubectl_names_them(key: str, shown: str) -> None:
    """Irregular paths, groups that are not in the key, custom resources."""
    assert str(kubernetes_object(key.encode())) == shown


@pytest.mark.parametrize(
    "key",
    [
        b"compact_rev_key",
        b"/registry",
        b"/registry/",
        b"/registry/health",
        b"/registry/pods/default",
        b"/registry/pods/default/web/extra",
        b"/registry/namespaces/a/b",
        b"/registry/services/specs",
        b"/registry/services/other/a/b",
        b"/registry/cr.bar.com/foos",
        b"/registry/pods//web",
        b"/registry/pods/default/\xff",
        b"/registryx/pods/default/web",
        b"/app/pods/default/web",
    ],
)
def test_other_keys_hold_none(key: bytes) -> None:
    """What has not the shape of an object's key is none, whatever lies below the prefix."""
    assert kubernetes_object(key) is None


def test_a_resource_that_is_not_known() -> None:
    """A newer release's resource is named; its group is not in the key."""
    found = kubernetes_object(b"/registry/gadgets/team/one")
    assert found == KubernetesObject(ResourceName("gadgets", None), "team", "one")


@pytest.mark.parametrize("prefix", ["/kubernetes.io", "/kubernetes.io/", "kubernetes.io"])
def test_another_prefix(prefix: str) -> None:
    """The prefix is the API server's --etcd-prefix, however it is spelt."""
    begin = prefix.rstrip("/")
    found = kubernetes_object(f"{begin}/pods/default/web".encode(), prefix)
    assert found == KubernetesObject(ResourceName("pods", ""), "default", "web")


@given(st.lists(st.binary(max_size=8), max_size=6))
def test_any_key_is_an_object_or_none(parts: list[bytes]) -> None:
    """No key raises, and an object's parts are never empty."""
    found = kubernetes_object(b"/".join([b"/registry", *parts]))
    if found is not None:
        assert found.name
        assert found.resource.resource
        assert found.namespace != ""
