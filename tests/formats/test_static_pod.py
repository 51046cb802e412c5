"""The manifest of a static pod that runs etcd."""

import json

import pytest
import yaml
from manifests import KUBEADM

from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.static_pod import (
    Mount,
    changed_static_pod,
    host_path,
    parse_static_pod,
)


def arguments(text: str) -> list[str]:
    """Return what etcd is given."""
    return [argument.text for argument in parse_static_pod(text).arguments]


def test_kubeadm() -> None:
    """The container, its flags with their lines, where its paths lie on the host."""
    pod = parse_static_pod(KUBEADM)
    assert (pod.name, pod.namespace, pod.container) == ("etcd", "kube-system", "etcd")
    assert (pod.image, pod.version) == ("registry.k8s.io/etcd:3.5.16-0", "3.5.16")
    assert pod.program == "etcd"
    assert {a.text: a.line for a in pod.arguments}["--name=cp1"] == 26
    assert len(pod.arguments) == 18
    assert pod.mounts == (
        Mount("/var/lib/etcd", "/srv/etcd"),
        Mount("/etc/kubernetes/pki/etcd", "/etc/kubernetes/pki/etcd"),
    )
    assert (pod.user, pod.group, pod.working_directory) == (None, None, "")


def test_everything_that_may_be_there() -> None:
    """`args`, variables, a user, a sub-path, a container beside, an image with port and digest."""
    manifest = yaml.safe_load(KUBEADM)
    container = manifest["spec"]["containers"][0]
    container |= {
        "image": "host:5000/etcd@sha256:0",
        "args": ["--log-level=$(LEVEL)", "--x=$$(LEVEL)", "--y=$(NONE)"],
        "env": [{"name": "LEVEL", "value": "warn"}, {"name": "IP", "valueFrom": {"fieldRef": {}}}],
        "securityContext": {"runAsUser": 1000},
        "workingDir": "/w",
    }
    container["volumeMounts"][0]["subPath"] = "sub"
    manifest["spec"]["securityContext"] = {"runAsUser": 1, "runAsGroup": 2}
    manifest["spec"]["containers"].insert(0, {"name": "beside", "image": "x"})
    pod = parse_static_pod(json.dumps(manifest))
    last = [argument.text for argument in pod.arguments][-3:]
    assert last == ["--log-level=warn", "--x=$(LEVEL)", "--y=$(NONE)"]
    assert {name: value.text for name, value in pod.environment.items()} == {"LEVEL": "warn"}
    assert (pod.version, pod.user, pod.group) == (None, "1000", "2")
    assert pod.mounts[0] == Mount("/var/lib/etcd", "/srv/etcd/sub")


@pytest.mark.parametrize(
    ("inside", "host"),
    [
        ("/var/lib/etcd", "/srv"),
        ("/var/lib/etcd/member/wal/", "/srv/member/wal"),
        ("/var/lib/etcd/../etcd2", None),
        ("/var/lib/etcd2", None),
        ("/var/lib/etcd/in/x", "/inner/x"),
    ],
)
def test_paths_on_the_host(inside: str, host: str | None) -> None:
    """The longest mount counts; a name that only begins alike is not below it."""
    mounts = [Mount("/var/lib/etcd", "/srv"), Mount("/var/lib/etcd/in", "/inner")]
    assert host_path(mounts, inside) == host
    assert host_path([Mount("/", "/root")], "/a") == "/root/a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not the manifest of a pod"),
        ("kind: Deployment\n", "not the manifest of a pod"),
        ("kind: Pod\n", "no container of it"),
        (KUBEADM.replace("    - etcd\n", "    - sh\n"), "no container of it"),
        (KUBEADM.replace("- --name=cp1", "- {}"), "line 26: an argument is no single value"),
        (KUBEADM.replace("name: etcd\n  namespace", "name: []\n  namespace"), "metadata.name"),
        (KUBEADM.replace("kind: Pod", "kind: Pod: x"), "line 2: this is not YAML"),
    ],
)
def test_what_is_no_manifest_of_etcd(text: str, said: str) -> None:
    """The error says what is missing, with its line where there is one."""
    with pytest.raises(DamagedInput, match=said):
        parse_static_pod(text)


def test_a_variable_that_comes_from_elsewhere() -> None:
    """A value that the manifest does not hold is not made up."""
    text = KUBEADM.replace("--name=cp1", "--name=$(NODE)").replace(
        "    volumeMounts:\n",
        "    env:\n    - name: NODE\n      valueFrom: {fieldRef: {}}\n    volumeMounts:\n",
    )
    with pytest.raises(DamagedInput, match=r"line 26: the value of \$\(NODE\)"):
        parse_static_pod(text)


def test_changed() -> None:
    """Flags change where they are given; a new one comes behind the last; all else stays."""
    changed = changed_static_pod(
        KUBEADM,
        {
            "initial-cluster": "cp1=https://10.0.0.31:2380,cp2=https://10.0.0.32:2380",
            "initial-cluster-state": "existing",
        },
    )
    old = "--initial-cluster=cp1=https://10.0.0.31:2380\n"
    last = "    - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n"
    both = "cp1=https://10.0.0.31:2380,cp2=https://10.0.0.32:2380"
    assert changed == KUBEADM.replace(old, f'"--initial-cluster={both}"\n').replace(
        last, f'{last}    - "--initial-cluster-state=existing"\n'
    )


def test_changed_in_two_words_and_twice() -> None:
    """A value that is an argument of its own is replaced, at each place where the flag is."""
    text = KUBEADM.replace(
        "    - --name=cp1\n", "    - --name # x\n    - cp1\n    - --name=cp1   # y\n"
    )
    changed = changed_static_pod(text, {"name": "cp2"})
    assert '    - --name # x\n    - "cp2"\n    - "--name=cp2"   # y\n' in changed


def test_changed_variable() -> None:
    """A flag that a variable of the container sets is changed there."""
    variable = "    env:\n    - name: ETCD_INITIAL_CLUSTER_STATE\n      value: new\n"
    text = KUBEADM.replace("    volumeMounts:\n", f"{variable}    volumeMounts:\n")
    changed = changed_static_pod(text, {"initial-cluster-state": "existing"})
    assert changed == text.replace("value: new", 'value: "existing"')


def test_changed_json() -> None:
    """JSON is YAML, too."""
    text = json.dumps(yaml.safe_load(KUBEADM))
    changed = changed_static_pod(text, {"initial-cluster-state": "existing", "name": "cp$2"})
    assert arguments(changed)[-1] == "--initial-cluster-state=existing"
    assert "--name=cp$2" in arguments(changed)
    assert json.loads(changed)["spec"]["containers"][0]["image"]


def test_what_cannot_be_changed_by_lines() -> None:
    """A value that something else refers to is left alone."""
    text = KUBEADM.replace("- --name=cp1", "- &x --name=cp1").replace("status: {}", "other: *x\n")
    with pytest.raises(DamagedInput):
        changed_static_pod(text, {"name": "cp2"})
