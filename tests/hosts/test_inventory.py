"""`requorum inventory` on real hosts: found from one of them, checked whole and broken."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from over_ssh import ssh
from real_hosts import NewHostLab

import requorum
from requorum.app.cluster_file import load_cluster_file
from requorum.domain.cluster import Cluster, SystemdService
from requorum.lab.hosts.description import EtcdStyle, HostLab, Wanted
from requorum.lab.hosts.faults import Fault, bring_about

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]


def inventory(lab: HostLab, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `requorum inventory` in that folder."""
    return subprocess.run(
        [sys.executable, "-m", "requorum", "inventory", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(requorum.__file__).parents[1])},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
        check=False,
    )


def access(lab: HostLab, user: str = "root") -> tuple[str, ...]:
    """Return the options that say how to reach a lab's first host."""
    first = lab.hosts[0]
    return (
        "--host", f"{user}@{first.address}:{first.ssh_port}",
        "--identity-file", str(first.key_file), "--known-hosts", str(first.known_hosts),
    )  # fmt: skip  # one command line


@pytest.mark.parametrize(("style", "etcd"), [(EtcdStyle.ENV_FILE, "3.5"), (EtcdStyle.FLAGS, "3.6")])
def test_found_from_one_host(
    new_host_lab: NewHostLab, tmp_path: Path, style: EtcdStyle, etcd: str
) -> None:
    """The file is the cluster as it was made: by its MemberList, with a host down, and dead."""
    lab = new_host_lab(Wanted(hosts=3, style=style, etcd=etcd))
    done = inventory(lab, tmp_path, "discover", *access(lab))
    assert done.returncode == 0, done.stderr
    _is_the_lab(lab, load_cluster_file(str(tmp_path / "requorum.yaml")))
    assert "check:" not in done.stderr

    # As a user who must use sudo, and without etcd: every unit is read, none lists members.
    for name in lab.names:
        ssh(lab, name, "systemctl", "stop", "kubelet", "kube-apiserver", "etcd")
    dead = inventory(
        lab, tmp_path, "discover", *access(lab, "ops"), "--become", "--out", "dead.yaml"
    )
    assert dead.returncode == 0, dead.stderr
    assert "the members are those of initial-cluster" in dead.stderr
    found = load_cluster_file(str(tmp_path / "dead.yaml"))
    _is_the_lab(lab, found, user="ops")
    assert found.ssh.become == "sudo"

    # A host that is off is taken to be as the others, and marked.
    bring_about(lab, Fault.POWER_CUT, ("node3",))
    less = inventory(lab, tmp_path, "discover", *access(lab), "--out", "less.yaml")
    assert less.returncode == 0, less.stderr
    _is_the_lab(lab, load_cluster_file(str(tmp_path / "less.yaml")), clients_on=2)
    assert "check: etcd3: host, client_url, data_dir, service" in less.stderr
    assert "its host did not tell" in (tmp_path / "less.yaml").read_text()


def _is_the_lab(lab: HostLab, cluster: Cluster, user: str = "root", clients_on: int = 3) -> None:
    assert [
        (m.name, m.host, m.peer_url, m.client_url, m.data_dir, m.service) for m in cluster.members
    ] == [
        (h.member, f"{user}@{h.address}:{h.ssh_port}", h.peer_url, h.client_url, h.data_dir,
         SystemdService(unit="etcd.service"))
        for h in lab.hosts
    ]  # fmt: skip  # one member
    assert [(c.name, len(c.hosts)) for c in cluster.clients] == [
        ("kubelet", clients_on),
        ("kube-apiserver", clients_on),
    ]
    assert cluster.tls is not None
    assert cluster.tls.cert == lab.hosts[0].certificates.client_cert


def checked(lab: HostLab, folder: Path, *words: str) -> tuple[int, dict[tuple[str, str], str]]:
    """Return how `check -o json` ended, and the worst verdict of each subject and check."""
    done = inventory(lab, folder, "check", "-o", "json", *words)
    print(done.stdout, done.stderr)
    result = json.loads(done.stdout)
    order = ["ok", "warn", "fail"]
    found: dict[tuple[str, str], str] = {}
    for each in result["checks"]:
        key = each["subject"], each["check"]
        found[key] = max(each["verdict"], found.get(key, "ok"), key=order.index)
        assert each["hint"] or each["verdict"] == "ok", each
    assert result["verdict"] == max(found.values(), key=order.index)
    return done.returncode, found


def test_checked_whole_and_broken(new_host_lab: NewHostLab, tmp_path: Path) -> None:
    """Nothing fails on hosts as they were made; then each fault is found where it is."""
    lab = new_host_lab(Wanted(hosts=3, etcd="3.6", etcd_user="etcd"))
    made = inventory(lab, tmp_path, "discover", *access(lab))
    assert made.returncode == 0, made.stderr
    code, found = checked(lab, tmp_path)
    bad = {key: verdict for key, verdict in found.items() if verdict != "ok"}
    assert code == 0, bad
    assert set(bad) <= {("cluster", "known-bad")}
    one = {check for subject, check in found if subject == "etcd1"}
    assert one == {
        "serves", "host", "settings", "version", "disk", "permissions", "old-data",
        "client-cert", "peer-cert", "peer-url", "client-url",
    }  # fmt: skip  # one set
    assert {("cluster", "quorum"), ("cluster", "members"), ("cluster", "releases")} <= set(found)

    # As a user without rights: the file is as good, but nothing could be done with it.
    ops = tmp_path / "ops.yaml"
    ops.write_text((tmp_path / "requorum.yaml").read_text().replace("root@", "ops@"))
    code, found = checked(lab, tmp_path, "-c", "ops.yaml")
    assert (code, found["etcd1", "host"]) == (1, "fail")

    first, second, _ = lab.hosts
    ssh(lab, "node1", "chown", "ops", f"{first.data_dir}/member/snap/db")
    ssh(lab, "node1", "mkdir", "-p", f"{first.data_dir}.bak/member/snap")
    wrong = second.certificates
    for path in (wrong.cert, wrong.key):  # node3's own pair, which names another address
        text = ssh(lab, "node3", "cat", path.replace("node2", "node3")).stdout
        ssh(lab, "node2", "sh", "-c", f"printf %s {shlex.quote(text)} > {path}")
    ssh(lab, "node2", "systemctl", "stop", "etcd")
    bring_about(lab, Fault.POWER_CUT, ("node3",))
    broken = (tmp_path / "requorum.yaml").read_text()
    (tmp_path / "broken.yaml").write_text(
        broken.replace(f"data_dir: {first.data_dir}", "data_dir: /srv/elsewhere", 1)
    )
    code, found = checked(lab, tmp_path)
    assert code == 1
    expected = {
        ("etcd1", "old-data"): "warn",
        ("etcd1", "permissions"): "fail",
        ("etcd2", "serves"): "fail",
        ("etcd2", "client-cert"): "fail",
        ("etcd2", "peer-cert"): "fail",
        ("etcd2", "peer-url"): "fail",
        ("etcd3", "host"): "fail",
        ("etcd3", "serves"): "fail",
        ("cluster", "quorum"): "fail",
        ("etcd1", "client-cert"): "ok",
        ("etcd1", "peer-url"): "ok",
    }
    assert {key: found.get(key) for key in expected} == expected
    code, found = checked(lab, tmp_path, "-c", "broken.yaml")
    assert (code, found["etcd1", "settings"], found["etcd1", "data"]) == (1, "fail", "fail")
