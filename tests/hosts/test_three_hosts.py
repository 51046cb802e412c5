"""Three real hosts are what they are described as: systemd, sshd, etcd behind TLS."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Callable

import pytest
from over_ssh import ssh
from real_hosts import NewHostLab, Took

from requorum.app.practice.host_lab import connect_to
from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.errors import Unreachable
from requorum.lab.hosts.description import EtcdStyle, HostLab, LabHost, Wanted, read_host_lab
from requorum.lab.hosts.readiness import look_at
from requorum.ports.etcd import PutOp

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

DEADLINE = 10.0


def test_three_hosts_are_up(host_lab: HostLab) -> None:
    """In systemd's words: "running" on each, no unit failed; sshd answers, the member serves."""
    states = asyncio.run(look_at(host_lab, connect_to(host_lab)))
    assert [(s.name, s.system, s.failed_units) for s in states] == [
        (name, "running", ()) for name in ("node1", "node2", "node3")
    ]
    assert all(state.up and state.sshd and state.etcd and state.plugged for state in states)


def test_they_are_up_soon(host_lab: HostLab, seconds_to_serve: Took) -> None:
    """From nothing but the base image to three hosts that serve takes less than 30 s."""
    assert seconds_to_serve[host_lab.directory] < 30


def test_each_is_a_host_of_its_own(host_lab: HostLab) -> None:
    """They have names, machine ids, network cards and process trees of their own."""
    for host in host_lab.hosts:
        assert ssh(host_lab, host.name, "hostname").stdout.strip() == host.name
        assert host.address in ssh(host_lab, host.name, "ip", "-4", "address").stdout
        assert ssh(host_lab, host.name, "cat", "/proc/1/comm").stdout.strip() == "systemd"
    ids = {ssh(host_lab, name, "cat", "/etc/machine-id").stdout for name in host_lab.names}
    assert len(ids) == 3
    trees = [ssh(host_lab, name, "pgrep", "-c", "-x", "etcd").stdout for name in host_lab.names]
    assert trees == ["1\n"] * 3


def test_ops_may_become_root_and_is_not(host_lab: HostLab) -> None:
    """The user `ops` has the same key, no right to read etcd's keys, and sudo without password."""
    host = host_lab.hosts[0]
    key = host.certificates.key
    assert ssh(host_lab, host.name, "id", "-un", user="ops").stdout == "ops\n"
    refused = ssh(host_lab, host.name, "cat", key, user="ops", check=False)
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr
    assert "PRIVATE KEY" in ssh(host_lab, host.name, "sudo", "-n", "cat", key, user="ops").stdout


