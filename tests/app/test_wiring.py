"""What the cluster file names is wired to what acts on it, before anything is asked."""

import pytest

from requorum.app.cluster_file import parse_cluster
from requorum.app.wiring import open_reach, tls_of
from requorum.clients.hosts.command_service import CommandServiceControl
from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.static_pod_service import StaticPodControl
from requorum.clients.hosts.systemd_service import SystemdServiceControl
from requorum.domain.cluster import Tls
from requorum.errors import Unreachable

MEMBER = """\
cluster: c
members:
  - name: a
    host: HOST
    peer_url: http://127.0.0.1:2380
    client_url: http://127.0.0.1:2379
    data_dir: /d
    service: SERVICE
"""
COMMANDS = "{kind: command, start: [a], stop: [b], status: [c]}"


@pytest.mark.parametrize(
    ("service", "control"),
    [
        (COMMANDS, CommandServiceControl),
        ("{kind: systemd, unit: etcd}", SystemdServiceControl),
        ("{kind: static-pod, manifest: /m}", StaticPodControl),
    ],
)
async def test_every_kind_of_service_has_its_control(service: str, control: type[object]) -> None:
    """A member's service is started and stopped in its own way."""
    text = MEMBER.replace("HOST", "local").replace("SERVICE", service)
    async with open_reach(parse_cluster(text, "f"), None) as reach:
        assert type(reach.services["a"]) is control


async def test_clients_are_wired_on_each_of_their_hosts() -> None:
    """What is stopped first and started last is reached on every host that it runs on."""
    more = "clients: [{unit: kubelet.service, hosts: all}]\n"
    text = MEMBER.replace("HOST", "local").replace("SERVICE", COMMANDS) + more
    async with open_reach(parse_cluster(text, "f"), None) as reach:
        assert [type(c) for c in reach.clients.values()] == [SystemdServiceControl]


async def test_certificates_on_hosts_that_no_host_has() -> None:
    """Each host is asked, and what each said is told."""
    with pytest.raises(Unreachable, match=r"no file /nowhere/ca\.pem") as told:
        await tls_of(Tls(cacert="/nowhere/ca.pem", on="hosts"), [LocalHost()])
    assert "tls.on: here" in str(told.value.hint)


async def test_only_members_that_their_hosts_reach_are_forwarded() -> None:
    """On this machine loopback is the member's own; on a host it is that host's."""
    for host, forwarded in (("local", []), ("root@far", ["a"])):
        text = MEMBER.replace("HOST", host).replace("SERVICE", COMMANDS)
        async with open_reach(parse_cluster(text, "f"), None) as reach:
            assert list(reach.forwarded) == forwarded
