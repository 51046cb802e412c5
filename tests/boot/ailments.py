"""Everything that can befall a data directory, each as a function that does it to one."""

# ruff: noqa: D401  # each docstring says what is then the case

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta, read_metas
from requorum.formats.bbolt.page import ELEMENT_SIZE, Page
from requorum.formats.source import BufferSource
from requorum.formats.wal import Record, RecordType, read_segment

Ailment = Callable[[Path], None]

ALL: dict[str, Ailment] = {}
"""By name, in the order in which they are written down."""

FAST: set[str] = set()
"""Those that the quick test does to every minor."""

_SECTOR = 512
_OF_CHECKSUM, _OF_TXID = 60, 48
_LENGTH_TOP = 5


def ailment(*, fast: bool = False) -> Callable[[Ailment], Ailment]:
    """Enter a function into the catalogue by its name."""

    def enter(function: Ailment) -> Ailment:
        ALL[function.__name__] = function
        if fast:
            FAST.add(function.__name__)
        return function

    return enter


# Snapshots


@ailment(fast=True)
def nothing(directory: Path) -> None:
    """A plain kill."""


@ailment(fast=True)
def newest_snap_missing(directory: Path) -> None:
    """The one before is taken."""
    snaps(directory)[-1].unlink()


@ailment(fast=True)
def all_snaps_missing(directory: Path) -> None:
    """The log reaches back to its beginning."""
    for snap in snaps(directory):
        snap.unlink()


@ailment(fast=True)
def newest_snap_flipped(directory: Path) -> None:
    """Its checksum is wrong."""
    _flip_middle(snaps(directory)[-1])


@ailment()
def newest_snap_empty(directory: Path) -> None:
    """As a crash of the machine leaves it."""
    os.truncate(snaps(directory)[-1], 0)


@ailment()
def all_snaps_flipped(directory: Path) -> None:
    """Each is renamed."""
    for snap in snaps(directory):
        _flip_middle(snap)


# The database


@ailment(fast=True)
def database_missing(directory: Path) -> None:
    """The snapshots are there."""
    database(directory).unlink()


@ailment()
def database_and_snaps_missing(directory: Path) -> None:
    """The log alone is left, from its beginning on."""
    database_missing(directory)
    all_snaps_missing(directory)


@ailment()
def snap_directory_missing(directory: Path) -> None:
    """The same, and its directory too."""
    shutil.rmtree(directory / "member" / "snap")


@ailment()
def database_empty(directory: Path) -> None:
    """No byte is left."""
    os.truncate(database(directory), 0)


@ailment()
def database_too_short(directory: Path) -> None:
    """Less than two pages are left."""
    os.truncate(database(directory), 5000)


