"""The doors on files of real members: no false alarm, and a running member's db is read too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import requorum
from etcd_files import Recorded
from running_etcd import start

pytestmark = pytest.mark.etcd

SNAPSHOTS = ("empty", "uncompacted", "compacted", "everything", "interrupted")
COPIES = ("member", "killed", "bumped")


def inspected(command: str, path: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Return the JSON of one call, which must end with `code`."""
    where = ("inspect", command, str(path), *arguments, "-o", "json")
    done = requorum(*where, cwd=path.parent)
    assert done.returncode == code, done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_etcd_wrote_is_sound(recorded: Recorded) -> None:
    """No file of any minor has damage, a contradiction, or a wrong hash in our eyes."""
    for name in (*SNAPSHOTS, *COPIES):
        if name not in recorded.files:
            continue
        command = "snapshot" if name in SNAPSHOTS else "db"
        found = inspected(command, recorded.files[name])
        assert (found["damage_count"], found["contradiction_count"]) == (0, 0), name
        assert found["trailer"] == ("matches" if command == "snapshot" else "absent")
        assert found["numbers"] == inspected(command, recorded.files[name], "--quick")


def test_everything_is_told(recorded: Recorded) -> None:
    """Members, alarms, leases, users and the largest keys are what was put there."""
    found = inspected("snapshot", recorded.files["everything"], "--leases", "--top", "5")
    state = found["state"]
    assert state["cluster_version"] == f"{recorded.minor}.0"
    assert sorted(m["learner"] for m in state["members"]) == [False, True]
    assert {(a["kind"], a["member"] == "1234") for a in state["alarms"]} == {
        ("NOSPACE", False),
        ("CORRUPT", True),
    }
    assert [lease["ttl"] for lease in state["leases"]] == [3600] * 5
    assert state["auth"]["enabled"]
    assert [user["name"] for user in state["auth"]["users"]] == ["app", "root"]
    largest = found["largest"]
    assert largest["total"]["revisions"] == found["records"]
    assert largest["total"]["keys"] == found["numbers"]["total_keys_live"]
    assert largest["prefixes_by_bytes"][0]["name"] == "/fill/"
    assert "/registry/pods/" in [entry["name"] for entry in largest["prefixes_by_revisions"]]


def test_a_running_members_db(
    etcd_minor: str, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> None:
    """It is read, with a warning; whatever is torn meanwhile is at most a finding."""
    etcd = start(etcd_binaries(etcd_minor).name, tmp_path, (), "http")
    try:
        etcd.etcdctl("put", "k", "v")
        done = requorum("inspect", "db", str(etcd.data_dir), cwd=tmp_path)
    finally:
        etcd.kill()
    assert done.returncode in (0, 1)
    assert "is locked by a running process" in done.stderr
    assert inspected("db", etcd.data_dir)["warnings"] == []
