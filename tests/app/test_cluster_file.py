"""The cluster file: what is accepted, and that every complaint names its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.app.cluster_file import load_cluster_file, parse_cluster
from requorum.domain.cluster import (
    ClientService,
    CommandService,
    Ssh,
    StaticPodService,
    SystemdService,
    Tls,
)
from requorum.errors import ClusterFileError

GOOD = """\
cluster: prod
cluster_id: cdf818194e3a8c32
members:
  - name: etcd1
    host: local
    peer_url: https://10.0.0.31:2380/
    client_url: https://10.0.0.31:2379
    data_dir: /var/lib/etcd/
    service:
      kind: command
      start: [systemctl, start, etcd]
      stop: [systemctl, stop, etcd]
      status: [systemctl, is-active, etcd]
  - name: etcd2
    peer_url: https://10.0.0.32:2380
    client_url: https://10.0.0.32:2379
    data_dir: /var/lib/etcd2
    wal_dir: /wal
    service: {kind: command, start: [a], stop: [b], status: [c]}
tls: {cacert: /ca.pem, cert: /c.pem, key: /k.pem}
auth: {user: root}
etcd: {bin_dir: /opt/etcd}
"""


def test_everything_that_may_be_said() -> None:
    """Every field arrives, URLs and paths without their last slash."""
    cluster = parse_cluster(GOOD, "f")
    first, second = cluster.members
    assert (cluster.name, cluster.cluster_id) == ("prod", 0xCDF818194E3A8C32)
    assert first.peer_url == "https://10.0.0.31:2380"
    assert first.data_dir == "/var/lib/etcd"
    assert first.service == CommandService(
        start=("systemctl", "start", "etcd"),
        stop=("systemctl", "stop", "etcd"),
        status=("systemctl", "is-active", "etcd"),
    )
    assert second.wal_dir == "/wal"
    assert cluster.tls is not None
    assert cluster.tls.key == "/k.pem"
    assert (cluster.user, cluster.etcd_bin_dir) == ("root", "/opt/etcd")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("cluster: prod", "clusters: prod", 1, "cluster: field required"),
        ("cluster: prod", "cluster: [prod]", 1, "cluster: input should be a valid string"),
        ("cluster_id: cdf8", "cluster_id: xyz8", 2, "cluster_id: string should match"),
        ("    host: local", "    host: -oProxyCommand=x", 5, "host: must be `local` or an ssh"),
        ("    peer_url: https://10.0.0.31:2380/", "    peer_url: 10.0.0.31", 6, "must be a URL"),
        ("    data_dir: /var/lib/etcd/", "    data_dir: var", 8, "must be an absolute path"),
        ("      kind: command", "      kind: runit", 10, "service.kind: must be one of"),
        ("      kind: command", "      kind: systemd", 9, "service.unit: field required"),
        ("[systemctl, start, etcd]", "systemctl start etcd", 11, "valid tuple"),
        ("[systemctl, stop, etcd]", "[]", 12, "at least 1 item"),
        ("    wal_dir: /wal", "    wall_dir: /wal", 18, "member etcd2: wall_dir: extra inputs"),
        ("  - name: etcd2\n", "  - nam: etcd2\n", 14, "member number 2: name: field required"),
        ("cert: /c.pem, ", "", 20, "cert and key go together"),
        ("auth: {user: root}", "auth: {}", 21, "user: field required"),
    ],
)
def test_a_complaint_names_its_line(old: str, new: str, line: int, said: str) -> None:
    """The line is the field's own, or its nearest parent's where the field is missing."""
    assert old in GOOD
    with pytest.raises(ClusterFileError) as caught:
        parse_cluster(GOOD.replace(old, new, 1), "prod.yaml")
    assert f"prod.yaml:{line}: " in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2


ON_HOSTS = """\
cluster: prod
members:
  - name: etcd1
    host: root@10.0.0.31:2222
    peer_url: https://10.0.0.31:2380
    client_url: https://10.0.0.31:2379
    data_dir: /var/lib/etcd
    service: {kind: systemd, unit: etcd}
  - name: etcd2
    host: "[fd00::32]"
    peer_url: https://10.0.0.32:2380
    client_url: https://10.0.0.32:2379
    data_dir: /var/lib/etcd
    service:
      kind: static-pod
      manifest: /etc/kubernetes/manifests/etcd.yaml
