"""etcd's own tools of each minor, asked about a file."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ToolStatus:
    """What `snapshot status -w json` prints; `version` is empty where a release has none."""

    hash: int
    revision: int
    total_key: int
    total_size: int
    version: str


def snapshot_status(bin_dir: Path, minor: str, path: Path) -> ToolStatus:
    """Ask etcdctl 3.4, or etcdutl since 3.5."""
    tool = "etcdctl" if minor == "3.4" else "etcdutl"
    printed = _run(bin_dir / tool, "snapshot", "status", str(path), "-w=json")
    return ToolStatus(
        hash=printed["hash"],
        revision=printed["revision"],
        total_key=printed["totalKey"],
        total_size=printed["totalSize"],
        version=printed.get("version", ""),
    )


def hashkv(bin_dir: Path, path: Path, revision: int, scratch: Path) -> tuple[int, int, int]:
    """Ask etcdutl since 3.6 for (hash, compact revision, revision).

    It opens the file for writing and finishes an interrupted compaction: so it gets a copy.
    """
    copy = scratch / "copy.db"
    shutil.copyfile(path, copy)
    printed = _run(bin_dir / "etcdutl", "hashkv", str(copy), f"--rev={revision}", "-w=json")
    return printed["hash"], printed["compactRevision"], printed["hashRevision"]


def _run(tool: Path, *arguments: str) -> dict[str, int]:
    done = subprocess.run(
        [str(tool), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return printed