@ailment(fast=True)
def database_cut(directory: Path) -> None:
    """Half of its used pages are gone."""
    meta = _meta(directory)
    os.truncate(database(directory), meta.high_water_mark // 2 * meta.page_size)


@ailment()
def database_cut_behind_its_pages(directory: Path) -> None:
    """Only what was never used is gone."""
    os.truncate(database(directory), _meta(directory).logical_size)


@ailment(fast=True)
def both_metas_flipped(directory: Path) -> None:
    """Both checksums are wrong."""
    for page in (0, 1):
        _flip_meta(directory, page, _OF_CHECKSUM)


@ailment()
def both_magics_flipped(directory: Path) -> None:
    """It is no bbolt file any more."""
    for page in (0, 1):
        _flip_meta(directory, page, 0)


@ailment(fast=True)
def newer_meta_flipped(directory: Path) -> None:
    """Bbolt falls back to the transaction before."""
    _flip_meta(directory, _meta(directory).index, _OF_TXID)


@ailment()
def older_meta_flipped(directory: Path) -> None:
    """Nobody needs it."""
    _flip_meta(directory, 1 - _meta(directory).index, _OF_TXID)


@ailment(fast=True)
def page_of_another_number(directory: Path) -> None:
    """A leaf says that it is another page."""
    flip(database(directory), _leaf(directory).start, 4)


@ailment()
def page_of_no_type(directory: Path) -> None:
    """A leaf has the flags of a branch, too."""
    flip(database(directory), _leaf(directory).start + 8, 1)


@ailment()
def page_of_type_meta(directory: Path) -> None:
    """A leaf says that it is a meta page."""
    flip(database(directory), _leaf(directory).start + 8, 6)


@ailment(fast=True)
def page_zeroed(directory: Path) -> None:
    """A leaf was never written."""
    start = _leaf(directory).start
    _zero(database(directory), start, start + 4096)


@ailment()
def root_page_of_another_number(directory: Path) -> None:
    """The root of all buckets says that it is another page."""
    meta = _meta(directory)
    flip(database(directory), meta.root * meta.page_size, 4)


@ailment()
def key_out_of_order(directory: Path) -> None:
    """A record's revision is changed: bbolt before 1.3.7 does not see it."""
    leaf = _leaf(directory)
    flip(database(directory), leaf.leaf_element(leaf.count // 2).key_offset + 3, 0x40)


@ailment(fast=True)
def record_of_no_message(directory: Path) -> None:
    """The pages are sound, a value is no key-value message."""
    leaf = _leaf(directory)
    flip(database(directory), leaf.leaf_element(leaf.count // 2).value_offset, 0x05)


@ailment()
def value_changed(directory: Path) -> None:
    """One letter of a user's value: nothing seals it."""
    leaf = _leaf(directory)
    element = leaf.leaf_element(leaf.count // 2)
    flip(database(directory), element.value_offset + element.value_size - 5)


@ailment()
def element_elsewhere(directory: Path) -> None:
    """A leaf's element leads far out of the file."""
    leaf = _leaf(directory)
    place = leaf.start + PAGE_HEADER_SIZE + ELEMENT_SIZE * (leaf.count // 2)
    flip(database(directory), place + 6, 0xFF)


@ailment(fast=True)
def database_of_another_time(directory: Path) -> None:
    """An older copy lies there, from before the newest snapshot."""
    shutil.copyfile(early_database(directory), database(directory))


@ailment()
def database_of_another_time_without_snaps(directory: Path) -> None:
    """The log is repeated from its beginning; 3.7 goes by the log's own marks."""
    database_of_another_time(directory)
    all_snaps_missing(directory)


@ailment(fast=True)
def leaders_database_not_yet_renamed(directory: Path) -> None:
    """Killed between receiving a leader's snapshot and taking its database."""
    shutil.copyfile(database(directory), snap_db(directory))
    database_of_another_time(directory)


@ailment()
def leaders_database_damaged(directory: Path) -> None:
    """The same, and that database is damaged."""
    leaders_database_not_yet_renamed(directory)
    flip(snap_db(directory), _leaf(directory, snap_db(directory)).start, 4)


@ailment(fast=True)
def leaders_database_alone(directory: Path) -> None:
    """The same, and the old database is gone: etcd renames the other one, and removes it."""
    shutil.copyfile(database(directory), snap_db(directory))
    database(directory).unlink()


# The log


@ailment(fast=True)
def entry_flipped(directory: Path) -> None:
    """In the last segment."""
    _flip_entry(segments(directory)[-1])


@ailment()
def entry_flipped_in_the_first_segment(directory: Path) -> None:
    """Long before the newest snapshot; etcd reads it all the same."""
    _flip_entry(segments(directory)[0])


@ailment()
def checksum_flipped(directory: Path) -> None:
    """The data is right."""
    segment = segments(directory)[-1]
    flip(segment, _middle(segment, RecordType.ENTRY).offset + 12)


@ailment(fast=True)
def length_flipped(directory: Path) -> None:
    """The record reaches over others."""
    segment = segments(directory)[-1]
    flip(segment, _middle(segment, RecordType.ENTRY).offset + 1, 0x10)


@ailment()
def length_shortened(directory: Path) -> None:
    """A field reaches beyond its record: up to 3.6 etcd takes that for a torn end, and cuts."""
    segment = segments(directory)[-1]
    flip(segment, _middle(segment, RecordType.ENTRY, size_min=2100).offset + 1, 0x08)


@ailment(fast=True)
def length_enormous(directory: Path) -> None:
    """The record reaches beyond the file."""
    segment = segments(directory)[-1]
    flip(segment, _middle(segment, RecordType.ENTRY).offset + _LENGTH_TOP, 0x10)


@ailment()
def length_enormous_in_the_first_segment(directory: Path) -> None:
    """The same where nothing is torn."""
    segment = segments(directory)[0]
    flip(segment, _middle(segment, RecordType.ENTRY).offset + _LENGTH_TOP, 0x10)


@ailment(fast=True)
def length_zeroed(directory: Path) -> None:
    """To etcd the log ends there; its database knows better."""
    segment = segments(directory)[-1]
    offset = _middle(segment, RecordType.ENTRY).offset
    _zero(segment, offset, offset + 8)


@ailment()
def length_zeroed_in_the_first_segment(directory: Path) -> None:
    """To etcd the next segment follows."""
    segment = segments(directory)[0]
    offset = _middle(segment, RecordType.ENTRY).offset
    _zero(segment, offset, offset + 8)


@ailment()
def state_of_no_type(directory: Path) -> None:
    """No checksum covers a record's type."""
    segment = segments(directory)[-1]
    flip(segment, _middle(segment, RecordType.STATE).offset + 9, 0x10)


@ailment()
def state_turned_into_an_entry(directory: Path) -> None:
    """The numbers of a hard state are taken for those of an entry."""
    segment = segments(directory)[-1]
    flip(segment, _middle(segment, RecordType.STATE).offset + 9, 0x01)


@ailment(fast=True)
def segments_do_not_chain(directory: Path) -> None:
    """The checksum at the head of the last segment is another one."""
    flip(segments(directory)[-1], 12)


@ailment()
def metadata_flipped(directory: Path) -> None:
    """The member's ID in the last segment is another one."""
    segment = segments(directory)[-1]
    flip(segment, _records(segment)[1].end - 8)


@ailment(fast=True)
def end_torn_off(directory: Path) -> None:
    """The file ends within the last record."""
    segment = segments(directory)[-1]
    os.truncate(segment, _records(segment)[-1].end - 6)


@ailment()
def end_torn_within_a_length(directory: Path) -> None:
    """The file ends within the last record's length."""
    segment = segments(directory)[-1]
    os.truncate(segment, _records(segment)[-1].offset + 3)


@ailment(fast=True)
def end_torn_at_a_sector(directory: Path) -> None:
    """The last sectors were never written."""
    segment = segments(directory)[-1]
    records = _records(segment)
    last = [r for r in records if r.end - r.offset > 3 * _SECTOR][-1]
    _zero(segment, (last.offset // _SECTOR + 1) * _SECTOR, records[-1].end)


@ailment()
def sector_never_written(directory: Path) -> None:
    """One sector before the end is zeros: etcd cuts the log there, and drops what follows."""
    segment = segments(directory)[-1]
    record = [r for r in _records(segment) if r.end - r.offset > 3 * _SECTOR][-5]
    begin = (record.offset // _SECTOR + 1) * _SECTOR
    _zero(segment, begin, begin + _SECTOR)


@ailment()
def sector_never_written_in_the_first_segment(directory: Path) -> None:
    """The same where no end can be torn."""
    segment = segments(directory)[0]
    record = [r for r in _records(segment) if r.end - r.offset > 3 * _SECTOR][-3]
    begin = (record.offset // _SECTOR + 1) * _SECTOR
    _zero(segment, begin, begin + _SECTOR)


@ailment()
def garbage_behind_the_end(directory: Path) -> None:
    """Behind a zero length: etcd writes zeros over it."""
    segment = segments(directory)[-1]
    with segment.open("r+b") as file:
        file.seek(_records(segment)[-1].end + 64)
        file.write(b"garbage!" * 10)


@ailment()
def first_segment_torn(directory: Path) -> None:
    """It ends within a record, and another follows."""
    segment = segments(directory)[0]
    os.truncate(segment, _records(segment)[-1].end - 6)


@ailment()
def first_segment_shortened(directory: Path) -> None:
    """It ends between two records, too early."""
    segment = segments(directory)[0]
    os.truncate(segment, _records(segment)[-3].offset)


@ailment(fast=True)
def first_segment_missing(directory: Path) -> None:
    """As etcd purges it itself."""
    segments(directory)[0].unlink()


@ailment(fast=True)
def middle_segment_missing(directory: Path) -> None:
    """The next one does not follow."""
    segments(directory)[1].unlink()


@ailment(fast=True)
def last_segment_missing(directory: Path) -> None:
    """The log ends before its database."""
    segments(directory)[-1].unlink()


@ailment(fast=True)
def first_segment_and_snaps_missing(directory: Path) -> None:
    """Nothing leads to where the log begins; 3.7 goes by the log's own marks."""
    first_segment_missing(directory)
    all_snaps_missing(directory)


@ailment()
def last_segment_empty(directory: Path) -> None:
    """No byte of it is left."""
    os.truncate(segments(directory)[-1], 0)


@ailment()
def last_segment_zeroed(directory: Path) -> None:
    """It was never written."""
    segment = segments(directory)[-1]
    _zero(segment, 0, segment.stat().st_size)


@ailment()
def all_segments_empty(directory: Path) -> None:
    """Nothing says whose log it is."""
    for segment in segments(directory):
        os.truncate(segment, 0)


@ailment(fast=True)
def log_directory_empty(directory: Path) -> None:
    """Etcd takes it for a directory without a member."""
    for segment in segments(directory):
        segment.unlink()


@ailment()
def log_directory_missing(directory: Path) -> None:
    """The same."""
    shutil.rmtree(directory / "member" / "wal")


@ailment()
def last_segment_renamed(directory: Path) -> None:
    """Etcd passes it over."""
    segment = segments(directory)[-1]
    segment.rename(segment.with_name("copy.wal"))


@ailment()
def all_segments_renamed(directory: Path) -> None:
    """There are .wal files, and none of them is a segment."""
    for segment in segments(directory):
        segment.rename(segment.with_name(f"x{segment.name}"))


# The directory itself


@ailment()
def everything_missing(directory: Path) -> None:
    """A lost disk."""
    shutil.rmtree(directory / "member")


@ailment(fast=True)
def proxy_beside_member(directory: Path) -> None:
    """What the v2 proxy of etcd 2 left."""
    (directory / "proxy").mkdir()


@ailment()
def litter(directory: Path) -> None:
    """Of a transfer and of a defragmentation that did not end."""
    for name in ("tmp123", "db.tmp.456"):
        (directory / "member" / "snap" / name).write_bytes(b"x")


def snaps(directory: Path) -> Sequence[Path]:
    """Return the .snap files, the newest last."""
    return sorted((directory / "member" / "snap").glob("*.snap"))


def database(directory: Path) -> Path:
    """Return the database."""
    return directory / "member" / "snap" / "db"


def early_database(directory: Path) -> Path:
    """Return the copy from halfway through, which lies beside the directory."""
    return directory.parent / "early-db"


def snap_db(directory: Path) -> Path:
    """Return where a leader's database for the newest snapshot would lie."""
    index = max(int(snap.name[17:33], 16) for snap in snaps(directory))
    return directory / "member" / "snap" / f"{index:016x}.snap.db"


def segments(directory: Path) -> Sequence[Path]:
    """Return the log's segments in order."""
    return sorted((directory / "member" / "wal").glob("*.wal"))


def flip(path: Path, offset: int, mask: int = 1) -> None:
    """Flip bits of one byte."""
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ mask]))


def _flip_middle(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


def _flip_meta(directory: Path, page: int, place: int) -> None:
    flip(database(directory), page * _meta(directory).page_size + PAGE_HEADER_SIZE + place)


def _meta(directory: Path) -> Meta:
    return read_metas(BufferSource(database(directory).read_bytes()[: 1 << 15])).valid[0]


def _leaf(directory: Path, path: Path | None = None) -> Page:
    """Return a leaf from the middle of the bucket of all keys."""
    found = Database(BufferSource((path or database(directory)).read_bytes()))
    bucket = found.bucket(b"key")
    assert bucket is not None
    page = bucket.root
    while not page.is_leaf:
        page = found.page(page.child(page.count // 2))
    return page


def _flip_entry(segment: Path) -> None:
    flip(segment, _middle(segment, RecordType.ENTRY).end - 40)


def _middle(segment: Path, kind: RecordType, *, size_min: int = 0) -> Record:
    """Return a record of that type from the middle of a segment; an entry with some content."""
    least = max(size_min, 200 if kind is RecordType.ENTRY else 0)
    fitting = [r for r in _records(segment) if r.type == kind and len(r.data) >= least]
    return fitting[len(fitting) // 2]


def _records(segment: Path) -> Sequence[Record]:
    return read_segment(BufferSource(segment.read_bytes()), last=True).records


def _zero(path: Path, begin: int, end: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(bytes(end - begin))
