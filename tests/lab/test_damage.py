"""Each kind of damage: done to files of a real etcd, and what etcd itself says to it."""

import asyncio
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from requorum.errors import Refused, StepFailed
from requorum.formats.bbolt.meta import read_metas
from requorum.formats.source import BufferSource
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.load import Load
from requorum.lab.practice import crash, start_member, wait_ready
from requorum.ports.etcd import Etcd, PutOp

Connect = Callable[[str], Etcd]
StartPractice = Callable[..., Lab]

pytestmark = pytest.mark.etcd

OF_FILES = [
    DamageKind.DB_TRUNCATED,
    DamageKind.DB_PAGE_FLIPPED,
    DamageKind.DB_META_FLIPPED,
    DamageKind.WAL_RECORD_FLIPPED,
    DamageKind.WAL_TORN_TAIL,
    DamageKind.WAL_SEGMENT_MISSING,
    DamageKind.SNAP_MISSING,
]


@pytest.fixture
async def crashed(practice_cluster: StartPractice, connect: Connect) -> Lab:
    """Give a single member with some thousand entries and .snap files, crashed under load."""
    lab = practice_cluster("3.5", members=1, extra_flags=("--snapshot-count=200",))
    await wait_ready(lab, connect, deadline=30)
    load = Load(lab.client_urls, connect, lab.acks, writers=4, seed=3)
    running = asyncio.create_task(load.run())
    await load.reached(800, deadline=60)
    crash(lab.directory)
    load.stop()
    await running
    return lab


def contents(directory: Path) -> dict[str, bytes]:
    """Return every file below `directory`: relative path → content."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    """Return the files that differ, or are in one of the two only."""
    names = before.keys() | after.keys()
    return {name for name in names if before.get(name) != after.get(name)}


async def test_each_damage_changes_one_file_and_is_repeatable(
    crashed: Lab, connect: Connect, tmp_path: Path
) -> None:
    """The same seed on the same files: the same bytes, and the same words."""
    data_dir = crashed.data_dir("etcd1")
    original = tmp_path / "original"
    copy_tree_sparse(data_dir, original)
    before = contents(original)
    for kind in OF_FILES:
        results = []
        for _ in range(2):
            said = await inflict(kind, crashed, "etcd1", random.Random(5), connect=connect)
            results.append((said.partition("gone, to")[0], changed(before, contents(data_dir))))
            shutil.rmtree(data_dir)
            copy_tree_sparse(original, data_dir)
        assert results[0] == results[1], kind
        assert len(results[0][1]) == 1, kind


async def test_a_lost_disk_is_gone_from_where_anything_looks(
    crashed: Lab, connect: Connect
) -> None:
    """The whole data directory lies in the graveyard; nothing is removed."""
    before = contents(crashed.data_dir("etcd1"))
    await inflict(DamageKind.LOST_DISK, crashed, "etcd1", random.Random(1), connect=connect)
    assert not crashed.data_dir("etcd1").exists()
    assert contents(crashed.graveyard / "etcd1-1" / "data") == before
    with pytest.raises(Refused, match="no data"):
        await inflict(DamageKind.DB_TRUNCATED, crashed, "etcd1", random.Random(1), connect=connect)


async def test_etcd_refuses_a_flipped_record(crashed: Lab, connect: Connect) -> None:
    """No torn write, so etcd does not repair it."""
    await inflict(
        DamageKind.WAL_RECORD_FLIPPED, crashed, "etcd1", random.Random(2), connect=connect
    )
    with pytest.raises(StepFailed, match="etcd ended as soon as etcd1 was started"):
        start_member(crashed.directory, "etcd1")
    assert "crc mismatch" in crashed.log("etcd1").read_text()


@pytest.mark.parametrize("seed", range(6))
async def test_etcd_repairs_a_torn_tail(crashed: Lab, connect: Connect, seed: int) -> None:
    """By its own rule it is a write that a crash cut short: both ways of tearing."""
    await inflict(DamageKind.WAL_TORN_TAIL, crashed, "etcd1", random.Random(seed), connect=connect)
    start_member(crashed.directory, "etcd1")
    await wait_ready(crashed, connect, deadline=30)
    assert "repaired" in crashed.log("etcd1").read_text()


async def test_a_truncated_db_lacks_used_pages(crashed: Lab, connect: Connect) -> None:
    """The cut lies behind the metas and before the high-water mark."""
    await inflict(DamageKind.DB_TRUNCATED, crashed, "etcd1", random.Random(3), connect=connect)
    db = crashed.data_dir("etcd1") / "member" / "snap" / "db"
    meta = read_metas(BufferSource(db.read_bytes())).current
    assert 2 * meta.page_size <= db.stat().st_size < meta.logical_size


async def test_one_meta_is_damaged_and_the_other_is_not(crashed: Lab, connect: Connect) -> None:
    """As after a torn write of a meta page."""
    await inflict(DamageKind.DB_META_FLIPPED, crashed, "etcd1", random.Random(4), connect=connect)
    db = crashed.data_dir("etcd1") / "member" / "snap" / "db"
    assert len(read_metas(BufferSource(db.read_bytes())).valid) == 1


async def test_a_running_member_is_not_damaged(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """Damage is for disks that nobody writes to."""
    lab = practice_cluster("3.5", members=1)
    with pytest.raises(Refused, match="etcd1 runs"):
        await inflict(DamageKind.LOST_DISK, lab, "etcd1", random.Random(1), connect=connect)


async def test_without_a_copy_or_a_snap_file_it_is_refused(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """Nothing is changed where there is nothing of the kind."""
    lab = practice_cluster("3.5", members=1)
    await wait_ready(lab, connect, deadline=30)
    crash(lab.directory)
    for kind in (DamageKind.STALE_COPY, DamageKind.SNAP_MISSING):
        with pytest.raises(Refused):
            await inflict(kind, lab, "etcd1", random.Random(1), connect=connect)


@pytest.mark.parametrize(("seed", "members"), [(1, 3), (2, 1)])
async def test_a_foreign_directory_is_another_clusters(
    practice_cluster: StartPractice, connect: Connect, seed: int, members: int
) -> None:
    """Of a cluster of three or of one, by the seed; the member's own directory is kept."""
    lab = practice_cluster("3.5")
    await wait_ready(lab, connect, deadline=30)
    crash(lab.directory)
    said = await inflict(
        DamageKind.WRONG_CLUSTER, lab, "etcd2", random.Random(seed), connect=connect
    )
    assert f"a foreign cluster of {members} with" in said
    assert (lab.graveyard / "etcd2-2" / "data" / "member").is_dir()
    assert (lab.data_dir("etcd2") / "member" / "snap" / "db").is_file()


