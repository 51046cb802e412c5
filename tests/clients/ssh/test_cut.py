"""Connections that end, or fall silent, in the middle of something."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from eventually import eventually
from on_this_machine import Reach, alive, digest_of, pid_in
from sshd import Sshd

from requorum.clients.hosts.ssh import (
    connect,
    remote_locks,
    remote_process,
    remote_run,
    watched,
)
from requorum.errors import Locked, Unreachable

_MIB = 1 << 20


@pytest.fixture
def soon_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the host wait for two seconds instead of thirty."""
    for module, names in (
        (remote_run, ("UNTIL_SILENT",)),
        (remote_process, ("UNTIL_SILENT",)),
        (remote_locks, ("_LOCK",)),
    ):
        for name in names:
            text: str = getattr(module, name)
            assert f"timeout {watched.SILENCE_SECONDS} " in text
            shorter = text.replace(f"timeout {watched.SILENCE_SECONDS} ", "timeout 2 ")
            monkeypatch.setattr(module, name, shorter)


async def began(path: Path) -> None:
    """Wait, for a bounded time, until the file is there."""
    await eventually(path.exists)


class TestCut:
    """The host's side of the connection dies; its kernel tells us so."""

    async def test_run(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """The call fails, the next one connects anew; the command goes on until its deadline."""
        pid_file = tmp_path / "pid"
        host = reach(sshd)
        argv = ("sh", "-c", f"echo $$ > {pid_file}; exec sleep 600")
        task = asyncio.create_task(host.run(argv, deadline=1))
        pid = await pid_in(pid_file)
        sshd.cut()
        with pytest.raises(Unreachable, match="the connection to far was cut") as caught:
            await task
        assert "may be done or not" in str(caught.value.hint)
        assert alive(pid)
        assert (await host.run(("echo", "again"), deadline=30)).stdout == "again\n"
        await eventually(lambda: not alive(pid), seconds=20)

    async def test_run_of_a_tool_that_writes(
        self, sshd: Sshd, reach: Reach, tmp_path: Path
    ) -> None:
        """It does not go on once nobody waits for it, and neither do its children."""
        pid_file = tmp_path / "pid"
        argv = ("sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait")
        task = asyncio.create_task(reach(sshd).run(argv, deadline=600, dies_with_us=True))
        pid = await pid_in(pid_file)
        sshd.cut()
        with pytest.raises(Unreachable, match="was cut"):
            await task
        await eventually(lambda: not alive(pid))

    async def test_spawn(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """It dies; who asks is told that nobody knows, until it is made sure of."""
        host = reach(sshd)
        process = await host.spawn(("sleep", "600"), log=f"{tmp_path}/log")
        sshd.cut()
        await eventually(lambda: not alive(process.pid))
        await eventually(process._ended.done)
        with pytest.raises(Unreachable, match="was cut"):
            await process.returncode()
        for _ in range(2):
            await process.kill()
            assert await process.returncode() == -signal.SIGKILL

    async def test_spawn_that_did_not_hear_of_it(
        self, sshd: Sshd, reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killing it over a new connection leaves alone who has its pid by then."""
        monkeypatch.setattr(remote_process, "UNTIL_SILENT", "exec sleep 600")
        host = reach(sshd)
        process = await host.spawn(("sleep", "600"), log=f"{tmp_path}/log")
        other = await host.spawn(("sleep", "600"), log=f"{tmp_path}/log")
        sshd.cut()
        try:
            assert alive(process.pid)
            await process.kill()
            assert not alive(process.pid)
            other._identity = replace(other._identity, began="1")
            await other.kill()
            assert alive(other.pid)
        finally:
            os.killpg(os.getpgid(other.pid), signal.SIGKILL)

    async def test_lock(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """Nothing more is done on the host under a lock that is lost."""
        host, second = reach(sshd), reach(sshd)
        path = tmp_path / "lock"

        async def work() -> None:
            async with host.lock(str(path), holder="first"):
                sshd.cut()
                await eventually(lambda: not path.exists())
                async with second.lock(str(path), holder="second"):
                    with pytest.raises(Unreachable, match=r"the lock .*/lock on far was lost"):
                        await host.rename(f"{tmp_path}/a", f"{tmp_path}/b")

        with pytest.raises(Unreachable, match=r"the lock .*/lock on far was lost"):
            await work()
        async with host.lock(str(path), holder="first again"):
            assert path.read_text() == "first again"

    async def test_open(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """A read fails; what was read stays, and the file can be opened anew."""
        (tmp_path / "f").write_bytes(os.urandom(_MIB))
        host = reach(sshd)
        async with host.open(f"{tmp_path}/f") as source:
            view = await asyncio.to_thread(source.read, 0, 100)
            sshd.cut()
            with pytest.raises(Unreachable, match="was cut"):
                await asyncio.to_thread(source.read, _MIB // 2, 100)
        assert bytes(view) == (tmp_path / "f").read_bytes()[:100]
        async with host.open(f"{tmp_path}/f") as source:
            assert bytes(await asyncio.to_thread(source.read, 0, 100)) == bytes(view)

    async def test_write_stream(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """Of 64 MiB; nothing is left of them, and a second time they arrive."""
        block = os.urandom(_MIB)
        folder = tmp_path / "into"
        folder.mkdir()

        async def blocks(*, cut: bool) -> AsyncIterator[bytes]:
            for number in range(64):
                if cut and number == 32:
                    assert any(each.stat().st_size > 0 for each in folder.iterdir())
                    sshd.cut()
                yield block

        host = reach(sshd)
        asked = {"size": 64 * _MIB, "sha256": digest_of(block * 64)}
        with pytest.raises(Unreachable, match="was cut"):
            await host.write_stream(f"{folder}/f", blocks(cut=True), **asked)  # type: ignore[arg-type]
        await eventually(lambda: not list(folder.iterdir()))
        sent: list[int] = []
        await host.write_stream(
            f"{folder}/f",
            blocks(cut=False),
            on_bytes=sent.append,
            **asked,  # type: ignore[arg-type]
        )
        assert sum(sent) == 64 * _MIB
        assert (folder / "f").read_bytes() == block * 64
        assert await host.sha256(f"{folder}/f", deadline=60) == asked["sha256"]

    async def test_write_new(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """A file is replaced whole or not at all, wherever it is cut."""
        path = tmp_path / "into" / "f"
        path.parent.mkdir()
        path.write_bytes(b"old")
        host = reach(sshd)
        data = os.urandom(32 * _MIB)
        task = asyncio.create_task(host.write_new(str(path), data))
        await eventually(lambda: any(each.suffix == ".tmp" for each in path.parent.iterdir()))
        sshd.cut()
        with pytest.raises(Unreachable, match="was cut"):
            await task
        await eventually(lambda: [each.name for each in path.parent.iterdir()] == ["f"])
        assert path.read_bytes() == b"old"

    async def test_read_stream(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """It fails, it does not end as if it were whole."""
        with (tmp_path / "f").open("wb") as file:
            file.truncate(64 * _MIB)
        taken: list[int] = []

        async def take() -> None:
            async with reach(sshd).read_stream(f"{tmp_path}/f") as chunks:
                async for chunk in chunks:
                    taken.append(len(chunk))
                    if len(taken) == 1:
                        sshd.cut()

        with pytest.raises(Unreachable, match="was cut"):
            await take()
        assert 0 < sum(taken) < 64 * _MIB

    async def test_a_forwarded_port_leads_on(self, sshd: Sshd, reach: Reach) -> None:
        """Who connects after the cut connects anew, at the same address."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"here")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host = reach(sshd)
        address = await host.forward("127.0.0.1", server.sockets[0].getsockname()[1])
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b"here"
            writer.close()
            await writer.wait_closed()
            sshd.cut()
            await eventually(lambda: len(sshd.sessions()) == 0)
        server.close()

    async def test_forward_to_nothing(self, sshd: Sshd, reach: Reach, unused_tcp_port: int) -> None:
        """The reason is told, where TCP would have none."""
        with pytest.raises(Unreachable, match=r"far does not lead to 127\.0\.0\.1:"):
            await reach(sshd).forward("127.0.0.1", unused_tcp_port)


@pytest.mark.usefixtures("soon_silent")
class TestSilent:
    """The network drops everything: neither side is told of it."""

    async def test_what_runs_dies(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """A tool that writes, and what was spawned; and the lock is free again."""
        pid_file, path = tmp_path / "pid", tmp_path / "lock"
        host = reach(sshd)
        argv = ("sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait")

        async def work() -> None:
            async with host.lock(str(path), holder="first"):
                tool = asyncio.create_task(host.run(argv, deadline=600, dies_with_us=True))
                process = await host.spawn(("sleep", "600"), log=f"{tmp_path}/log")
                pid = await pid_in(pid_file)
                sshd.freeze()
                await eventually(lambda: not alive(pid), seconds=20)
                await eventually(lambda: not alive(process.pid), seconds=20)
                await eventually(lambda: not path.exists(), seconds=20)
                sshd.cut()
                with pytest.raises(Unreachable, match="was cut"):
                    await tool

        with pytest.raises(Unreachable, match=r"the lock .*/lock on far was lost"):
            await work()

    async def test_what_is_heard_lives(
        self, sshd: Sshd, reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As long as we send signs of life, and no longer."""
        monkeypatch.setattr(watched, "_BEAT_SECONDS", 0.5)
        host = reach(sshd)
        async with host.lock(f"{tmp_path}/lock", holder="me"):
            process = await host.spawn(("sleep", "600"), log=f"{tmp_path}/log")
            argv = ("sleep", "5")
            done = await host.run(argv, deadline=60, dies_with_us=True)
            assert done.returncode == 0
            assert await process.returncode() is None
            with pytest.raises(Locked, match="me"):
                async with host.lock(f"{tmp_path}/lock", holder="other"):
                    pytest.fail("both hold the lock")
            await process.kill()

    async def test_we_notice_too(
        self, sshd: Sshd, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By keepalives: a call does not wait for its whole deadline."""
        monkeypatch.setattr(connect, "_KEEPALIVE_SECONDS", 1)
        host = reach(sshd)
        task = asyncio.create_task(host.run(("sleep", "60"), deadline=60))
        await eventually(lambda: len(sshd.sessions()) > 2)
        sshd.freeze()
        async with asyncio.timeout(30):
            with pytest.raises(Unreachable, match="was cut"):
                await task
