"""What a place on the command line means."""

from pathlib import Path

import pytest

from requorum.app.files.places import find_place
from requorum.clients.hosts.local import LocalHost
from requorum.errors import UsageError

HOST = LocalHost()


def data_dir_in(directory: Path) -> Path:
    """Return a data directory with a db in it."""
    (directory / "member" / "snap").mkdir(parents=True)
    (directory / "member" / "snap" / "db").write_bytes(b"db")
    return directory


async def test_a_file(tmp_path: Path) -> None:
    """A file is itself, without a member around it."""
    file = tmp_path / "backup.db"
    file.write_bytes(b"db")
    place = await find_place(str(file), HOST)
    assert (place.path, place.member_dir, place.wal_dir) == (str(file), None, None)
    async with place.open() as source:
        assert bytes(source.read(0, source.size)) == b"db"


@pytest.mark.parametrize("inside", ["", "member", "member/snap"])
async def test_a_data_directory(tmp_path: Path, inside: str) -> None:
    """Its db is meant, and its WAL lies beside it."""
    data_dir = data_dir_in(tmp_path / "data")
    place = await find_place(str(data_dir / inside), HOST)
    assert place.path == str(data_dir / "member" / "snap" / "db")
    assert place.wal_dir == str(data_dir / "member" / "wal")


async def test_a_directory_with_a_db_alone(tmp_path: Path) -> None:
    """A db that was copied into some directory has no member around it."""
    (tmp_path / "db").write_bytes(b"db")
    place = await find_place(str(tmp_path), HOST)
    assert (Path(place.path).name, place.member_dir) == ("db", None)


async def test_a_file_whose_name_looks_like_a_host(tmp_path: Path) -> None:
    """What is there is taken for what it is."""
    file = tmp_path / "host:backup.db"
    file.write_bytes(b"db")
    assert (await find_place(str(file), HOST)).path == str(file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "no file or directory"),
        ("s3://bucket/backup.db", "stores are not read yet"),
        ("etcd1:/var/lib/etcd", "other hosts are not read yet"),
        ("root@etcd1:backup.db", "other hosts are not read yet"),
    ],
)
async def test_nothing_that_can_be_read(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says why, the hint what to do."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message) as refused:
        await find_place(name, HOST)
    assert refused.value.hint


async def test_a_directory_without_a_db(tmp_path: Path) -> None:
    """It is named, and the hint says what is expected."""
    with pytest.raises(UsageError, match="no member/snap/db"):
        await find_place(str(tmp_path), HOST)
