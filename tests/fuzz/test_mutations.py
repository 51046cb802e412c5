"""Damage that is the same for the same seed, and that is damage."""

import random

from bbolt_builder import build
from mutations import mutate
from raft_disks import segments_of
from resealed import reseal_db, reseal_snap, reseal_snapshot, reseal_wal, split_log
from seeds import SEEDS
from wal_data import make_segment

from requorum.errors import DamagedInput
from requorum.formats.bbolt.meta import read_metas
from requorum.formats.raftpb import Entry, EntryType, HardState, encode_entry, encode_hard_state
from requorum.formats.snap import read_snap
from requorum.formats.snapshot_file import trailer_matches
from requorum.formats.source import BufferSource
from requorum.formats.wal import RecordType, read_segment, segment_name
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.member_log import SegmentFile, read_member_log

SOUND = bytes(range(256)) * 64


def test_a_seed_repeats_a_damage() -> None:
    """Every kind of damage says what it did, and most change something."""
    changed, told = 0, set()
    for seed in range(300):
        one, other = (mutate(SOUND, random.Random(seed), SOUND[::-1]) for _ in range(2))
        assert one == other
        changed += one[0] != SOUND
        told |= {word for what in one[1].split("; ") for word in what.split() if word.isalpha()}
    assert changed > 250
    assert {"flipped", "set", "zeros", "cut", "swapped", "copied", "appended", "another"} <= told


def test_nothing_is_too_small_to_damage() -> None:
    """No length of file makes a damage fail."""
    for size in range(40):
        for seed in range(40):
            mutate(bytes(size), random.Random(seed), bytes(seed))


def test_a_resealed_log_is_proven() -> None:
    """Whatever was changed in it, its checksums are right."""
    data = bytes(make_segment([b"entry"] * 9).data)
    for seed in range(50):
        changed, _ = reseal_wal(data, random.Random(seed), data)
        read = read_segment(BufferSource(changed), last=True)
        assert all(record.verified for record in read.records)
        assert all("unknown type" in damage.detail for damage in read.damages)


def test_whatever_is_resealed_has_right_checksums() -> None:
    """Meta pages, .snap files, and the SHA-256 of saved snapshots."""
    database = build({b"key": [(b"a", b"b")], b"meta": []}).data
    snap = field_varint(1, 1) + field_bytes(2, SEEDS["snap"][1])
    for seed in range(50):
        rng = random.Random(seed)
        metas = read_metas(BufferSource(reseal_db(database, rng, b"")[0]))
        assert not any("checksum" in damage.what for damage in metas.damages)
        saved, _ = reseal_snapshot(database + bytes(32), rng, database)
        assert len(saved) % 512 != 32 or trailer_matches(BufferSource(saved))
        try:
            read_snap(BufferSource(reseal_snap(snap, rng, snap)[0]))
        except DamagedInput as error:
            assert "checksum" not in error.message  # noqa: PT017 - either outcome is right


def test_a_log_cut_into_segments_is_one_log() -> None:
    """Each begins with the head that etcd writes, and continues the one before."""
    records = [hard_state(1, 0), *(entry(index, 1) for index in range(1, 30))]
    (file,) = segments_of(records, 7, [])
    pieces = split_log(bytes(file.data), random.Random(1), 4)
    read = [
        SegmentFile(
            segment_name(n, index), n, len(data), read_segment(BufferSource(data), last=n == 3)
        )
        for n, (index, data) in enumerate(pieces)
    ]
    log = read_member_log(read)
    assert (list(log.entries), log.damages) == (list(range(1, 30)), ())


def entry(index: int, term: int) -> tuple[RecordType, bytes]:
    """Return the record of an entry."""
    return RecordType.ENTRY, encode_entry(Entry(EntryType.NORMAL, term, index, b"data"))


def hard_state(term: int, commit: int) -> tuple[RecordType, bytes]:
    """Return the record of a hard state."""
    return RecordType.STATE, encode_hard_state(HardState(term, 1, commit))
