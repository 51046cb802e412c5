"""The verdict on a file, and what `snapshot restore` of its own minor makes of it."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from etcd_files import Recorded

from requorum.formats.bbolt.bucket import Database
from requorum.formats.records import scan_all
from requorum.formats.source import BufferSource
from requorum.inspection.file_verdict import Verdict, judge_file

PAGE_SIZE = 4096


@pytest.mark.etcd
def test_etcd_agrees(recorded: Recorded, tmp_path: Path) -> None:
    """What is restorable is restored, with or without the flag; what is not is refused by default.

    But for a record that does not decode: 3.5 and later notice it when etcd starts.
    """
    tool = recorded.bin_dir / ("etcdctl" if recorded.minor == "3.4" else "etcdutl")
    file = tmp_path / "file.db"
    for name, data in _damaged(recorded.files["everything"].read_bytes()).items():
        file.write_bytes(data)
        verdict = judge_file(BufferSource(data)).verdict
        if name == "record undecodable" and recorded.minor != "3.4":
            assert verdict is Verdict.SALVAGEABLE
            continue
        assert _restores(tool, file) == (verdict is Verdict.RESTORABLE), (name, verdict)
        if verdict in {Verdict.WITHOUT_HASH, Verdict.NOT_USABLE}:
            skipped = _restores(tool, file, "--skip-hash-check")
            assert skipped == (verdict is Verdict.WITHOUT_HASH), (name, verdict)


def _damaged(data: bytes) -> dict[str, bytes]:
    """Return a real snapshot in many states."""
    database = data[:-32]
    records = scan_all(Database(BufferSource(database)))
    row, large = len(records) // 2, int(records.value_size.argmax())
    record = int(records.value_offset[row])
    leaf = int(records.key_offset[row]) // PAGE_SIZE * PAGE_SIZE
    zeroed = database[:leaf] + bytes(PAGE_SIZE) + database[leaf + PAGE_SIZE :]
    return {
        "sound": data,
        "no trailer": database,
        "appended": data + b"x" * 512,
        "value changed": _with_byte(data, int(records.value_offset[large]) + 200),
        "page zeroed": _sealed(zeroed),
        "page zeroed, no trailer": zeroed,
        "record undecodable": _sealed(database[:record] + b"\x0b" + database[record + 1 :]),
        "meta page 0": _sealed(_with_byte(database, 40)),
        "both meta pages": _sealed(_with_byte(_with_byte(database, 40), PAGE_SIZE + 40)),
        "cut": data[: len(data) // 2],
    }


def _restores(tool: Path, file: Path, *flags: str) -> bool:
    """Return whether that tool restores a file."""
    target = file.parent / "restored"
    argv = [str(tool), "snapshot", "restore", str(file), f"--data-dir={target}", *flags]
    done = subprocess.run(
        argv, env={"ETCDCTL_API": "3"}, capture_output=True, timeout=60, check=False
    )
    if target.exists():
        target.rename(file.parent / f"restored-{len(list(file.parent.iterdir()))}")
    return done.returncode == 0


def _sealed(database: bytes) -> bytes:
    return database + hashlib.sha256(database).digest()


def _with_byte(data: bytes, offset: int) -> bytes:
    changed = bytearray(data)
    changed[offset] ^= 0x10
    return bytes(changed)
