"""`requorum inventory` on real hosts: found from one of them, checked whole and broken."""

import os
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
