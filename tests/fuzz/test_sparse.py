"""Files that claim a terabyte: what they cost is what lies on the disk."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from bbolt_builder import build
from mvcc_builder import Event
from seeds import SEEDS
from wal_data import make_segment

from requorum.formats.backend_file import record_row
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.wal import segment_name
from requorum.inspection.salvage.gather import gather

pytestmark = pytest.mark.processes

TERABYTE = 1 << 40
MEMORY = 1 << 30
SECONDS = 30


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a sparse db and snapshot, and with a data directory full of them."""
    directory = tmp_path_factory.mktemp("sparse")
    records = [Event(n + 2, 0, b"key%d" % n, b"value").record for n in range(30)]
    database = build({b"key": records, b"meta": []}).data
    (directory / "db").write_bytes(database)
    (directory / "saved").write_bytes(database)
    for folder in ("snap", "wal"):
        (directory / "member" / folder).mkdir(parents=True)
    (directory / "member" / "snap" / "db").write_bytes(database)
    snap = directory / "member" / "snap" / f"{2:016x}-{9:016x}.snap"
    snap.write_bytes(SEEDS["snap"][1])
    (directory / "member" / "wal" / segment_name(0, 0)).write_bytes(make_segment([b"a"] * 9).data)
    for path in directory.rglob("*"):
        if path.is_file():
            os.truncate(path, TERABYTE + (32 if path.name == "saved" else 0))
    return directory


@pytest.mark.parametrize(
    ("command", "name"),
    [("db", "db"), ("snapshot", "saved"), ("wal", "."), ("datadir", ".")],
)
def test_a_terabyte_of_nothing(room: Path, command: str, name: str) -> None:
    """Each door answers at once, within a gigabyte of memory."""
    done = subprocess.run(
        [sys.executable, "-m", "requorum", "inspect", command, str(room / name)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout


class Hole:
    """A database, and behind it nothing: whoever reads far into that fails the test."""

    def __init__(self, data: bytes, size: int, read_max: int) -> None:
        self._data = data
        self._read_max = read_max
        self.size = size

    def read(self, offset: int, length: int) -> memoryview:
        """Return bytes of the database, or zeros behind it."""
        assert offset + length <= self._read_max, f"{length} bytes at {offset} are read"
        return memoryview(self._data[offset : offset + length].ljust(length, b"\0"))


def test_a_salvage_does_not_search_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that no tree reaches are looked for up to where etcd ends, not up to a terabyte."""
    monkeypatch.setattr("requorum.inspection.salvage.gather.SEARCHED_MAX", 1 << 20)
    row = record_row(Revision(2), KeyValue(b"key", 2, 2, 1, b"value"))
    data = build({b"key": [row], b"meta": []}).data
    gathered = gather(Hole(data, TERABYTE, 1 << 20), 0)
    assert gathered.file is not None
    assert gathered.file.size == len(data)
    assert len(gathered.witnesses[0].rows.place) == 1
