"""Locks: etcd's on its files, and ours."""

import asyncio
import fcntl
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from running_etcd import StartEtcd

from requorum.clients.hosts.local_locks import in_use, lock
from requorum.errors import Locked, RequorumError


@pytest.mark.etcd
def test_etcds_locks_are_seen(release: str, start_etcd: StartEtcd) -> None:
    """A running etcd holds its db and its last WAL segment, a dead one neither."""
    etcd = start_etcd(release)
    wals = sorted((etcd.data_dir / "member/wal").glob("*.wal"))
    held = [str(etcd.data_dir / "member/snap/db"), str(wals[-1])]
    assert [in_use(path) for path in held] == [True, True]
    etcd.etcdctl("put", "still", "alive")
    etcd.kill()
    assert [in_use(path) for path in held] == [False, False]


def test_asking_leaves_no_lock_behind(tmp_path: Path) -> None:
    """Neither a flock nor a range lock stays."""
    path = tmp_path / "db"
    path.touch()
    assert not in_use(str(path))
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert in_use(str(path))


@pytest.mark.parametrize("kind", [fcntl.F_RDLCK, fcntl.F_WRLCK])
def test_range_locks_are_seen(tmp_path: Path, kind: int) -> None:
    """Open-file-description locks are what etcd takes on WAL files."""
    path = tmp_path / "wal"
    path.touch()
    with path.open("r+b") as file:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("=hh4xqqi4x", kind, 0, 0, 0, 0))
        assert in_use(str(path))
    assert not in_use(str(path))


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error, not an unused file."""
    with pytest.raises(RequorumError, match="no such file"):
        in_use(f"{tmp_path}/none")


async def test_lock_excludes_and_names_its_holder(tmp_path: Path) -> None:
    """The other side learns who holds it; the file goes with the lock."""
    path = tmp_path / "lock"
    async with lock(str(path), "run 7 of host a"):
        assert path.read_text() == "run 7 of host a"
        with pytest.raises(Locked, match="is locked by run 7 of host a"):
            async with lock(str(path), "run 8"):
                pytest.fail("both hold the lock")
        assert path.read_text() == "run 7 of host a"
    assert not path.exists()
    async with lock(str(path), "8"):
        assert path.read_text() == "8"


async def test_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    """An error within gives the lock back too."""
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError):
        async with lock(str(path), "a"):
            raise ZeroDivisionError
    assert not path.exists()


async def test_stale_file_is_no_lock(tmp_path: Path) -> None:
    """What a killed run left behind does not stand in the way."""
    path = tmp_path / "lock"
    path.write_text("a run that was killed long ago")
    async with lock(str(path), "new"):
        assert path.read_text() == "new"


def start_python(script: str) -> "subprocess.Popen[bytes]":
    """Start another Python."""
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)


async def test_kernel_frees_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    """SIGKILL leaves the file and frees the lock."""
    path = tmp_path / "lock"
    script = (
        "import asyncio, sys\n"
        "from requorum.clients.hosts.local_locks import lock\n"
        "async def main():\n"
        f"    async with lock({str(path)!r}, 'the other'):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with start_python(script) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Locked, match="the other"):
            async with lock(str(path), "me"):
                pytest.fail("both hold the lock")
        other.kill()
    async with lock(str(path), "me"):
        assert path.read_text() == "me"


async def test_a_file_that_is_not_ours_any_more_stays(tmp_path: Path) -> None:
    """When somebody replaced the lock file, giving back removes nothing."""
    path = tmp_path / "lock"
    async with lock(str(path), "a"):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


async def test_many_take_turns(tmp_path: Path) -> None:
    """However the file comes and goes, never do two hold it."""
    path = str(tmp_path / "lock")
    holders: list[int] = []
    turns: list[int] = []

    async def take(number: int) -> None:
        while number not in turns:
            try:
                async with lock(path, str(number)):
                    holders.append(number)
                    await asyncio.sleep(0)
                    assert holders == [number]
                    holders.clear()
                    turns.append(number)
            except Locked:
                await asyncio.sleep(0.001)

    async with asyncio.timeout(60):
        await asyncio.gather(*(take(number) for number in range(20)))
    assert sorted(turns) == list(range(20))
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a test may block


async def test_lock_follows_no_link(tmp_path: Path) -> None:
    """A link at the lock's place is not written through."""
    (tmp_path / "precious").write_text("data")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(RequorumError, match="lock: too many levels of symbolic links"):
        async with lock(str(tmp_path / "lock"), "me"):
            pytest.fail("the link was followed")
    assert (tmp_path / "precious").read_text() == "data"
