"""Random reads of a host's files, and what they cost."""

import asyncio
import os
from pathlib import Path

import pytest
from on_this_machine import Reach
from sshd import Sshd

from requorum.clients.hosts.ssh.host import SshHost
from requorum.clients.hosts.ssh.remote_source import RemoteSource
from requorum.errors import DamagedInput


@pytest.fixture
def host(shared_sshd: Sshd, reach: Reach) -> SshHost:
    """Return a host."""
    return reach(shared_sshd)


async def test_the_loops_thread_may_not_read(host: SshHost, tmp_path: Path) -> None:
    """It would wait for itself for ever: whoever does it is told so."""
    (tmp_path / "f").write_bytes(b"123")
    async with host.open(f"{tmp_path}/f") as source:
        with pytest.raises(RuntimeError, match="f of far is read in the event loop's thread"):
            source.read(0, 1)
        assert bytes(await asyncio.to_thread(source.read, 0, 1)) == b"1"


async def test_what_comes_over_the_network_is_counted(host: SshHost, tmp_path: Path) -> None:
    """Once, however often it is read."""
    (tmp_path / "f").write_bytes(os.urandom(1_000_000))
    async with host.open(f"{tmp_path}/f") as source:
        for _ in range(5):
            await asyncio.to_thread(source.read, 500_000, 10)
        assert 10 <= source.bytes_read <= 1 << 16
        await asyncio.to_thread(source.read, 0, 1_000_000)
        assert source.bytes_read <= 1_000_000 + (1 << 17)


async def test_many_threads(host: SshHost, tmp_path: Path) -> None:
    """Each is given its own bytes."""
    data = os.urandom(2_000_000)
    (tmp_path / "f").write_bytes(data)
    places = [number * 39_367 % 1_900_000 for number in range(100)]
    async with host.open(f"{tmp_path}/f") as source:
        found = await asyncio.gather(
            *(asyncio.to_thread(source.read, place, 5_000) for place in places)
        )
    assert [bytes(each) for each in found] == [data[place : place + 5_000] for place in places]


async def test_a_large_read(host: SshHost, tmp_path: Path) -> None:
    """More than one piece, and bytes in their order."""
    data = os.urandom(30_000_000)
    (tmp_path / "f").write_bytes(data)
    async with host.open(f"{tmp_path}/f") as source:
        assert bytes(await asyncio.to_thread(source.read, 1, len(data) - 1)) == data[1:]


async def test_a_disk_that_cannot_be_read(host: SshHost) -> None:
    """An I/O error is damage at a place: a server's own memory at 0 gives one."""
    client = await host._sftp.client()
    file = await client.open("/proc/self/mem", "rb")
    source = RemoteSource(host._sftp, "far", "/proc/self/mem", file, 10)
    with pytest.raises(DamagedInput, match="/proc/self/mem, byte 0: it cannot be read"):
        await asyncio.to_thread(source.read, 0, 10)
    await file.close()
