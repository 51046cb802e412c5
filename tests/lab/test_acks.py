"""The writers' record on disk."""

from pathlib import Path

import pytest

from requorum.errors import DamagedInput
from requorum.lab.acks import (
    Ack,
    AckLog,
    Compact,
    Delete,
    Failed,
    Grant,
    Intent,
    Put,
    Txn,
    next_run,
    read_records,
)

LINES = (
    Intent(seq=1, operation=Put(key="a")),
    Ack(seq=1, revision=2),
    Intent(seq=2, operation=Put(key="a", lease=7)),
    Failed(seq=2, applied="unknown", error="no answer"),
    Intent(seq=3, operation=Txn(put="a", delete="b", if_mod_revision=2)),
    Intent(seq=4, operation=Delete(key="b")),
    Intent(seq=5, operation=Grant(lease=9, ttl=600)),
    Intent(seq=6, operation=Compact(revision=3)),
)


def write(directory: Path, writer: str) -> Path:
    """Write LINES as that writer's file."""
    path = directory / f"{writer}.jsonl"
    with AckLog(path) as log:
        for line in LINES:
            log.write(line)
    return path


def test_lines_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    """Every kind of line and operation."""
    write(tmp_path, "r1-w00")
    assert read_records(tmp_path) == {"r1-w00": LINES}


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """Its writer was killed while writing it: nothing was asked for, or its outcome is unknown."""
    path = write(tmp_path, "r1-w00")
    path.write_bytes(path.read_bytes()[:-5])
    assert read_records(tmp_path) == {"r1-w00": LINES[:-1]}


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """A record that cannot be believed must not be counted with."""
    path = write(tmp_path, "r1-w00")
    path.write_bytes(b'{"line":"ack"}\n' + path.read_bytes())
    with pytest.raises(DamagedInput, match="line 1,"):
        read_records(tmp_path)


def test_each_load_has_names_of_its_own(tmp_path: Path) -> None:
    """A second load must not own the keys of the first; nor may its file be opened twice."""
    assert next_run(tmp_path) == 1
    write(tmp_path, "r9-w00")
    write(tmp_path, "r10-w03")
    assert next_run(tmp_path) == 11
    with pytest.raises(FileExistsError):
        AckLog(tmp_path / "r9-w00.jsonl")
