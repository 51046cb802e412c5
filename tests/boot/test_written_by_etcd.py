"""Directories that each minor of etcd wrote name it, by whichever part of them is left."""

import asyncio
import shutil
from pathlib import Path

import ailments
import pytest
from recorded_dirs import RecordedDirs

from requorum.clients.hosts.local import LocalHost
from requorum.facts.whole_dir import Place, read_whole_dir
from requorum.inspection.boot.written_by import written_by
from requorum.lab.damage.sparse import copy_tree_sparse

pytestmark = [pytest.mark.etcd, pytest.mark.timeout(120)]

REST = {
    "log": ("snap",),
    "database": ("wal", "snap/*.snap"),
    "snapshots": ("wal", "snap/db"),
    "everything": (),
}
"""What is taken away of the member directory, by what is left."""


@pytest.mark.parametrize("left", REST)
def test_each_part_names_the_minor(
    left: str, etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """The log's entry, the database's buckets, the v2 store in a .snap file."""
    directory = tmp_path / "data"
    copy_tree_sparse(recorded_dirs(etcd_minor).data_dir(), directory)
    for pattern in REST[left]:
        for path in list((directory / "member").glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert bool(ailments.snaps(directory)) is (left in ("snapshots", "everything"))
    whole = asyncio.run(read_whole_dir(LocalHost(), Place.of(str(directory), None), lambda _: None))
    found = written_by(whole.directory)
    assert found is not None
    assert (".".join(map(str, found.minor)), found.because[-3:]) == (etcd_minor, etcd_minor)
