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

from requorum.formats.wal import segment_name

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
