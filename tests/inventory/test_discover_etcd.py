"""The members that a live etcd lists, over TLS, with a leader and without, of every minor."""

import asyncio
from pathlib import Path

import pytest
from inventory_command import run
from lab_certificates import certificates

from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.lab.layout import Lab
from requorum.lab.practice import crash, wait_ready
from requorum.ports.etcd import Etcd

pytestmark = [pytest.mark.etcd]


async def _wait(lab: Lab, tls: TlsMaterial) -> None:
    def make(url: str) -> Etcd:
        return connect(url, tls=tls, credentials=None)

    await wait_ready(lab, make, deadline=60)


def test_a_live_endpoint(tmp_path: Path, practice_cluster: object, etcd_minor: str) -> None:
    """All members with their URLs and the cluster's ID; without a quorum the last one tells it."""
    tls = certificates(tmp_path)
    lab: Lab = practice_cluster(etcd_minor, tls=tls)  # type: ignore[operator]
    material = TlsMaterial(*(path.read_bytes() for path in (tls.cacert, tls.cert, tls.key)))
    asyncio.run(_wait(lab, material))
    words = (
        "--endpoints", f"https://127.0.0.1:1,{lab.client_url(lab.names[0])}", "--out", "-",
        "--cacert", str(tls.cacert), "--cert", str(tls.cert), "--key", str(tls.key),
    )  # fmt: skip  # one command line
    with_quorum = run(tmp_path, *words)
    assert with_quorum.returncode == 1, with_quorum.stderr  # nobody told the data directories
    for name in lab.names:
        assert f"name: {name}  # MemberList" in with_quorum.stdout
        assert f"client_url: {lab.client_url(name)}  #" in with_quorum.stdout
    assert with_quorum.stdout.count("# data_dir: /var/lib/etcd  # FILL IN") == 3
    assert f"cacert: {tls.cacert}" in with_quorum.stdout
    assert 'cluster_id: "' in with_quorum.stdout

    crash(lab.directory, lab.names[1:])
    alone = run(tmp_path, *words)
    assert (alone.returncode, sorted(alone.stdout)) == (1, sorted(with_quorum.stdout))
