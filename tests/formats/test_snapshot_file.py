"""The trailer of snapshot files."""

import hashlib

import bbolt_builder
import pytest
from etcd_data import EtcdDbs

from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import check
from requorum.formats.hashkv import hash_kv
from requorum.formats.snapshot_file import (
    CheckedTrailer,
    Trailer,
    check_trailer,
    split_trailer,
    trailer_matches,
)
from requorum.formats.source import BufferSource

DB = bytes(range(256)) * 9000
HASH = hashlib.sha256(DB).digest()


def test_whole_snapshot() -> None:
    """32 bytes more than whole sectors are the hash of all before them."""
    source = BufferSource(DB + HASH)
    assert split_trailer(source) == Trailer(len(DB), HASH)
    assert trailer_matches(source) is True


@pytest.mark.parametrize("offset", [0, 1 << 20, len(DB) - 1, len(DB), len(DB) + 31])
def test_any_changed_byte(offset: int) -> None:
    """A byte changed anywhere, the hash included, is noticed."""
    data = bytearray(DB + HASH)
    data[offset] ^= 1
    assert trailer_matches(BufferSource(data)) is False


DATABASE = bbolt_builder.build({b"key": []}).data
SEALED = DATABASE + hashlib.sha256(DATABASE).digest()


@pytest.mark.parametrize(
    ("data", "kind", "sealed"),
    [
        (SEALED, "matches", len(SEALED)),
        (DATABASE, "absent", None),
        (DATABASE + bytes(4096), "absent", None),
        (SEALED[:-1], "absent", None),
        (SEALED[:-1] + b"x", "differs", None),
        (b"x" + SEALED, "absent", None),
        (SEALED + b"x", "absent", len(SEALED)),
        (SEALED + bytes(512), "differs", len(SEALED)),
        (SEALED + bytes(4096), "differs", len(SEALED)),
        (bytes(4096 + 32), "differs", None),
        (b"", "absent", None),
    ],
)
def test_checked_trailer(data: bytes, kind: str, sealed: int | None) -> None:
    """What was appended to a whole snapshot hides its hash from etcd, not from us."""
    db_size = len(data) - 32 if len(data) % 512 == 32 else len(data)
    assert check_trailer(BufferSource(data)) == CheckedTrailer(kind, db_size, sealed)  # type: ignore[arg-type]


@pytest.mark.etcd
def test_real_snapshot(etcd_dbs: EtcdDbs, etcd_minor: str) -> None:
    """A saved snapshot matches its trailer, is intact, and hashes as its member did."""
    recorded = etcd_dbs(etcd_minor, "rich")
    source = BufferSource(recorded.snapshot)
    assert trailer_matches(source) is True
    result = check(source)
    assert result.damages == ()
    assert split_trailer(source).db_size >= result.meta.logical_size
    revision = recorded.current_revision
    hashed = hash_kv(Database(source), revision)
    assert (hashed.hash, hashed.compact_revision) == recorded.hashes[revision]


def test_a_cut_that_leaves_32_bytes_is_no_hash() -> None:
    """The pages go on there; unless what was cut was hashed afterwards."""
    cut = DATABASE[: 2 * 4096 + 512]
    cut_by_chance = BufferSource(cut + DATABASE[len(cut) : len(cut) + 32])
    assert split_trailer(cut_by_chance) == Trailer(len(cut) + 32, None)
    assert check_trailer(cut_by_chance) == CheckedTrailer("absent", len(cut) + 32, None)
    hashed = BufferSource(cut + hashlib.sha256(cut).digest())
    assert split_trailer(hashed).db_size == len(cut)
    assert trailer_matches(hashed) is True


@pytest.mark.parametrize("size", [0, 31, 512, 4096, 4096 + 31, 4096 + 33])
def test_no_trailer(size: int) -> None:
    """Other sizes have no trailer: a bare db, or a file that was cut."""
    source = BufferSource(bytes(size))
    assert split_trailer(source) == Trailer(size, None)
    assert trailer_matches(source) is None
