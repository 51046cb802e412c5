"""A real etcd, as it is seen and used on a host."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from on_this_machine import Reach, alive
from running_etcd import RELEASES, RunningEtcd, StartEtcd, release_dir
from sshd import Sshd

from requorum.clients.etcd.client import connect
from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.ssh.host import SshHost
from requorum.errors import Unreachable
from requorum.facts.rank import read_rank
from requorum.facts.whole_dir import Place, read_whole_dir
from requorum.ports.etcd import Etcd, MemberStatus

pytestmark = pytest.mark.etcd


@pytest.fixture(params=RELEASES)
def etcd(request: pytest.FixtureRequest, start_etcd: StartEtcd) -> Iterator[RunningEtcd]:
    """Return an etcd of the test's own, with something in it."""
    release: str = request.param
    etcd = start_etcd(release)
    for number in range(20):
        etcd.etcdctl("put", f"key/{number}", "v" * 1000)
    yield etcd
    etcd.kill()


@pytest.fixture
def host(shared_sshd: Sshd, reach: Reach) -> SshHost:
    """Return a host."""
    return reach(shared_sshd)


async def test_its_locks_are_seen(etcd: RunningEtcd, host: SshHost) -> None:
    """A running etcd holds its db and its last WAL segment, a dead one neither."""
    wals = sorted((etcd.data_dir / "member/wal").glob("*.wal"))
    held = [str(etcd.data_dir / "member/snap/db"), str(wals[-1])]
    assert [await host.in_use(path) for path in held] == [True, True]
    etcd.etcdctl("put", "still", "alive")
    etcd.kill()
    assert [await host.in_use(path) for path in held] == [False, False]


async def test_the_same_is_found_as_on_this_machine(etcd: RunningEtcd, host: SshHost) -> None:
    """Its rank, and everything else in its directory."""
    etcd.kill()
    place = Place.of(str(etcd.data_dir), None)
    here = LocalHost()
    assert await read_rank(host, place) == await read_rank(here, place)
    far = await read_whole_dir(host, place, lambda _: None)
    near = await read_whole_dir(here, place, lambda _: None)
    assert far.directory == near.directory
    assert far.files == near.files
    assert far.disk.filesystem == near.disk.filesystem


@pytest.mark.parametrize("release", RELEASES[1:2])
async def test_one_that_we_start_there(host: SshHost, release: str, tmp_path: Path) -> None:
    """It is reached through a port of ours, and ends with us."""
    client_port, peer_port = await host.free_ports(2)
    url, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    argv = (
        f"{release_dir(release)}/etcd",
        *("--data-dir", f"{tmp_path}/data", "--name", "m1"),
        *("--listen-client-urls", url, "--advertise-client-urls", url),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"m1={peer}"),
    )
    process = await host.spawn(argv, log=f"{tmp_path}/log")
    try:
        near, port = await _forwarded(host, client_port)
        client = connect(f"http://{near}:{port}", tls=None, credentials=None)
        try:
            assert (await _status_when_up(client)).version == release
        finally:
            await client.close()
    finally:
        await process.kill()
    assert not alive(process.pid)
    with pytest.raises(Unreachable, match="does not lead to"):
        await host.forward("127.0.0.1", client_port)


async def _forwarded(host: SshHost, port: int) -> tuple[str, int]:
    async with asyncio.timeout(30):
        while True:
            try:
                return await host.forward("127.0.0.1", port)
            except Unreachable:
                await asyncio.sleep(0.1)


async def _status_when_up(client: Etcd) -> MemberStatus:
    async with asyncio.timeout(30):
        while True:
            try:
                return await client.status(deadline=5)
            except Unreachable:
                await asyncio.sleep(0.1)
