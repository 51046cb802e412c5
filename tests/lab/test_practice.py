"""The practice cluster, with real etcd."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
import yaml

from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect as connect_etcd
from requorum.errors import StepFailed, Unreachable, UsageError
from requorum.lab import practice
from requorum.lab.layout import Lab, TlsFiles, read_lab
from requorum.lab.loopback import free_ports
from requorum.lab.member_flags import member_argv
from requorum.ports.etcd import Etcd, PutOp

Connect = Callable[[str], Etcd]
StartPractice = Callable[..., Lab]


def test_free_ports_differ_and_lie_below_the_ephemeral_range() -> None:
    """A client that retries a member which is down must not be given that member's port."""
    ports = free_ports(10)
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert len(set(ports)) == 10
    assert all(10_000 <= port < first for port in ports)


def test_a_directory_without_a_cluster_is_a_usage_error(tmp_path: Path) -> None:
    """It says what to do; a malformed lab.json is named."""
    with pytest.raises(UsageError, match="no practice cluster"):
        practice.status(tmp_path)
    (tmp_path / "lab.json").write_text('{"directory": 3}')
    with pytest.raises(UsageError, match=r"lab\.json is malformed"):
        practice.status(tmp_path)


@pytest.mark.etcd
async def test_members_live_die_and_come_back(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """Up, crash, start, stop, down; a pid is only ever ours."""
    lab = practice_cluster("3.5")
    await practice.wait_ready(lab, connect, deadline=30)
    states = practice.status(lab.directory)
    assert [state.name for state in states] == ["etcd1", "etcd2", "etcd3"]
    assert all(state.pid and state.has_data for state in states)

    assert practice.crash(lab.directory, ["etcd1", "etcd2"]) == ("etcd1", "etcd2")
    assert [bool(state.pid) for state in practice.status(lab.directory)] == [False, False, True]
    with pytest.raises(Unreachable, match=r"etcd\d is not ready"):
        await practice.wait_ready(lab, connect, deadline=0.2)

    practice.start_member(lab.directory, "etcd1")
    pid = practice.member_pid(lab, "etcd1")
    practice.start_member(lab.directory, "etcd1")
    assert practice.member_pid(lab, "etcd1") == pid
    practice.stop_member(lab.directory, "etcd1")
    assert not practice.member_running(lab.directory, "etcd1")

    practice.down(lab.directory)
    assert not any(state.pid for state in practice.status(lab.directory))
    assert all(state.has_data for state in practice.status(lab.directory))
    with pytest.raises(UsageError, match="has no member"):
        practice.start_member(lab.directory, "etcd9")
    with pytest.raises(UsageError, match="already"):
        practice.up(lab.directory, bin_dir=lab.bin_dir)


@pytest.mark.etcd
def test_a_member_whose_pid_file_is_lost_is_not_started_twice(
    practice_cluster: StartPractice,
) -> None:
    """Whoever started it may have been killed before the file was written."""
    lab = practice_cluster("3.5", members=1)
    pid = practice.member_pid(lab, "etcd1")
    lab.pid_file("etcd1").unlink()
    practice.start_member(lab.directory, "etcd1")
    assert practice.member_pid(lab, "etcd1") == pid
    assert practice.crash(lab.directory) == ("etcd1",)


@pytest.mark.etcd
def test_members_survive_the_process_that_started_them(
    tmp_path: Path, etcd_binaries: Callable[[str], Path]
) -> None:
    """`lab up` ends; its members do not."""
    code = (
        "import sys; from pathlib import Path; from requorum.lab.practice import up;"
        "up(Path(sys.argv[1]), bin_dir=Path(sys.argv[2]), members=1)"
    )
    directory = tmp_path / "lab"
    argv = [sys.executable, "-c", code, str(directory), str(etcd_binaries("3.5"))]
    subprocess.run(argv, check=True, start_new_session=True, env={**os.environ, "ETCD_NAME": "no"})
    try:
        assert practice.member_running(directory, "etcd1")
        assert member_argv(read_lab(directory), "etcd1")[1] == "--name=etcd1"
    finally:
        assert practice.crash(directory) == ("etcd1",)


@pytest.mark.etcd
def test_a_member_that_ends_at_once_is_reported_with_its_own_words(
    practice_cluster: StartPractice,
) -> None:
    """A wrong flag, and etcd's complaint about it."""
    with pytest.raises(StepFailed, match="no-such-flag"):
        practice_cluster("3.5", extra_flags=("--no-such-flag",))


@pytest.mark.etcd
def test_the_cluster_file_describes_the_cluster(practice_cluster: StartPractice) -> None:
    """Every other command applies to it."""
    lab = practice_cluster("3.5", members=2)
    described = yaml.safe_load(lab.cluster_file.read_text())
    assert described["etcd"] == {"bin_dir": str(lab.bin_dir)}
    member = described["members"][1]
    assert (member["name"], member["host"]) == ("etcd2", "local")
    assert member["peer_url"] == lab.peer_url("etcd2")
    assert member["data_dir"] == str(lab.data_dir("etcd2"))
    here = ["lab", "member", "stop", "--dir", str(lab.directory), "etcd2"]
    assert member["service"]["kind"] == "command"
    assert member["service"]["stop"] == [sys.executable, "-m", "requorum", *here]
    assert json.loads((lab.directory / "lab.json").read_text())["etcd_version"].startswith("3.5.")


@pytest.mark.etcd
async def test_a_cluster_with_tls_demands_certificates(
    tmp_path: Path, practice_cluster: StartPractice
) -> None:
    """Servers, peers and clients use the same files; the cluster file names them."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    tls = TlsFiles(cacert=tmp_path / "ca.pem", cert=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    authority.cert_pem.write_to_path(tls.cacert)
    issued.private_key_pem.write_to_path(tls.key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tls.cert, append=True)
    material = TlsMaterial(*(path.read_bytes() for path in (tls.cacert, tls.cert, tls.key)))

    def connect_tls(endpoint: str) -> Etcd:
        return connect_etcd(endpoint, tls=material, credentials=None)

    lab = practice_cluster("3.5", tls=tls)
    await practice.wait_ready(lab, connect_tls, deadline=30)
    etcd = connect_tls(lab.client_urls[0])
    assert (await etcd.put(PutOp(b"a", b"b"), deadline=5)).revision == 2
    await etcd.close()
    assert yaml.safe_load(lab.cluster_file.read_text())["tls"]["cacert"] == str(tls.cacert)
