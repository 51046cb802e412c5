"""A database that was cut short: what real etcd of every minor then prints, at many places.

bbolt checks no length. It maps the file, and the kernel ends the process with SIGBUS where it
reads behind the end; in the rest of a page that was cut it reads zeros.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import ailments
import pytest
from comparison import Compared, compare
from recorded_dirs import Recorded, RecordedDirs, copy_for_boot

from requorum.formats.bbolt.meta import Meta, read_metas
from requorum.formats.source import BufferSource
from requorum.inspection.boot.prediction import Outcome

pytestmark = [pytest.mark.etcd, pytest.mark.timeout(240)]

RANDOM_CUTS = 40
WITHIN = (16, 100, 300, 700, 1500, 3000)
"""Bytes that are left of a page: within its header's neighbours, its keys, its values."""


def meta_of(recorded: Recorded) -> Meta:
    """Return the current meta page of a recorded database."""
    head = ailments.database(recorded.data_dir()).read_bytes()[: 1 << 15]
    return read_metas(BufferSource(head)).current


def cut_and_boot(recorded: Recorded, size: int, directory: Path) -> Compared:
    """Cut a copy's database to some bytes; predict, and boot."""
    lab = copy_for_boot(recorded, directory / str(size))
    os.truncate(ailments.database(lab.data_dir("etcd1")), size)
    return compare(lab, version=lab.etcd_version)


def check(found: Compared, size: int) -> None:
    """Assert that it came as predicted, and that recover would not have started it."""
    assert found.agree, f"cut to {size}: {found}"
    if found.booted.ended:
        assert found.not_bootable, f"cut to {size}: recover would start it; {found}"


def test_between_two_pages_it_is_sigbus(
    etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """Wherever that is: no word of etcd's or bbolt's, the same three lines of Go's."""
    recorded = recorded_dirs(etcd_minor)
    meta = meta_of(recorded)
    for pages in (2, 3, meta.high_water_mark // 2, meta.high_water_mark - 1):
        size = pages * meta.page_size
        found = cut_and_boot(recorded, size, tmp_path)
        check(found, size)
        assert found.prediction.signature is not None
        assert found.prediction.signature.id == "db-cut-short"
        log = found.booted.log
        lines = ("unexpected fault address 0x", "fatal error: fault", "[signal SIGBUS: bus error")
        assert all(line in log for line in lines), found
        assert "panic" not in log.partition("unexpected fault address")[0]


def test_behind_what_is_used_it_starts(
    etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """Nothing is missed in the last bytes of the last page: they are zeros anyway."""
    recorded = recorded_dirs(etcd_minor)
    meta = meta_of(recorded)
    whole = ailments.database(recorded.data_dir()).read_bytes()[: meta.logical_size]
    size = len(whole.rstrip(b"\0")) + 1
    assert size < meta.logical_size, "its last page is full: this needs another recording"
    found = cut_and_boot(recorded, size, tmp_path)
    check(found, size)
    assert found.prediction.outcome is Outcome.STARTS
    assert any("does not see that its database is cut" in w for w in found.prediction.warnings)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_anywhere(etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path) -> None:
    """Within the last pages, within others, at random: each comes as predicted."""
    recorded = recorded_dirs(etcd_minor)
    meta = meta_of(recorded)
    for size in sorted(set(_sizes(meta, random.Random(7)))):
        check(cut_and_boot(recorded, size, tmp_path), size)


def _sizes(meta: Meta, rng: random.Random) -> Iterator[int]:
    for page in (*range(meta.high_water_mark - 4, meta.high_water_mark), meta.root):
        yield from (page * meta.page_size + left for left in WITHIN)
    for _ in range(RANDOM_CUTS):
        yield rng.randrange(2 * meta.page_size, meta.logical_size)
