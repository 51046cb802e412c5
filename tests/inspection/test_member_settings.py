"""What members run with, as kubespray, Debian, kubeadm and configuration files set them up."""

from collections.abc import Mapping

import pytest
from manifests import KUBEADM

from requorum.domain.member_settings import Means, Medium, MemberSettings, TlsFiles
from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.static_pod import parse_static_pod
from requorum.formats.systemd.service_unit import parse_service
from requorum.formats.systemd.specifiers import HostWords, specifiers
from requorum.formats.text_file import TextFile
from requorum.inspection.member_settings import Command, config_file_of, member_settings
from requorum.inspection.pod_command import pod_command
from requorum.inspection.service_command import service_command

KUBESPRAY_UNIT = """\
[Unit]
Description=etcd
After=network.target

[Service]
Type=notify
User=root
EnvironmentFile=/etc/etcd.env
ExecStart=/usr/local/bin/etcd
NotifyAccess=all
Restart=always
RestartSec=10s
LimitNOFILE=40000

[Install]
WantedBy=multi-user.target
"""
KUBESPRAY_ENV = """\
# Environment file for etcd 3.5.16
ETCD_DATA_DIR=/var/lib/etcd
ETCD_ADVERTISE_CLIENT_URLS=https://10.0.0.31:2379
ETCD_INITIAL_ADVERTISE_PEER_URLS=https://10.0.0.31:2380
ETCD_INITIAL_CLUSTER_STATE=existing
ETCD_METRICS=basic
ETCD_LISTEN_CLIENT_URLS=https://10.0.0.31:2379,https://127.0.0.1:2379
ETCD_ELECTION_TIMEOUT=5000
ETCD_HEARTBEAT_INTERVAL=250
ETCD_INITIAL_CLUSTER_TOKEN=k8s_etcd
ETCD_LISTEN_PEER_URLS=https://10.0.0.31:2380
ETCD_NAME=etcd1
ETCD_PROXY=off
ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380
ETCD_AUTO_COMPACTION_RETENTION=8
ETCD_SNAPSHOT_COUNT=100000
ETCD_QUOTA_BACKEND_BYTES=2147483648

# TLS settings
ETCD_TRUSTED_CA_FILE=/etc/ssl/etcd/ssl/ca.pem
ETCD_CERT_FILE=/etc/ssl/etcd/ssl/member-node1.pem
ETCD_KEY_FILE=/etc/ssl/etcd/ssl/member-node1-key.pem
ETCD_CLIENT_CERT_AUTH=true

ETCD_PEER_TRUSTED_CA_FILE=/etc/ssl/etcd/ssl/ca.pem
ETCD_PEER_CERT_FILE=/etc/ssl/etcd/ssl/member-node1.pem
ETCD_PEER_KEY_FILE=/etc/ssl/etcd/ssl/member-node1-key.pem
ETCD_PEER_CLIENT_CERT_AUTH=True

# CLI settings
ETCDCTL_ENDPOINTS=https://127.0.0.1:2379
"""
DEBIAN_UNIT = """\
[Service]
Environment=DAEMON_ARGS=
Environment=ETCD_NAME=%H
Environment=ETCD_DATA_DIR=/var/lib/etcd/default
EnvironmentFile=-/etc/default/%p
Type=notify
User=etcd
PermissionsStartOnly=true
#ExecStart=/bin/sh -c "GOMAXPROCS=$(nproc) /usr/bin/etcd $DAEMON_ARGS"
ExecStart=/usr/bin/etcd $DAEMON_ARGS
Restart=on-abnormal
"""
HOST = HostWords(hostname="node1")
PEERS = "--listen-peer-urls"
TWO_PEERS = ("http://a:1", "http://b:1")


def command(unit: str, files: Mapping[str, str] | None = None, drop_in: str = "") -> Command:
    """Return what systemd runs."""
    texts = [TextFile("/u/etcd.service", unit), TextFile("/u/etcd.service.d/a.conf", drop_in)]
    service = parse_service(texts, specifiers("etcd.service", HOST))
    environment = [TextFile(path, text) for path, text in (files or {}).items()]
    return service_command(service, environment, systemd_version=252)


def of_flags(flags: str, files: Mapping[str, str] | None = None) -> MemberSettings:
    """Return what a unit with these flags runs with."""
    unit = f"[Service]\nExecStart=/usr/bin/etcd --data-dir=/d {flags}\n"
    return member_settings(command(unit, files), None)