clients:
  - {unit: kubelet.service, hosts: all}
  - unit: kube-apiserver
    hosts: [root@10.0.0.31:2222, root@10.0.0.40]
  - {manifest: /etc/kubernetes/manifests/kube-apiserver.yaml, hosts: ["[fd00::32]"]}
tls: {cacert: /etc/ca.pem, on: hosts}
ssh: {user: ops, port: 22, identity_files: [~/.ssh/id], known_hosts: k, jump: bastion, become: sudo}
"""


def test_members_on_hosts() -> None:
    """Units get their suffix, `all` becomes the members' hosts, ssh's fields arrive."""
    cluster = parse_cluster(ON_HOSTS, "f")
    assert [m.service for m in cluster.members] == [
        SystemdService(unit="etcd.service"),
        StaticPodService(manifest="/etc/kubernetes/manifests/etcd.yaml"),
    ]
    assert cluster.hosts == ("root@10.0.0.31:2222", "[fd00::32]")
    assert cluster.clients == (
        ClientService(service=SystemdService(unit="kubelet.service"), hosts=cluster.hosts),
        ClientService(
            service=SystemdService(unit="kube-apiserver.service"),
            hosts=("root@10.0.0.31:2222", "root@10.0.0.40"),
        ),
        ClientService(
            service=StaticPodService(manifest="/etc/kubernetes/manifests/kube-apiserver.yaml"),
            hosts=("[fd00::32]",),
        ),
    )
    assert cluster.tls == Tls(cacert="/etc/ca.pem", on="hosts")
    assert cluster.ssh == Ssh(
        user="ops",
        port=22,
        identity_files=("~/.ssh/id",),
        known_hosts="k",
        jump="bastion",
        become="sudo",
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("kind: systemd, unit: etcd", "kind: systemd, unit: -etcd", 8, "service.unit: must be"),
        ("kind: systemd, unit: etcd", "kind: systemd", 8, "etcd1: service.unit: field required"),
        ("unit: etcd}", "unit: etcd, start: [a]}", 8, "etcd1: service.start: extra inputs"),
        ("manifest: /etc/kubernetes/manifests/etcd.yaml", "manifest: etcd.yaml", 16, "absolute"),
        ("hosts: all", "hosts: any", 18, "client number 1: hosts: input should be 'all'"),
        ("[root@10.0.0.31:2222, root@10.0.0.40]", "[a b]", 20, "client number 2: hosts.0: must be"),
        ("  - unit: kube-apiserver\n", "  - user: x\n", 19, "client number 2: user: extra inputs"),
        ("hosts: [root@10.0.0.31:2222, root@10.0.0.40]", "hosts: []", 20, "at least 1 item"),
        ("unit: kubelet.service, ", "", 18, "client number 1: needs either unit or manifest"),
        ("on: hosts", "on: host", 22, "tls.on: input should be 'here' or 'hosts'"),
        ("cacert: /etc/ca.pem", "cacert: ca.pem", 22, "tls: must be an absolute path"),
        ("port: 22", "port: 0", 23, "ssh.port: input should be greater"),
        ("become: sudo", "become: su", 23, "ssh.become: input should be 'sudo'"),
        ("ssh: {user", "ssh: {usr", 23, "ssh.usr: extra inputs"),
    ],
)
def test_a_complaint_about_hosts_names_its_line(old: str, new: str, line: int, said: str) -> None:
    """The kinds of a union are no fields: neither the line nor the field's name shows them."""
    assert old in ON_HOSTS
    with pytest.raises(ClusterFileError) as caught:
        parse_cluster(ON_HOSTS.replace(old, new, 1), "prod.yaml")
    assert f"prod.yaml:{line}: " in caught.value.message
    assert said in caught.value.message


def test_one_unit_runs_one_member() -> None:
    """Two members of one host with one unit are a mistake, on two hosts they are not."""
    other = ON_HOSTS.replace("kind: static-pod", "kind: systemd").replace(
        "manifest: /etc/kubernetes/manifests/etcd.yaml", "unit: etcd.service", 1
    )
    assert len(parse_cluster(other, "f").members) == 2
    same = other.replace('"[fd00::32]"\n', "root@10.0.0.31:2222\n", 1)
    with pytest.raises(ClusterFileError, match="same data_dir"):
        parse_cluster(same, "f")
    with pytest.raises(ClusterFileError, match=r"same service: etcd\.service"):
        parse_cluster(same.replace("data_dir: /var/lib/etcd", "data_dir: /srv", 1), "f")


