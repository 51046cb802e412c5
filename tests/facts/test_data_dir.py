"""One member's data directory, read without changing anything in it."""

from dataclasses import replace
from pathlib import Path

import pytest
from disks import Disks

from requorum.clients.hosts.local import LocalHost
from requorum.errors import DamagedInput
from requorum.facts.data_dir import (
    Paths,
    end_of_log,
    is_in_use,
    read_identity,
    read_log,
    read_state,
    read_state_files,
    stamp,
    with_log,
)
from requorum.formats.raftpb import EntryType
from requorum.inspection.agreement import lowest_index_needed
from requorum.inspection.evidence import MemberEvidence


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """Return directories of which only etcd1's is written: seven entries, the db at five."""
    found = Disks(tmp_path)
    found.write("etcd1", "1111222", applied=5, commit=6, cuts=[3, 5])
    return found


async def read(disks: Disks, name: str = "etcd1") -> MemberEvidence:
    """Read a member."""
    spec = disks.spec(name)
    state = await read_state_files(LocalHost(), spec)
    low = lowest_index_needed([state])
    return await with_log(LocalHost(), spec, state, needed_from=low)


async def test_a_sound_directory(disks: Disks) -> None:
    """Log, database and snapshot files."""
    disks.write_snap("etcd1")
    found = await read(disks)
    assert found.log is not None
    assert found.database is not None
    assert (found.log.position, found.log.commit, found.log.missing) == ((2, 7), 6, ())
    assert all(e.type is EntryType.NORMAL for e in found.log.entries.values())
    assert (found.database.index, found.database.problems) == (5, ())
    assert [(s.index, s.term) for s in found.snaps] == [(900, 3)]
    assert (found.member_id, found.unreadable, found.in_use, found.empty) == (1, None, False, False)


@pytest.mark.parametrize("made", [False, True])
async def test_a_directory_that_is_gone_or_empty(disks: Disks, *, made: bool) -> None:
    """Nothing is known, and that is no error."""
    if made:
        (disks.folder / "etcd2").mkdir()
    found = await read(disks, "etcd2")
    assert found.empty
    assert found.unreadable is None


async def test_reading_changes_nothing(disks: Disks) -> None:
    """Neither content nor time of any file."""
    before = await stamp(LocalHost(), disks.spec("etcd1"))
    contents = {path: path.read_bytes() for path in disks.folder.rglob("*") if path.is_file()}
    await read(disks)
    assert await stamp(LocalHost(), disks.spec("etcd1")) == before
    assert {p: p.read_bytes() for p in disks.folder.rglob("*") if p.is_file()} == contents
    assert len(before) == 4


async def test_a_damaged_snapshot_file_is_named(disks: Disks) -> None:
    """And does not count."""
    disks.write_snap("etcd1", b"garbage that is no snapshot")
    found = await read(disks)
    assert found.snaps == ()
    assert len(found.snap_damages) == 1
    assert found.snap_damages[0].startswith(f"{3:016x}-{900:016x}.snap: ")


async def test_garbage_in_place_of_every_file(disks: Disks) -> None:
    """Evidence of damage, never an error."""
    for path in disks.folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xff" * 9000)
    found = await read(disks)
    assert found.log is not None
    assert found.database is not None
    assert found.log.metadata is None
    assert found.database.problems


async def test_a_file_in_place_of_the_directory(disks: Disks) -> None:
    """It says that nothing can be read, or that nothing is there."""
    (disks.folder / "etcd2").write_bytes(b"")
    found = await read(disks, "etcd2")
    assert found.unreadable or found.empty


async def test_only_the_segments_that_are_needed_are_read(disks: Disks) -> None:
    """From the one that holds the index on, by the name of the segment."""
    spec = disks.spec("etcd1")
    for index, first in ((0, 1), (3, 1), (4, 4), (5, 4), (6, 6), (99, 6)):
        log = await read_log(LocalHost(), spec, needed_from=index)
        assert log is not None
        assert (log.first_index, log.last_index) == (first, 7), index
    assert await read_log(LocalHost(), disks.spec("etcd2"), needed_from=0) is None


async def test_other_files_beside_the_segments_are_passed_over(disks: Disks) -> None:
    """Such as the one that etcd allocates ahead."""
    (disks.wal("etcd1")[0].parent / "0.tmp").write_bytes(b"x" * 100)
    found = await read(disks)
    assert found.log is not None
    assert not found.log.damages


async def test_whose_log_it_is(disks: Disks) -> None:
    """DamagedInput where it names nobody."""
    paths = Paths.of(disks.spec("etcd1"))
    assert await read_identity(LocalHost(), paths.wal_dir) == (1, 77)
    with pytest.raises(DamagedInput, match="names no member"):
        await read_identity(LocalHost(), str(disks.folder))


async def test_where_a_log_can_be_continued(disks: Disks) -> None:
    """Behind the last record of the last segment; never of a damaged one."""
    wal = Paths.of(disks.spec("etcd1")).wal_dir
    end = await end_of_log(LocalHost(), wal)
    last = disks.wal("etcd1")[-1]
    data = last.read_bytes()
    assert (end.path, end.index, end.term) == (str(last), 7, 2)
    assert not any(data[end.offset :])
    assert any(data[end.offset - 8 : end.offset])
    last.write_bytes(data[:60] + b"\xff" + data[61:])
    with pytest.raises(DamagedInput, match="is damaged"):
        await end_of_log(LocalHost(), wal)
    with pytest.raises(DamagedInput, match="there is no WAL"):
        await end_of_log(LocalHost(), str(disks.folder))


async def test_the_database_tells_where_it_stands(disks: Disks) -> None:
    """Without a check of its pages."""
    state = await read_state(LocalHost(), str(disks.db("etcd1")))
    assert (state.consistent_index, state.current_revision) == (5, 6)


async def test_nobody_holds_the_files(disks: Disks) -> None:
    """Also where there are none."""
    for name in ("etcd1", "etcd2"):
        assert not await is_in_use(LocalHost(), disks.spec(name))


def test_the_wal_may_lie_elsewhere(disks: Disks) -> None:
    """As etcd's --wal-dir puts it."""
    paths = Paths.of(replace(disks.spec("etcd1"), wal_dir="/wal"))
    assert paths.wal_dir == "/wal"
    assert paths.database == f"{disks.folder}/etcd1/member/snap/db"
