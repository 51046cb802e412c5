"""What the cluster file may say and nothing acts on yet is refused, each with its name."""

import pytest

from requorum.app.cluster_file import parse_cluster
from requorum.app.wiring import open_reach, tls_material
from requorum.domain.cluster import Tls
from requorum.errors import UsageError

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
    ("host", "service", "more", "said"),
    [
        ("local", "{kind: systemd, unit: etcd}", "", "member a: its service's kind: this release"),
        ("local", "{kind: static-pod, manifest: /m}", "", "only on `kind: command`"),
        ("local", COMMANDS, "clients: [{unit: kubelet, hosts: all}]\n", "clients: this release"),
    ],
)
async def test_what_is_not_acted_on_yet(host: str, service: str, more: str, said: str) -> None:
    """The refusal comes before anything is asked or changed."""
    text = MEMBER.replace("HOST", host).replace("SERVICE", service) + more
    with pytest.raises(UsageError, match=said):
        async with open_reach(parse_cluster(text, "f"), None):
            pass


async def test_what_is_acted_on() -> None:
    """A local member of commands has its way."""
    text = MEMBER.replace("HOST", "local").replace("SERVICE", COMMANDS)
    async with open_reach(parse_cluster(text, "f"), None) as reach:
        assert list(reach.services) == ["a"]


def test_certificates_on_hosts() -> None:
    """Paths of another host are not read here."""
    with pytest.raises(UsageError, match=r"tls\.on: hosts"):
        tls_material(Tls(cacert="/etc/ca.pem", on="hosts"))