@pytest.mark.parametrize("name", ["no", "on", "y", "trueish", "Off"])
def test_words_that_are_no_truth_values(name: str) -> None:
    """A member may be called what older YAML took for true or false."""
    assert parse_cluster(GOOD.replace("etcd1", name), "f").members[0].name == name


def test_truth_values_are_no_names() -> None:
    """True and false are what they are."""
    with pytest.raises(ClusterFileError, match="name: input should be a valid string"):
        parse_cluster(GOOD.replace("etcd1", "true"), "f")


def test_whose_client_urls_are_reached_through_their_hosts() -> None:
    """Loopback means another thing on every host: there it may be the same, and never is ours."""
    loopback = "https://127.0.0.1:2379"
    text = ON_HOSTS.replace("https://10.0.0.31:2379", loopback)
    one = parse_cluster(text, "f")
    assert [one.through_host(member) for member in one.members] == [True, False]
    both = parse_cluster(text.replace("https://10.0.0.32:2379", loopback), "f")
    assert all(both.through_host(member) for member in both.members)
    asked = parse_cluster(ON_HOSTS.replace("ssh: {", "ssh: {forward: true, "), "f")
    assert all(asked.through_host(member) for member in asked.members)
    here = parse_cluster(GOOD, "f")
    assert not any(here.through_host(member) for member in here.members)


@pytest.mark.parametrize("field", ["name", "peer_url", "client_url", "data_dir"])
def test_two_members_are_not_the_same(field: str) -> None:
    """Two members that share a name, a URL or a directory are one mistake."""
    values = {"name": ("etcd2", "etcd1"), "data_dir": ("/var/lib/etcd2", "/var/lib/etcd")}
    old, new = values.get(field, ("10.0.0.32:2380", "10.0.0.31:2380"))
    if field == "client_url":
        old, new = "10.0.0.32:2379", "10.0.0.31:2379"
    with pytest.raises(ClusterFileError, match=f"two members have the same {field}"):
        parse_cluster(GOOD.replace(old, new), "f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f:1: the file is not a mapping"),
        ("- a\n- b\n", "f:1: the file is not a mapping"),
        ("cluster: prod\nmembers: [\n", "f:3: this is not YAML"),
        ("cluster: prod\n\tmembers: []\n", "f:2: this is not YAML"),
        ("cluster: prod\nmembers: []\n", "f:2: members: tuple should have at least 1 item"),
        ("a: &a [*a]\n", "f:1: "),
        ("\0", "f: this is not YAML"),
    ],
)
def test_what_is_no_cluster_file(text: str, said: str) -> None:
    """Anything else is refused in one line, too."""
    with pytest.raises(ClusterFileError) as caught:
        parse_cluster(text, "f")
    assert caught.value.message.startswith(said)


@given(st.text(max_size=200))
def test_any_text_is_a_cluster_or_an_error_of_ours(text: str) -> None:
    """No text makes anything else than a ClusterFileError."""
    with pytest.raises(ClusterFileError):
        parse_cluster(text, "f")


def test_a_missing_file(tmp_path: Path) -> None:
    """The hint says how to name one, and how to get one."""
    with pytest.raises(ClusterFileError, match="there is no cluster file") as caught:
        load_cluster_file(str(tmp_path / "none.yaml"))
    assert "requorum lab up" in str(caught.value.hint)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are an error, not a traceback."""
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xff\xfe\x00cluster")
    with pytest.raises(ClusterFileError, match="cannot read"):
        load_cluster_file(str(path))


def test_files_of_a_machine() -> None:
    """A path alone is copied as it is; `adapt` says that names and addresses change."""
    text = f"{GOOD}files:\n  - path: /etc/a/\n  - {{path: /etc/b, adapt: true}}\n"
    files = parse_cluster(text, "f").files
    assert [(file.path, file.adapt) for file in files] == [("/etc/a", False), ("/etc/b", True)]
