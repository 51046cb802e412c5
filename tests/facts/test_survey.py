"""All members' facts together: what only all of them can tell."""

from pathlib import Path

import pytest
from disks import Disks

from requorum.facts.survey import running_members, stamps_of, survey
from requorum.inspection.decision import Rescue, Start, decide


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """Return three whole directories; etcd3's database lags."""
    found = Disks(tmp_path, running=["etcd2"])
    for name, applied in (("etcd1", 6), ("etcd2", 6), ("etcd3", 3)):
        found.write(name, "1111222", applied=applied, commit=6)
    return found


async def test_three_whole_directories_are_started(disks: Disks) -> None:
    """Nobody answers, one service runs, all files agree."""
    found = await survey(disks.cluster, disks.reach, {})
    assert found.cluster_id == 77
    assert found.running == {"etcd1": False, "etcd2": True, "etcd3": False}
    assert not any(live.answers for live in found.live.values())
    assert found.evidence.known_commit == 6
    assert found.evidence.log is not None
    assert found.evidence.log.last_index == 7
    assert all(not m.database.problems for m in found.evidence.members.values() if m.database)
    decision = decide(found.evidence)
    assert isinstance(decision, Start)
    assert set(decision.first) == {"etcd1", "etcd2", "etcd3"}


async def test_a_value_that_the_log_contradicts_makes_a_database_unfit(disks: Disks) -> None:
    """One flipped byte in a page without a checksum."""
    data = disks.db("etcd1").read_bytes()
    disks.db("etcd1").write_bytes(data.replace(b"3.1", b"3.9"))
    found = await survey(disks.cluster, disks.reach, {})
    database = found.evidence.members["etcd1"].database
    assert database is not None
    assert "contradicts the log" in database.problems[0]
    decision = decide(found.evidence)
    assert isinstance(decision, Start)
    assert "etcd1" not in decision.first


async def test_a_lost_disk_and_a_damaged_log_are_rescued(disks: Disks) -> None:
    """What one log lost is taken from the other, and nothing is missing."""
    (segment,) = disks.wal("etcd1")
    segment.write_bytes(segment.read_bytes().replace(b"2.1", b"?.1"))
    disks.wal("etcd3")[0].unlink()
    found = await survey(disks.cluster, disks.reach, {})
    decision = decide(found.evidence)
    assert isinstance(decision, Rescue)
    assert decision.loss.proven_none
    assert decision.empty_entries == ()


async def test_another_clusters_directory_is_foreign(disks: Disks) -> None:
    """Its files take part in nothing."""
    disks.write("etcd4", "1111222333", applied=9, commit=9, cluster_id=5)
    other = disks.wal("etcd4")[0].read_bytes()
    for path in disks.wal("etcd3"):
        path.write_bytes(other)
    found = await survey(disks.cluster, disks.reach, {})
    assert found.evidence.foreign == {"etcd3": "its data belongs to another cluster, 5"}
    assert set(found.evidence.members) == {"etcd1", "etcd2"}
    assert found.evidence.log is not None
    assert found.evidence.log.last_index == 7
    assert found.evidence.known_commit == 6


async def test_the_stamps_tell_when_a_file_changes(disks: Disks) -> None:
    """Size and time of each file of each member."""
    before = await stamps_of(disks.cluster, disks.reach)
    assert {name: len(stamps) for name, stamps in before.items()} == {
        "etcd1": 2,
        "etcd2": 2,
        "etcd3": 2,
    }
    disks.db("etcd1").write_bytes(b"shorter")
    after = await stamps_of(disks.cluster, disks.reach)
    assert after["etcd1"] != before["etcd1"]
    assert after["etcd2"] == before["etcd2"]


async def test_every_service_is_asked(disks: Disks) -> None:
    """What each of them says."""
    assert await running_members(disks.cluster, disks.reach) == {
        "etcd1": False,
        "etcd2": True,
        "etcd3": False,
    }