def test_kubespray() -> None:
    """Everything is in the environment file."""
    started = command(KUBESPRAY_UNIT, {"/etc/etcd.env": KUBESPRAY_ENV})
    found = member_settings(started, None)
    assert (found.name, found.data_dir, found.wal_dir) == ("etcd1", "/var/lib/etcd", None)
    assert found.listen_client_urls == ("https://10.0.0.31:2379", "https://127.0.0.1:2379")
    assert found.advertise_peer_urls == ("https://10.0.0.31:2380",)
    assert found.initial_cluster == "etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380"
    assert (found.initial_cluster_state, found.initial_cluster_token) == ("existing", "k8s_etcd")
    assert found.peer_tls == found.client_tls
    assert found.peer_tls == TlsFiles(
        cert="/etc/ssl/etcd/ssl/member-node1.pem",
        key="/etc/ssl/etcd/ssl/member-node1-key.pem",
        trusted_ca="/etc/ssl/etcd/ssl/ca.pem",
        client_cert_auth=True,
        auto=False,
    )
    assert (found.quota_backend_bytes, found.snapshot_count) == (2147483648, 100000)
    assert (found.auto_compaction_mode, found.auto_compaction_retention) == ("periodic", "8")
    assert (found.binary, found.user, found.group) == ("/usr/local/bin/etcd", "root", "")
    place = found.place("initial-cluster")
    assert place is not None
    assert (place.medium, place.means) == (Medium.ENVIRONMENT_FILE, Means.VARIABLE)
    assert str(place) == "/etc/etcd.env:14"
    assert (found.ignored, found.shadowed, found.config_file) == ((), (), None)


def test_debian() -> None:
    """The unit's own variables, a file that may be missing, and flags out of a variable."""
    found = member_settings(command(DEBIAN_UNIT), None)
    assert (found.name, found.data_dir, found.user) == ("node1", "/var/lib/etcd/default", "etcd")
    place = found.place("name")
    assert (str(place), place and place.medium) == ("/u/etcd.service:3", Medium.UNIT)
    default = 'ETCD_NAME="a"\nDAEMON_ARGS=--initial-cluster a=http://h:2380 --wal-dir "/w x"\n'
    found = member_settings(command(DEBIAN_UNIT, {"/etc/default/etcd": default}), None)
    assert (found.name, found.wal_dir) == ("a", "/w x")
    assert found.initial_cluster == "a=http://h:2380"
    place = found.place("initial-cluster")
    assert place is not None
    assert (place.medium, place.means) == (Medium.ENVIRONMENT_FILE, Means.FLAG)
    assert (str(place), place.variable) == ("/etc/default/etcd:2", "DAEMON_ARGS")


def test_kubeadm() -> None:
    """Flags of a manifest; paths are those of the host."""
    found = member_settings(pod_command(parse_static_pod(KUBEADM), "/m/etcd.yaml"), None)
    assert (found.name, found.data_dir, found.version) == ("cp1", "/srv/etcd", "3.5.16")
    assert found.client_tls.cert == "/etc/kubernetes/pki/etcd/server.crt"
    assert found.client_tls.client_cert_auth
    assert str(found.place("name")) == "/m/etcd.yaml:26"
    assert (found.initial_cluster_state, found.place("initial-cluster-state")) == ("new", None)


def test_a_path_that_is_in_the_container_only() -> None:
    """What the host does not have cannot be read there."""
    text = KUBEADM.replace("--data-dir=/var/lib/etcd", "--data-dir=/data")
    with pytest.raises(DamagedInput, match=r"/m:18: data-dir /data is inside of the container"):
        member_settings(pod_command(parse_static_pod(text), "/m"), None)


def test_a_configuration_file() -> None:
    """It makes etcd ignore flags and variables, which are told."""
    unit = "[Service]\nEnvironment=ETCD_NAME=b ETCD_CONFIG_FILE=/no\n"
    unit += "ExecStart=/usr/bin/etcd --config-file=/etc/etcd.yml --data-dir=/x\n"
    started = command(unit)
    assert config_file_of(started) == "/etc/etcd.yml"
    found = member_settings(started, "name: a\ndata-dir: /d\n")
    assert (found.name, found.data_dir, found.config_file) == ("a", "/d", "/etc/etcd.yml")
    assert str(found.place("name")) == "/etc/etcd.yml:1"
    assert sorted((s.flag, s.value) for s in found.ignored) == [("data-dir", "/x"), ("name", "b")]


def test_a_configuration_file_that_a_variable_names() -> None:
    """Only where no flag names one; an empty variable names none."""
    unit = "[Service]\nEnvironment=ETCD_CONFIG_FILE=/etc/etcd.yml\nExecStart=/usr/bin/etcd\n"
    assert config_file_of(command(unit)) == "/etc/etcd.yml"
    assert config_file_of(command(unit.replace("/etc/etcd.yml", ""))) is None
    with pytest.raises(DamagedInput, match=r"/etc/etcd.yml: line 1: "):
        member_settings(command(unit), "- a\n")


