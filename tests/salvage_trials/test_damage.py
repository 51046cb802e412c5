"""Every way of damage changes something, in the same way for the same seed, and is put on disk."""

import random
from pathlib import Path

import pytest
from made_crash import MEMBERS, MadeCrash

from requorum.lab.salvage_trials.db_damage import DB_DAMAGES
from requorum.lab.salvage_trials.drawn import LOST, SEGMENT_LOST, Drawn, MemberHarm, draw
from requorum.lab.salvage_trials.evidence import Evidence, find_evidence
from requorum.lab.salvage_trials.inflict import damaged_copies
from requorum.lab.salvage_trials.recorded import db_of, segments_of, wal_of
from requorum.lab.salvage_trials.wal_damage import WAL_DAMAGES

NOTHING = MemberHarm(db=(), wal=())
GONE = MemberHarm(db=(LOST,), wal=(LOST,))


@pytest.mark.parametrize("name", DB_DAMAGES)
def test_database_damage(crash: MadeCrash, name: str) -> None:
    """It is repeated by its seed; the file never grows."""
    member = crash.recorded.members["etcd1"]
    results = set()
    for seed in (1, 1, 2, 3, 4):
        data = bytearray(member.used_db)
        assert DB_DAMAGES[name](data, member.layout, random.Random(seed))
        assert len(data) <= len(member.used_db)
        results.add(bytes(data))
    assert len(results - {member.used_db}) >= 2
    assert len(results) <= 4


@pytest.mark.parametrize("name", WAL_DAMAGES)
def test_log_damage(crash: MadeCrash, name: str) -> None:
    """The same for a segment."""
    member = crash.recorded.members["etcd1"]
    (path,) = segments_of(member.data_dir)
    whole, results = path.read_bytes(), set()
    for seed in (1, 1, 2, 3, 4):
        data = bytearray(whole)
        assert WAL_DAMAGES[name](data, tuple(member.places.values()), random.Random(seed))
        assert len(data) <= len(whole)
        results.add(bytes(data))
    assert len(results - {whole}) >= 2


def test_draws_are_repeated() -> None:
    """A seed tells everything; all kinds of damage occur."""
    versions = ["3.4.1", "3.5.1"]
    trials = [draw(seed, versions, members=3) for seed in range(300)]
    assert trials == [draw(seed, versions, members=3) for seed in range(300)]
    assert all(trial.version != trial.other for trial in trials)
    dbs = {name for trial in trials for harm in trial.harms for name in harm.db}
    wals = {name for trial in trials for harm in trial.harms for name in harm.wal}
    assert dbs == {*DB_DAMAGES, LOST}
    assert wals == {*WAL_DAMAGES, LOST, SEGMENT_LOST}
    whole = sum(any(not harm.db for harm in trial.harms) for trial in trials)
    assert whole < len(trials) / 4


def evidence_after(
    crash: MadeCrash,
    directory: Path,
    *harms: MemberHarm,
    common: tuple[float, float] | None = None,
) -> tuple[Evidence, dict[str, Path]]:
    """Return what damaged copies prove, and where they are."""
    trial = Drawn(seed=1, version="3.5", other="3.6", load=0, harms=harms, common=common)
    damaged, _ = damaged_copies(crash.recorded, trial, directory)
    return find_evidence(crash.recorded, damaged), damaged


def test_undamaged_files_prove_everything(crash: MadeCrash, tmp_path: Path) -> None:
    """Copies of whole files are whole."""
    evidence, damaged = evidence_after(crash, tmp_path, NOTHING, NOTHING, NOTHING)
    assert evidence.proves(crash.truth) == crash.truth.records.keys()
    assert evidence.complete_at == {380, 395, 398}
    assert evidence.entries == set(range(1, 404))
    assert evidence.leases == {0x77}
    for name, path in damaged.items():
        original = crash.recorded.members[name].data_dir
        assert db_of(path).read_bytes() == db_of(original).read_bytes()


def test_nothing_proves_nothing(crash: MadeCrash, tmp_path: Path) -> None:
    """Where all is gone there is no evidence."""
    evidence, damaged = evidence_after(crash, tmp_path, GONE, GONE, GONE)
    assert not evidence.proves(crash.truth)
    assert not any(db_of(path).exists() or wal_of(path).exists() for path in damaged.values())


def test_a_database_alone(crash: MadeCrash, tmp_path: Path) -> None:
    """It proves its records, and no entry."""
    harm = MemberHarm(db=(), wal=(SEGMENT_LOST,))
    evidence, _ = evidence_after(crash, tmp_path, harm, GONE, GONE)
    assert evidence.proves(crash.truth) == crash.recorded.members["etcd1"].records
    assert evidence.entries == frozenset()


def test_a_log_alone(crash: MadeCrash, tmp_path: Path) -> None:
    """From its first entry on it proves everything."""
    evidence, _ = evidence_after(crash, tmp_path, MemberHarm(db=(LOST,), wal=()), GONE, GONE)
    assert evidence.records == frozenset()
    assert evidence.proves(crash.truth) == crash.truth.records.keys()


def test_a_common_loss_stops_the_replay(crash: MadeCrash, tmp_path: Path) -> None:
    """What all have lost, in logs and on pages, is proven by nobody; what is before it is."""
    lost_db = MemberHarm(db=(LOST,), wal=())
    evidence, _ = evidence_after(crash, tmp_path, lost_db, lost_db, lost_db, common=(0.5, 0.52))
    first = min(set(range(1, 404)) - evidence.entries)
    assert evidence.replayable == set(range(1, first))
    assert max(evidence.entries) == 403


def test_one_flipped_bit_takes_one_entry_and_the_next_ones_proof(
    crash: MadeCrash, tmp_path: Path
) -> None:
    """An entry is proven by its own bytes and by the checksum before them."""
    _, damaged = evidence_after(crash, tmp_path, NOTHING, GONE, GONE)
    member = crash.recorded.members["etcd1"]
    (path,) = segments_of(damaged["etcd1"])
    data = bytearray(path.read_bytes())
    data[member.places[50].end - 9] ^= 1
    path.write_bytes(data)
    evidence = find_evidence(crash.recorded, damaged)
    assert evidence.entries == set(range(1, 404)) - {50, 51}
    assert len(MEMBERS) == len(damaged)
