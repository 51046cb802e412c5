"""`inspect snapshot` and `inspect db`: the verdict, what is in the file, and how it ends."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import bbolt_builder
import pytest
import yaml
from command_line import requorum
from made_files import (
    BUCKETS,
    MEMBER,
    PASSWORD_HASH,
    Rows,
    built,
    member,
    overwrite,
    put,
    write_db,
    write_snapshot,
)

from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.inspection import file_verdict


def inspected(command: str, *arguments: str, cwd: Path, code: int = 0) -> dict[str, Any]:
    """Return the JSON of one call, which must end with `code`."""
    done = requorum("inspect", command, *arguments, "-o", "json", cwd=cwd)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_everything_of_a_snapshot(tmp_path: Path) -> None:
    """Every bucket arrives in its field; ids are hexadecimal."""
    write_snapshot(tmp_path / "s.db")
    found = inspected("snapshot", "s.db", cwd=tmp_path)
    assert (found["file"], found["verdict"], found["trailer"]) == ("s.db", "restorable", "matches")
    assert (found["damage_count"], found["damages"], found["warnings"]) == (0, [], [])
    rows = sum(map(len, BUCKETS.values()))
    assert found["numbers"]["total_keys_all_buckets"] == rows
    assert found["numbers"]["total_keys_live"] == 28
    assert found["records"] == 30
    state = found["state"]
    assert (state["consistent_index"], state["term"], state["current_revision"]) == (41, 5, 31)
    assert state["compact_revision"] == state["scheduled_compact_revision"] == 12
    assert state["finished_compact_revision"] == 9
    assert (state["cluster_version"], state["storage_version"]) == ("3.6.0", "3.6.0")
    assert state["downgrade"] == {"enabled": True, "target_version": "3.5.0"}
    assert state["conf_state"] == {"voters": [f"{MEMBER:x}"], "learners": ["4"]}
    assert [m["id"] for m in state["members"]] == ["4", f"{MEMBER:x}"]
    assert [m["learner"] for m in state["members"]] == [True, False]
    assert state["removed_members"] == ["1f"]
    assert state["alarms"] == [{"member": f"{MEMBER:x}", "kind": "NOSPACE"}]
    assert (state["lease_count"], state["leases"]) == (1, None)
    assert state["auth"]["users"] == [{"name": "app", "roles": ["reader"], "no_password": False}]
    assert found["largest"] is None


def test_pages_and_metas(tmp_path: Path) -> None:
    """Both meta pages are shown, and what is free."""
    data = built().data
    (tmp_path / "d.db").write_bytes(data)
    found = inspected("db", "d.db", cwd=tmp_path)
    assert [(m["page"], m["valid"], m["current"], m["txid"]) for m in found["metas"]] == [
        (0, True, True, 8),
        (1, True, False, 7),
    ]
    pages = found["pages"]
    assert (pages["reachable"] + pages["free"]) * pages["page_size"] == len(data)
    assert pages["bytes_in_use"] == pages["reachable"] * pages["page_size"]


def test_leases_and_largest_are_asked_for(tmp_path: Path) -> None:
    """They are long, so they come only then."""
    write_db(tmp_path / "d.db")
    found = inspected("db", "d.db", "--leases", "--top", "2", cwd=tmp_path)
    assert found["state"]["leases"] == [{"id": "0000000000000007", "ttl": 60, "remaining_ttl": 0}]
    largest = found["largest"]
    assert [entry["name"] for entry in largest["prefixes_by_bytes"]] == ["/a/"]
    assert [entry["name"] for entry in largest["keys_by_bytes"]] == ["/a/2", "/a/29"]
    assert largest["keys_by_revisions"][0]["usage"]["revisions"] == 2
    assert largest["total"]["keys"] == 28


def test_as_text(tmp_path: Path, transcript: Any) -> None:
    """The whole page, as an operator sees it."""
    write_snapshot(tmp_path / "backup.db")
    done = requorum("inspect", "snapshot", "backup.db", "--leases", "--top", "3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    transcript("inspect-snapshot", done.stdout)


def test_yaml_is_the_same(tmp_path: Path) -> None:
    """One result, several renderers."""
    write_db(tmp_path / "d.db")
    done = requorum("inspect", "db", "d.db", "-o", "yaml", cwd=tmp_path)
    assert yaml.safe_load(done.stdout) == inspected("db", "d.db", cwd=tmp_path)


def test_no_password_hash_anywhere(tmp_path: Path) -> None:
    """Neither in what is printed nor in what is said of a malformed row."""
    name, value = BUCKETS[b"authUsers"][0]
    rows: Rows = [(name, value), (b"cut", value + b"\x0a\x7f")]
    write_db(tmp_path / "d.db", authUsers=rows)
    for output in ("table", "json", "yaml"):
        done = requorum("inspect", "db", "d.db", "-o", output, cwd=tmp_path)
        assert done.returncode == 1
        assert "bucket authUsers" in done.stdout
        assert PASSWORD_HASH.decode() not in done.stdout + done.stderr


@pytest.mark.parametrize(("command", "code"), [("db", 0), ("snapshot", 1)])
def test_a_file_without_sha256(command: str, code: int, tmp_path: Path) -> None:
    """A copied db has none, so that is no finding there; a snapshot should have it."""
    write_db(tmp_path / "d.db")
    found = inspected(command, "d.db", cwd=tmp_path, code=code)
    assert (found["verdict"], found["trailer"]) == ("restorable-without-hash", "absent")


def test_a_file_that_lost_the_end_of_its_sha256(tmp_path: Path) -> None:
    """That is no db that was copied, whatever command it is given to."""
    path = write_snapshot(tmp_path / "s.db")
    path.write_bytes(path.read_bytes()[:-5])
    inspected("db", "s.db", cwd=tmp_path, code=1)


def test_a_changed_value(tmp_path: Path) -> None:
    """Only the SHA-256 tells."""
    path = write_snapshot(tmp_path / "s.db")
    overwrite(path, path.read_bytes().index(b"x" * 29), b"y")
    found = inspected("snapshot", "s.db", cwd=tmp_path, code=1)
    assert (found["trailer"], found["damage_count"]) == ("differs", 0)


def test_all_damage_is_listed(tmp_path: Path) -> None:
    """The table has the first twenty and the count, JSON all, each with its place."""
    rows = [(RevisionKey(Revision(n)).encode(), b"\xff" * 9) for n in range(2, 52)]
    write_db(tmp_path / "d.db", key=[*rows, put(52, b"k", b"v")])
    found = inspected("db", "d.db", cwd=tmp_path, code=1)
    assert found["verdict"] == "salvageable"
    assert found["damage_count"] == len(found["damages"]) == found["undecoded_records"] == 50
    data = (tmp_path / "d.db").read_bytes()
    for damage in found["damages"]:
        assert data[damage["offset"] : damage["offset"] + 9] == b"\xff" * 9
        assert damage["page"] == damage["offset"] // 4096
    shown = requorum("inspect", "db", "d.db", cwd=tmp_path)
    assert "50 damaged places, the first 20:" in shown.stdout
    assert shown.stdout.count("\n  page ") == 20
    assert "-o json has all of them" in shown.stderr


def test_damaged_pages(tmp_path: Path) -> None:
    """What lies on other pages is still told; numbers that would be wrong are not."""
    made = built()
    leaf = max(number for number, page in made.pages.items() if b"/a/9" in page)
    made.pages[leaf] = bytes(len(made.pages[leaf]))
    (tmp_path / "d.db").write_bytes(made.data)
    found = inspected("db", "d.db", "--top", "1", cwd=tmp_path, code=1)
    assert found["numbers"] is None
    assert found["state"]["consistent_index"] == 41
    assert found["damages"][0]["page"] == leaf
    assert 0 < found["largest"]["total"]["keys"] < 28
    shown = requorum("inspect", "db", "d.db", cwd=tmp_path).stdout
    assert "cannot be had from damaged pages" in shown
    assert "out of reach because of the damage" in shown


def test_one_damaged_meta_page(tmp_path: Path) -> None:
    """The other one is whole: a finding, and no more."""
    path = write_snapshot(tmp_path / "s.db")
    overwrite(path, 4096 + 30, b"\xff")
    found = inspected("snapshot", "s.db", cwd=tmp_path, code=1)
    assert found["metas"][1]["valid"] is False
    assert "checksum" in found["metas"][1]["problem"]
    assert found["state"] is not None


def test_contradictions(tmp_path: Path) -> None:
    """A record that no etcd wrote so is a finding, though it serves it."""
    odd = KeyValue(b"k", 50, 40, 1, b"v").encode()
    rows = [*BUCKETS[b"key"], (RevisionKey(Revision(40)).encode(), odd)]
    write_snapshot(tmp_path / "s.db", key=rows)
    found = inspected("snapshot", "s.db", cwd=tmp_path, code=1)
    assert (found["verdict"], found["contradiction_count"]) == ("restorable", 2)
    shown = requorum("inspect", "snapshot", "s.db", cwd=tmp_path).stdout
    assert "2 records that contradict themselves:" in shown


@pytest.mark.parametrize(
    "data", [b"\xff\x00" * 9000, b"\0" * 100, bbolt_builder.build({b"other": []}).data]
)
def test_nothing_can_be_used(data: bytes, tmp_path: Path) -> None:
    """Exit code 5, and still a result that says why."""
    (tmp_path / "x.db").write_bytes(data)
    found = inspected("db", "x.db", "--top", "3", cwd=tmp_path, code=5)
    assert found["verdict"] == "not-usable"
    assert found["reasons"]
    assert requorum("inspect", "db", "x.db", cwd=tmp_path).returncode == 5


@pytest.mark.parametrize("quick", [(), ("--quick",)])
@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("s.db", b"", "s.db is empty, and no database", "take another one"),
        ("s.db", b"\x1f\x8b\x08" + bytes(99), "s.db is compressed with gzip", "gunzip --keep s.db"),
        ("a b.db", b"BZh91AY", "a b.db is compressed with bzip2", "bunzip2 --keep 'a b.db'"),
        ("s.db", b"<html>not here</html>", "s.db is a text file", "Fetch the file itself"),
        ("s.db.part", b"", "s.db.part is empty", "the save was never finished"),
    ],
)
def test_other_files(  # noqa: PLR0917  # parameters of a table
    quick: tuple[str, ...], name: str, content: bytes, message: str, hint: str, tmp_path: Path
) -> None:
    """They are named for what they are, with what to do."""
    (tmp_path / name).write_bytes(content)
    done = requorum("inspect", "snapshot", name, *quick, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(f"error: {message}")
    assert hint in done.stderr


@pytest.mark.parametrize("quick", [(), ("--quick",)])
def test_places_without_a_file(quick: tuple[str, ...], tmp_path: Path) -> None:
    """A wrong path is the call's mistake."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    raft = "0000000000000001-0000000000000002.snap"
    (tmp_path / raft).write_bytes(b"\x08\x01")
    for name in ("none.db", "directory", "dangling", *(() if quick else (raft,))):
        done = requorum("inspect", "db", name, *quick, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), name
        assert name in done.stderr
        assert "hint:" in done.stderr


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody writes to it."""
    os.mkfifo(tmp_path / "fifo")
    for quick in ((), ("--quick",)):
        done = requorum("inspect", "snapshot", "fifo", *quick, cwd=tmp_path)
        assert done.returncode == 2
        assert "fifo is neither a file nor a directory" in done.stderr


def test_a_link_and_a_data_directory(tmp_path: Path) -> None:
    """Both lead to the database, and are named as they were written."""
    (tmp_path / "data" / "member" / "snap").mkdir(parents=True)
    write_db(tmp_path / "data" / "member" / "snap" / "db")
    (tmp_path / "link").symlink_to("data/member/snap/db")
    for name in ("data", "link"):
        assert inspected("db", name, cwd=tmp_path)["file"] == name
        assert inspected("db", name, "--quick", cwd=tmp_path)["revision"] == 31


def test_quick_is_a_part_of_the_whole(tmp_path: Path) -> None:
    """The numbers are the same, under the same names."""
    write_snapshot(tmp_path / "s.db")
    numbers = inspected("snapshot", "s.db", "--quick", cwd=tmp_path)
    assert numbers == inspected("snapshot", "s.db", cwd=tmp_path)["numbers"]
    shown = requorum("inspect", "snapshot", "s.db", "--quick", cwd=tmp_path).stdout.splitlines()
    assert shown[0] == f"hash        {numbers['hash']:x}"
    assert shown[3].split()[0] == str(numbers["total_keys_all_buckets"])


def test_quick_on_damage(tmp_path: Path) -> None:
    """It stops at the first, and says how all of it is listed."""
    path = write_db(tmp_path / "d.db")
    overwrite(path, 5 * 4096, bytes(4096))
    done = requorum("inspect", "db", "d.db", "--quick", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("error: d.db: ")
    assert "Without --quick all damage is listed." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name one FILE"),
        (("a", "b"), "name one FILE"),
        (("a", "--quick", "--leases"), "--quick and --leases do not go together"),
        (("a", "--quick", "--top", "3"), "--quick and --top do not go together"),
        (("a", "--top", "0"), "0 is not in the range"),
    ],
)
def test_usage(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """A wrong call is exit code 2."""
    done = requorum("inspect", "db", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_database_in_use(tmp_path: Path) -> None:
    """It can be read, but what is said may come from changes meanwhile: stderr warns."""
    path = write_db(tmp_path / "d.db")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = inspected("db", "d.db", cwd=tmp_path)
        done = requorum("inspect", "db", "d.db", cwd=tmp_path)
    assert "d.db is locked by a running process" in found["warnings"][0]
    assert "warning: d.db is locked by a running process" in done.stderr
    assert "etcdctl snapshot save" in done.stderr


def test_a_database_that_changes(tmp_path: Path) -> None:
    """Where it was written to meanwhile that is said, lock or not."""
    path = write_db(tmp_path / "d.db")

    def changing(*arguments: Any) -> file_verdict.FileVerdict:
        overwrite(path, 0, b"\0")
        return file_verdict.judge_file(*arguments)

    with mock.patch("requorum.app.inspect.database.inspect_database.judge_file", changing):
        found = inspected("db", "d.db", cwd=tmp_path)
    assert "written to while it was read" in found["warnings"][0]


def test_an_unfinished_save(tmp_path: Path) -> None:
    """Its name gives it away, also where all of it seems to be there."""
    write_snapshot(tmp_path / "s.db.part")
    found = inspected("snapshot", "s.db.part", cwd=tmp_path)
    assert "was not finished" in found["warnings"][0]


def test_no_terminal_obeys_what_a_file_says(tmp_path: Path) -> None:
    """Names and keys with control characters are escaped, in the table and by JSON itself."""
    evil = "\x1b]0;owned\x07\u202e"
    rows = [member(1, evil, clientURLs=[evil])]
    write_db(
        tmp_path / "d.db",
        members=rows,
        cluster=[(b"clusterVersion", evil.encode())],
        key=[put(2, b"/" + evil.encode() + b"/1", b""), put(3, b"/" + evil.encode() + b"/2", b"")],
    )
    done = requorum("inspect", "db", "d.db", "--top", "3", cwd=tmp_path)
    assert "\\x1b]0;owned\\a\\u202e" in done.stdout
    assert done.stdout.replace("\n", "").isprintable()
    found = requorum("inspect", "db", "d.db", "-o", "json", cwd=tmp_path)
    assert "\x1b" not in found.stdout
