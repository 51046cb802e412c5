"""`requorum inventory discover` as a command: files, and live etcd of every minor."""

import json
from pathlib import Path

import pytest
from inventory_command import run
from manifests import KUBEADM

from requorum.app.cluster_file import load_cluster_file
from requorum.domain.cluster import StaticPodService


@pytest.mark.processes
def test_kubeadms_manifest(tmp_path: Path) -> None:
    """The file loads; a second call overwrites nothing, and says where else to write."""
    (tmp_path / "etcd.yaml").write_text(KUBEADM)
    done = run(tmp_path, "--manifest", "etcd.yaml", "--name", "prod")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    cluster = load_cluster_file(str(tmp_path / "requorum.yaml"))
    (member,) = cluster.members
    assert (cluster.name, member.name, member.host) == ("prod", "cp1", "10.0.0.31")
    assert member.data_dir == "/srv/etcd"
    assert member.service == StaticPodService(manifest="/etc/kubernetes/manifests/etcd.yaml")
    assert cluster.tls is not None
    assert cluster.tls.cert == "/etc/kubernetes/pki/etcd/healthcheck-client.crt"

    before = (tmp_path / "requorum.yaml").read_bytes()
    again = run(tmp_path, "--manifest", "etcd.yaml")
    assert again.returncode == 3
    assert "--out" in again.stderr
    assert (tmp_path / "requorum.yaml").read_bytes() == before


@pytest.mark.processes
def test_this_machines_manifest_while_nothing_runs(tmp_path: Path) -> None:
    """A static pod's host is asked for its manifest; who lists no members is a note."""
    manifest = tmp_path / "pod.yaml"
    others = "cp1=https://10.0.0.31:2380,cp2=https://10.0.0.32:2380"
    manifest.write_text(KUBEADM.replace("cp1=https://10.0.0.31:2380", others))
    done = run(tmp_path, "--host", "local", "--pod-manifest", str(manifest), "--no-ask-hosts")
    assert done.returncode == 0, done.stderr
    assert "the members are those of initial-cluster" in done.stderr
    first, second = load_cluster_file(str(tmp_path / "requorum.yaml")).members
    assert (first.name, first.host, first.data_dir) == ("cp1", "local", "/srv/etcd")
    assert (second.name, second.host, second.data_dir) == ("cp2", "10.0.0.32", "/srv/etcd")
    assert second.service == StaticPodService(manifest=str(manifest))
    assert "check: cp2: host, client_url, data_dir, service" in done.stderr


@pytest.mark.processes
def test_an_inventory_from_stdin_to_stdout(tmp_path: Path) -> None:
    """Nothing is written; what is missing is said, and the end is 1."""
    listing = {
        "_meta": {"hostvars": {"a": {"ansible_host": "10.0.0.31"}}},
        "etcd": {"hosts": ["a"]},
    }
    done = run(tmp_path, "--ansible", "-", "--out", "-", stdin=json.dumps(listing))
    assert done.returncode == 1
    assert "# data_dir: /var/lib/etcd  # FILL IN" in done.stdout
    assert "fill in: a: peer_url, client_url, data_dir, service" in done.stderr
    assert not list(tmp_path.iterdir())
    told = run(tmp_path, "--ansible", "-", "--out", "-", "-o", "json", stdin=json.dumps(listing))
    result = json.loads(told.stdout)
    assert (result["file"], result["members"], told.returncode) == (None, ["a"], 1)
    assert {"member": "a", "field": "data_dir"} in result["missing"]


@pytest.mark.processes
def test_members_that_are_told_alike(tmp_path: Path) -> None:
    """The file is written to be mended, the end is 1, and the reason is that of the file itself."""
    hosts = "{a: {ip: 10.0.0.31, etcd_member_name: m1}, b: {ip: 10.0.0.31, etcd_member_name: m2}}"
    text = f"{{etcd: {{hosts: {hosts}}}, kube_control_plane: {{hosts: {{a: }}}}}}"
    done = run(tmp_path, "--ansible", "-", stdin=text)
    assert done.returncode == 1, done.stderr
    assert "two members have the same peer_url" in done.stderr
    assert "next:" not in done.stderr
    assert (tmp_path / "requorum.yaml").exists()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        ((), "", 2, "nothing says where to look"),
        (("--ansible", "-"), "[etcd]\nnode1 ansible_host=1.2.3.4\n", 5, "ansible-inventory -i"),
        (("--manifest", "nowhere.yaml"), "", 2, "cannot read nowhere.yaml"),
        (("--manifest", "-"), "kind: Service\n", 5, "not the manifest of a pod"),
        (("--endpoints", "http://127.0.0.1:1"), "", 4, "127.0.0.1:1"),
    ],
)
def test_what_leads_nowhere(
    tmp_path: Path, words: tuple[str, ...], stdin: str, code: int, said: str
) -> None:
    """One line says why, a hint what to do; no file is left."""
    done = run(tmp_path, *words, stdin=stdin)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