def test_a_flag_counts_before_its_variable() -> None:
    """Etcd does not start with both, and we say which those are."""
    unit = "[Service]\nEnvironment=ETCD_NAME=b ETCD_DATA_DIR= ETCD_QUOTA_BACKEND_BYTES=\n"
    unit += "ExecStart=/usr/bin/etcd --name=a --data-dir=/d\n"
    found = member_settings(command(unit), None)
    assert (found.name, found.data_dir, found.quota_backend_bytes) == ("a", "/d", 0)
    assert {s.flag for s in found.shadowed} == {"name", "data-dir"}


def test_defaults() -> None:
    """Etcd's own."""
    unit = "[Service]\nWorkingDirectory=/w\nExecStart=/usr/bin/etcd\n"
    found = member_settings(command(unit), None)
    assert (found.name, found.data_dir) == ("default", "/w/default.etcd")
    assert found.listen_peer_urls == ("http://localhost:2380",)
    assert found.advertise_client_urls == ("http://localhost:2379",)
    assert found.initial_cluster == "default=http://localhost:2380"
    assert (found.initial_cluster_state, found.initial_cluster_token) == ("new", "etcd-cluster")
    assert (found.snapshot_count, found.auto_compaction_retention) == (None, "0")
    assert not found.force_new_cluster


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        ("--name a --name=b", "name", "b"),
        ("--initial-advertise-peer-urls=http://h:1", "initial_cluster", "default=http://h:1"),
        ("--discovery-srv=example.org", "initial_cluster", ""),
        ("--force-new-cluster", "force_new_cluster", True),
        ("--force-new-cluster=F", "force_new_cluster", False),
        ("--wal-dir=w", "wal_dir", "/w"),
        ("--wal-dir=/a/../w/", "wal_dir", "/w"),
        (f"{PEERS}=http://a:1,http://b:1 {PEERS}=http://b:1", "listen_peer_urls", TWO_PEERS),
        (f"{PEERS}=http://b:1 {PEERS}=http://a:1,http://b:1", "listen_peer_urls", TWO_PEERS),
        (f"{PEERS}=http://a:1 {PEERS}=http://b:1", "listen_peer_urls", ("http://b:1",)),
        (
            "--listen-client-urls=unix://localhost:m0",
            "listen_client_urls",
            ("unix://localhost:m0",),
        ),
    ],
)
def test_flags(flags: str, field: str, value: object) -> None:
    """Repeated flags, booleans, relative paths, and what follows from other flags."""
    assert getattr(of_flags(flags), field) == value


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--quota-backend-bytes=2G", "/u/etcd.service:2: quota-backend-bytes: `2G` is no number"),
        ("--client-cert-auth=on", "client-cert-auth: `on` is neither true nor false"),
        ("--listen-peer-urls=10.0.0.1:2380", "listen-peer-urls: `10.0.0.1:2380` is no URL"),
        ("--listen-peer-urls=http://[", "is no URL"),
        ("a", "`a` is no flag"),
    ],
)
def test_what_etcd_would_not_start_with(flags: str, said: str) -> None:
    """The error names the file, the line and the flag."""
    with pytest.raises(DamagedInput) as caught:
        of_flags(flags)
    assert said in caught.value.message


def test_a_unit_that_runs_something_else() -> None:
    """Settings of a shell or a container engine are not guessed."""
    with pytest.raises(DamagedInput, match="which is not etcd") as caught:
        command("[Service]\nExecStart=/bin/sh -c etcd\n")
    assert "/u/etcd.service:2" in caught.value.message
    assert caught.value.hint


def test_a_variable_that_is_unset() -> None:
    """UnsetEnvironment= comes last, with a value only where that is the value."""
    text = "[Service]\nEnvironment=ETCD_NAME=a ETCD_WAL_DIR=/w\nExecStart=/bin/etcd\n"
    unset = "[Service]\nUnsetEnvironment=ETCD_NAME ETCD_WAL_DIR=/x\n"
    found = member_settings(command(text, drop_in=unset), None)
    assert (found.name, found.wal_dir) == ("default", "/w")


def test_an_environment_file_that_is_damaged() -> None:
    """The error names the file."""
    with pytest.raises(DamagedInput, match=r"/etc/etcd.env: it holds a NUL"):
        command(KUBESPRAY_UNIT, {"/etc/etcd.env": "\0"})
