"""The local host as the floors above see it."""

from pathlib import Path

import pytest

from requorum.clients.hosts.local import LocalHost
from requorum.errors import DeadlineExceeded, Locked, Refused
from requorum.ports.host import Host


@pytest.fixture
def host() -> Host:
    """Return this machine, as its protocol."""
    return LocalHost("here")


async def test_commands(host: Host, tmp_path: Path) -> None:
    """Commands run, with a deadline, in front and in the background."""
    assert host.name == "here"
    assert (await host.run(("echo", "a b"), deadline=10)).stdout == "a b\n"
    with pytest.raises(DeadlineExceeded):
        await host.run(("sleep", "60"), deadline=0.2)
    process = await host.spawn(("sleep", "60"), log=f"{tmp_path}/log")
    assert await process.returncode() is None
    await process.kill()
    assert await process.returncode() == -9


async def test_files(host: Host, tmp_path: Path) -> None:
    """The life of a member's files, by the calls of the protocol."""
    folder = f"{tmp_path}/member/snap"
    await host.make_dirs(folder)
    await host.write_new(f"{folder}/db", b"0123456789")
    await host.write_at(f"{folder}/db", 4, b"__")
    await host.sync_tree(str(tmp_path))
    found = await host.stat(f"{folder}/db")
    assert found is not None
    assert (found.kind, found.size, found.mode) == ("file", 10, 0o600)
    await host.chown_tree(str(tmp_path), found.uid, found.gid)
    async with host.open(f"{folder}/db") as source:
        view = source.read(3, 4)
    assert bytes(view) == b"3__6"
    assert not await host.in_use(f"{folder}/db")
    await host.rename(f"{tmp_path}/member", f"{tmp_path}/aside")
    assert await host.list_dir(str(tmp_path)) == ("aside",)
    assert await host.list_dir(folder) is None
    assert await host.stat(folder) is None
    assert (await host.disk(folder)).free > 0
    with pytest.raises(Refused):
        await host.rename(f"{tmp_path}/aside", str(tmp_path))


async def test_lock(host: Host, tmp_path: Path) -> None:
    """Two runs do not hold one lock."""
    async with host.lock(f"{tmp_path}/lock", holder="first"):
        with pytest.raises(Locked, match="first"):
            async with host.lock(f"{tmp_path}/lock", holder="second"):
                pytest.fail("both hold the lock")
