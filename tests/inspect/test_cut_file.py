"""A database that was cut short is the same fact everywhere, and told in the same words."""

import json
from pathlib import Path

import pytest
from command_line import requorum
from made_files import write_db, write_snapshot

PAGE_SIZE = 4096

COMMANDS = [
    ("inspect", "snapshot", "cut.db"),
    ("inspect", "db", "cut.db"),
    ("inspect", "db", "--quick", "cut.db"),
    ("inspect", "db", "--hashkv", "cut.db"),
    ("inspect", "diff", "cut.db", "whole.db"),
    ("salvage", "cut.db", "-o", "new.db"),
    ("inspect", "datadir", "data"),
    ("inspect", "datadir", "--quick", "data"),
]


def cut_to(directory: Path, size: int) -> str:
    """Write a whole database, a cut one and a data directory with that; return the words."""
    whole = write_db(directory / "whole.db").read_bytes()
    snap = directory / "data" / "member" / "snap"
    snap.mkdir(parents=True)
    for path in (directory / "cut.db", snap / "db"):
        path.write_bytes(whole[:size])
    return f"the file ends at byte {size}; its meta page says {len(whole)} bytes"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("left", [-PAGE_SIZE, -PAGE_SIZE + 512 + 32, -5])
def test_each_command_tells_it(left: int, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Between pages, where the last 32 bytes look like a hash, and at an odd place."""
    size = len(write_db(tmp_path / "sized.db").read_bytes()) + left
    said = cut_to(tmp_path, size)
    done = requorum(*arguments, cwd=tmp_path)
    assert said in done.stdout + done.stderr, (done.stdout, done.stderr)
    assert done.returncode != 0 or arguments[0] == "salvage"


def test_where_its_root_is_gone(tmp_path: Path) -> None:
    """Nothing can be compared, and the reason is the same."""
    said = cut_to(tmp_path, 2 * PAGE_SIZE)
    done = requorum("inspect", "diff", "cut.db", "whole.db", cwd=tmp_path)
    assert done.returncode == 5
    assert done.stderr.startswith(f"error: cut.db: {said}\n")
    quick = requorum("inspect", "datadir", "--quick", "data", "-o", "json", cwd=tmp_path)
    problems = json.loads(quick.stdout)["problems"] if quick.stdout else [quick.stderr]
    assert any(f"the database cannot be read: {said}" in problem for problem in problems)


def test_a_cut_snapshot_is_not_said_to_lack_its_hash_only(tmp_path: Path) -> None:
    """No flag makes etcd restore it."""
    whole = write_snapshot(tmp_path / "cut.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: -2 * PAGE_SIZE])
    done = requorum("inspect", "snapshot", "cut.db", "-o", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    size, pages = len(whole) - 2 * PAGE_SIZE, len(whole) - 32
    assert found["reasons"][0] == (
        f"the file ends at byte {size}; its meta page says {pages} bytes"
    )
    assert not any("--skip-hash-check" in reason for reason in found["reasons"])