async def test_a_foreign_directory_holds_nothing_but_foreign_keys(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """It serves under the member's own URL, as another cluster."""
    lab = practice_cluster("3.5", members=1)
    await wait_ready(lab, connect, deadline=30)
    etcd = connect(lab.client_url("etcd1"))
    ours = (await etcd.put(PutOp(b"ours", b""), deadline=5)).cluster_id
    crash(lab.directory)
    await inflict(DamageKind.WRONG_CLUSTER, lab, "etcd1", random.Random(2), connect=connect)

    start_member(lab.directory, "etcd1")
    await wait_ready(lab, connect, deadline=30)
    found = await etcd.get(b"\0", range_end=b"\0", keys_only=True, deadline=5)
    await etcd.close()

    assert found.header.cluster_id != ours
    assert found.count > 0
    assert all(kv.key.startswith(b"foreign/") for kv in found.kvs)


def test_a_sparse_copy_has_the_same_bytes_and_the_same_holes(tmp_path: Path) -> None:
    """Holes at the begin, in the middle and at the end; an empty file; modes and links."""
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    with (source / "below" / "file").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"x" * 5000)
        file.seek(8 << 20)
        file.write(b"y")
        file.truncate(64 << 20)
    (source / "empty").touch(mode=0o600)
    (source / "link").symlink_to("empty")
    copy_tree_sparse(source, tmp_path / "target")
    assert contents(tmp_path / "target") == contents(source)
    status = (tmp_path / "target" / "below" / "file").stat()
    assert status.st_blocks * 512 < 1 << 20
    assert (tmp_path / "target" / "empty").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "target" / "link").readlink() == Path("empty")
