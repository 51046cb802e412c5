"""kubespray's inventory, by kubespray's own rules."""

import pytest

from requorum.app.cluster_file import parse_cluster
from requorum.app.inventory.cluster_file_text import cluster_file_text
from requorum.domain.cluster import StaticPodService, SystemdService
from requorum.errors import DamagedInput
from requorum.formats.ansible_inventory import parse_inventory
from requorum.inspection.kubespray import draft_of_inventory

KUBESPRAY = """\
all:
  vars: {ansible_user: ubuntu, ansible_become: true, ansible_ssh_private_key_file: /home/me/key}
  hosts:
    n1: {ansible_host: 192.0.2.31, ip: 10.0.0.31, access_ip: 10.1.0.31, etcd_member_name: first}
    n2: {ansible_host: 192.0.2.32, ip: 10.0.0.32, ansible_port: 2222}
    n3: {ansible_host: "2001:db8::3", ip: "fd00::33"}
  children:
    kube_control_plane: {hosts: {n1: , n4: {ansible_host: 192.0.2.34}}}
    etcd: {hosts: {n1: , n2: , n3: }}
"""


def test_kubesprays_rules() -> None:
    """Names, addresses, certificates and how hosts are reached; what is a default is marked."""
    draft = draft_of_inventory(parse_inventory(KUBESPRAY), "hosts.yaml")
    cluster = parse_cluster(cluster_file_text("prod", draft), "x")
    assert [m.name for m in cluster.members] == ["first", "etcd2", "etcd3"]
    assert [m.host for m in cluster.members] == [
        "ubuntu@192.0.2.31",
        "ubuntu@192.0.2.32:2222",
        "ubuntu@[2001:db8::3]",
    ]
    assert [m.peer_url for m in cluster.members] == [
        "https://10.1.0.31:2380",
        "https://10.0.0.32:2380",
        "https://[fd00::33]:2380",
    ]
    assert {m.service for m in cluster.members} == {SystemdService(unit="etcd.service")}
    assert cluster.ssh.become == "sudo"
    assert cluster.ssh.identity_files == ("/home/me/key",)
    assert cluster.tls is not None
    assert cluster.tls.key == "/etc/ssl/etcd/ssl/admin-n1-key.pem"
    (apiserver,) = cluster.clients
    assert apiserver.hosts == ("ubuntu@192.0.2.31", "ubuntu@192.0.2.34")
    assert "data_dir" in draft.members[0].unsure
    assert "name" not in draft.members[0].unsure


def test_what_the_inventory_says_goes_before_the_default() -> None:
    """Directories and the kind of deployment are taken from it."""
    text = KUBESPRAY.replace(
        "vars: {", "vars: {etcd_data_dir: /srv/etcd, etcd_deployment_type: kubeadm, "
    )
    draft = draft_of_inventory(parse_inventory(text), "hosts.yaml")
    cluster = parse_cluster(cluster_file_text("prod", draft), "x")
    assert {m.data_dir for m in cluster.members} == {"/srv/etcd"}
    assert all(isinstance(m.service, StaticPodService) for m in cluster.members)
    assert cluster.tls is None


def test_an_inventory_that_is_not_kubesprays() -> None:
    """It tells of hosts and nothing else: no default of kubespray's is put in."""
    text = "all: {children: {etcd: {hosts: {a: {ansible_connection: local}, b: }}}}"
    draft = draft_of_inventory(parse_inventory(text), "hosts.yaml")
    assert [m.missing for m in draft.members] == [
        ("peer_url", "client_url", "data_dir", "service")
    ] * 2
    assert [m.host and m.host.value for m in draft.members] == ["local", "b"]


def test_no_group_etcd() -> None:
    """The error names the groups that there are."""
    with pytest.raises(DamagedInput, match="group etcd") as caught:
        draft_of_inventory(parse_inventory("web: {hosts: {a: }}"), "x")
    assert "web" in (caught.value.hint or "")
