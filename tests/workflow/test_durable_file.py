"""Files that are there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from requorum.errors import RequorumError
from requorum.workflow.durable_file import make_dir, write_all, write_new


def test_a_file_is_its_owners_only(tmp_path: Path) -> None:
    """Plans name hosts and paths; nobody else need read them."""
    make_dir(tmp_path / "runs" / "one")
    write_new(tmp_path / "runs" / "one" / "plan.json", b"{}")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted((tmp_path).rglob("*"))]
    assert modes == [0o700, 0o700, 0o600]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """No draft is left, and what a killed writer left is no hindrance."""
    (tmp_path / "plan.json").write_bytes(b"old")
    (tmp_path / "plan.json.new").write_bytes(b"a longer torn draft")
    write_new(tmp_path / "plan.json", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("plan.json", b"new")
    ]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk does not take it, the error says why and nothing is replaced."""
    (tmp_path / "plan.json").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", _failing)
    with pytest.raises(RequorumError, match=r"cannot write .*plan.json: input/output error"):
        write_new(tmp_path / "plan.json", b"new")
    assert (tmp_path / "plan.json").read_bytes() == b"old"


def test_a_directory_is_not_made_twice(tmp_path: Path) -> None:
    """Two runs never share one."""
    make_dir(tmp_path / "run")
    with pytest.raises(RequorumError, match="file exists"):
        make_dir(tmp_path / "run")


def test_short_writes_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less than it was given."""
    taken: list[bytes] = []

    def take_three(_: int, data: memoryview) -> int:
        taken.append(bytes(data[:3]))
        return len(taken[-1])

    monkeypatch.setattr(os, "write", take_three)
    write_all(-1, b"12345678")
    assert taken == [b"123", b"456", b"78"]


def _failing(_: int) -> None:
    raise OSError(5, "Input/output error")