def test_a_host_with_another_key_is_not_trusted(host_lab: HostLab) -> None:
    """Each host's key is its own, and `known_hosts` takes no host for another."""
    lines = host_lab.hosts[0].known_hosts.read_text(encoding="ascii").splitlines()
    assert len({line.split()[2] for line in lines}) == 3
    first, second = host_lab.hosts[:2]
    command = ["ssh", "-F", str(host_lab.ssh_config), "-o", f"HostName={second.address}"]
    taken_for = ["-o", f"HostKeyAlias={first.address}", first.name, "true"]
    done = subprocess.run(
        [*command, *taken_for], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_the_description_is_enough_to_reach_them(host_lab: HostLab) -> None:
    """`lab.json` alone leads to every host and its certificates; it is plain JSON."""
    described = json.loads((host_lab.directory / "lab.json").read_text(encoding="utf-8"))
    assert read_host_lab(host_lab.directory) == host_lab
    for host in described["hosts"]:
        place = f"UserKnownHostsFile={host['known_hosts']}"
        options = ["-F", "/dev/null", "-o", place, "-o", "BatchMode=yes", "-i", host["key_file"]]
        target = ["-p", str(host["ssh_port"]), f"ops@{host['address']}"]
        listed = ["sudo", "stat", "-c", "%a", *host["certificates"].values()]
        done = subprocess.run(
            ["ssh", *options, *target, *listed],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.stdout.split() == ["600"] * 5, done.stderr


async def _put_and_read(lab: HostLab, writer: LabHost, key: bytes) -> list[bytes]:
    etcds = {host.name: connect_to(lab)(host.client_url) for host in lab.hosts}
    try:
        await etcds[writer.name].put(PutOp(key, writer.name.encode()), deadline=DEADLINE)
        answers = [await etcd.get(key, deadline=DEADLINE) for etcd in etcds.values()]
    finally:
        for etcd in etcds.values():
            await etcd.close()
    return [answer.kvs[0].value for answer in answers]


def test_etcd_serves_through_every_member(host_lab: HostLab) -> None:
    """What is put through one member is read through each, with the lab's client certificate."""
    for host in host_lab.hosts:
        read = asyncio.run(_put_and_read(host_lab, host, f"/probe/{host.name}".encode()))
        assert read == [host.name.encode()] * 3


def test_etcd_wants_a_client_certificate(host_lab: HostLab) -> None:
    """A client that has the CA but no certificate of its own is refused by each member."""

    async def ask(url: str) -> None:
        cacert = host_lab.client.cacert.read_bytes()
        etcd = connect(url, tls=TlsMaterial(cacert, None, None), credentials=None)
        try:
            await etcd.get(b"/probe", deadline=DEADLINE)
        finally:
            await etcd.close()

    for host in host_lab.hosts:
        with pytest.raises(Unreachable):
            asyncio.run(ask(host.client_url))


STYLES = [
    ("3.4", EtcdStyle.ENV_FILE, "root", "/etc/etcd.env"),
    ("3.5", EtcdStyle.FLAGS, "etcd", None),
    ("3.6", EtcdStyle.CONFIG_FILE, "etcd", "/etc/etcd/etcd.yaml"),
]


@pytest.mark.parametrize(("version", "style", "user", "file"), STYLES, ids=str)
def test_etcd_runs_as_it_was_asked_to(
    new_host_lab: NewHostLab, version: str, style: EtcdStyle, user: str, file: str | None
) -> None:
    """Each version serves in each style: unit, command line, file and user are what was wanted."""
    settings = {"snapshot-count": "5000", "heartbeat-interval": "200", "election-timeout": "2000"}
    lab = new_host_lab(
        Wanted(etcd=version, style=style, etcd_user=user, ssh_port=2222, etcd_settings=settings)
    )
    with socket.create_connection((lab.hosts[0].address, 2222), timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"
    for host in lab.hosts:
        shown = ssh(lab, host.name, "etcd", "--version").stdout
        assert f"etcd Version: {host.etcd_version}" in shown
        assert host.etcd_version.startswith(f"{version}.")
        running = ssh(lab, host.name, "ps", "-C", "etcd", "-o", "user=,args=").stdout.split()
        assert running[:2] == [user, "/usr/local/bin/etcd"]
        assert ("--snapshot-count=5000" in running) == (style is EtcdStyle.FLAGS)
        if file is not None:
            assert "5000" in ssh(lab, host.name, "cat", file).stdout
        owner = ssh(lab, host.name, "stat", "-c", "%U %a", host.data_dir).stdout
        assert owner.split() == [user, "700"]
    read = asyncio.run(_put_and_read(lab, lab.hosts[0], b"/probe"))
    assert read == [b"node1"] * 3


def test_two_labs_do_not_meet(
    host_lab: HostLab, new_host_lab: NewHostLab, etcd_binaries: Callable[[str], object]
) -> None:
    """A second lab has another subnet, other names and its own cluster; both serve."""
    other = new_host_lab(Wanted(hosts=1))
    assert {host.address for host in other.hosts}.isdisjoint(h.address for h in host_lab.hosts)
    states = asyncio.run(look_at(host_lab, connect_to(host_lab)))
    assert all(state.up for state in states)
    assert ssh(other, "node1", "cat", "/etc/machine-id").stdout not in {
        ssh(host_lab, name, "cat", "/etc/machine-id").stdout for name in host_lab.names
    }
