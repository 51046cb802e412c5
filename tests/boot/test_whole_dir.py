"""A data directory as it is found on a disk: every file, and what it is."""

import os
from pathlib import Path

import pytest
from written_dirs import database_of, segment_of, write_directory, write_snap

from requorum.clients.hosts.local import LocalHost
from requorum.errors import NotPermitted
from requorum.facts.whole_dir import Place, WholeDir, read_whole_dir
from requorum.formats.wal import segment_name


async def whole(directory: Path, wal_dir: Path | None = None) -> WholeDir:
    """Read it."""
    place = Place.of(str(directory), str(wal_dir) if wal_dir is not None else None)
    told: list[str] = []
    found = await read_whole_dir(LocalHost(), place, told.append)
    assert told
    return found


async def test_everything_is_read(tmp_path: Path) -> None:
    """Log, database, snapshots good and bad, leaders' databases, leftovers."""
    directory = write_directory(tmp_path / "data")
    write_snap(directory)
    write_snap(directory, index=3, data=b"\x08\x01")
    snap_dir = directory / "member" / "snap"
    (snap_dir / f"{7:016x}.snap.db").write_bytes(database_of(directory).read_bytes())
    (snap_dir / "tmp123").write_bytes(b"x")
    (directory / "member" / "wal" / "copy.wal").write_bytes(b"x")
    (directory / "proxy").mkdir()

    found = await whole(directory)

    inside = found.directory
    assert inside.log.log.last_index == 4
    assert inside.log.misnamed == ("copy.wal",)
    assert list(inside.log.spans.values()) == [(1, 4)]
    assert [(f.snap is not None, f.damage is not None) for f in inside.snaps] == [
        (True, False),
        (False, True),
    ]
    assert inside.database is not None
    assert inside.database.index == 4
    assert inside.snap_dbs[7].sound
    assert (inside.litter, inside.has_proxy, inside.in_use) == (("tmp123",), True, False)
    assert {f.name for f in found.files if f.leftover} == {"tmp123", "copy.wal", "proxy"}
    assert found.disk.free > 0


async def test_the_member_and_its_voters(tmp_path: Path) -> None:
    """From the log; its entries are kept without their content, changes of members aside."""
    inside = (await whole(write_directory(tmp_path / "data"))).directory
    assert inside.member_id == 0xA1
    assert inside.single
    assert inside.membership is not None
    assert [m.name for m in inside.membership.voters] == ["one"]
    assert not inside.empty


async def test_a_wal_elsewhere(tmp_path: Path) -> None:
    """As etcd's --wal-dir has it."""
    directory = write_directory(tmp_path / "data")
    (directory / "member" / "wal").rename(tmp_path / "wal")
    assert not (await whole(directory)).directory.log.present
    assert (await whole(directory, tmp_path / "wal")).directory.log.present


async def test_an_empty_directory(tmp_path: Path) -> None:
    """Nothing is there, and nothing is wrong."""
    found = await whole(tmp_path)
    assert found.directory.empty
    assert not found.directory.has_member


async def test_a_segment_that_ends_in_nothing(tmp_path: Path) -> None:
    """A file of no byte is a segment without a record."""
    directory = write_directory(tmp_path / "data")
    empty = segment_of(directory).with_name(segment_name(1, 5))
    empty.touch()
    segments = (await whole(directory)).directory.log.segments
    assert [len(s) for s in segments] == [len(segments[0]), 0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_what_may_not_be_read_is_not_taken_for_lost(tmp_path: Path) -> None:
    """Whoever has the rights finds the data."""
    directory = write_directory(tmp_path / "data")
    database_of(directory).chmod(0)
    with pytest.raises(NotPermitted):
        await whole(directory)
