"""`--hashkv`: the hash of each file, and whether members agree that compacted differently."""

import json
from pathlib import Path

import bbolt_builder
import pytest
from command_line import requorum
from mvcc_builder import Event, database_of

from requorum.formats.hashkv import hash_kv
from requorum.formats.source import BufferSource

EVENTS = [Event(n, 0, b"k%d" % (n % 5), b"%d" % n) for n in range(2, 40)]


def database_file(
    path: Path, events: list[Event] = EVENTS, *, compacted: int | None = None
) -> Path:
    """Write a database with those records; what a compaction drops is left out."""
    last = {event.key: event.main for event in events if event.main <= (compacted or 0)}
    kept = [e for e in events if e.main > (compacted or 0) or last[e.key] == e.main]
    database = database_of(kept, compacted=compacted)
    assert isinstance(database.source, BufferSource)
    path.write_bytes(database.source.read(0, database.source.size))
    return path


def test_one_file(tmp_path: Path) -> None:
    """The fields are named as etcdctl names them; nothing is compared."""
    path = database_file(tmp_path / "a.db")
    done = requorum("inspect", "db", str(path), "--hashkv", "-o", "json", cwd=tmp_path)
    assert done.returncode == 0
    expected = hash_kv(database_of(EVENTS))
    assert json.loads(done.stdout) == {
        "files": [
            {
                "hash": expected.hash,
                "compact_revision": -1,
                "hash_revision": 39,
                "revision": 39,
                "file": str(path),
                "common_hash": None,
            }
        ],
        "common": None,
        "equal": None,
        "why_not_comparable": None,
    }


@pytest.mark.parametrize("arguments", [("--hashkv", "20", "a.db"), ("a.db", "--hashkv", "20")])
def test_a_revision(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """REV may stand before or behind FILE."""
    database_file(tmp_path / "a.db")
    done = requorum("inspect", "snapshot", *arguments, "-o", "json", cwd=tmp_path)
    found = json.loads(done.stdout)["files"][0]
    assert (found["hash_revision"], found["hash"]) == (20, hash_kv(database_of(EVENTS), 20).hash)


def test_members_that_compacted_differently_are_equal(tmp_path: Path) -> None:
    """They are compared as if both were compacted to the later one, at the earlier current one."""
    database_file(tmp_path / "a.db", compacted=10)
    database_file(tmp_path / "b.db", EVENTS[:-2], compacted=15)
    done = requorum("inspect", "db", "--hashkv", "a.db", "b.db", "-o", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["equal"]) == (0, True)
    assert found["common"] == {"hash_revision": 37, "compact_revision": 15}
    assert [file["compact_revision"] for file in found["files"]] == [10, 15]
    own, common = ([f[name] for f in found["files"]] for name in ("hash", "common_hash"))
    assert (len(set(own)), len(set(common))) == (2, 1)
    expected = hash_kv(database_of(EVENTS[:-2]), 37, 15).hash
    assert common[0] == expected
    shown = requorum("inspect", "db", "a.db", "b.db", "--hashkv", cwd=tmp_path).stdout
    assert [line.split() for line in shown.splitlines()[1:4]] == [
        ["hash", "file"],
        [str(expected), "a.db"],
        [str(expected), "b.db"],
    ]
    assert shown.startswith(
        "equal at revision 37, the greatest that all of them have, as if all were compacted to 15:"
    )
    behind = shown.partition("each at its own current revision, as its member answers it:\n")[2]
    assert [line.split()[0] for line in behind.splitlines()] == ["hash", *map(str, own)]


def test_files_at_different_revisions(tmp_path: Path) -> None:
    """Their own hashes cannot be compared; those at the revision that both have can."""
    database_file(tmp_path / "ahead.db")
    database_file(tmp_path / "behind.db", EVENTS[:-5])
    done = requorum(
        "inspect", "db", "--hashkv", "ahead.db", "behind.db", "-o", "json", cwd=tmp_path
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found["equal"]) == (0, True)
    assert found["common"] == {"hash_revision": 34, "compact_revision": -1}
    assert [file["hash_revision"] for file in found["files"]] == [39, 34]
    expected = hash_kv(database_of(EVENTS), 34).hash
    assert [file["common_hash"] for file in found["files"]] == [expected, expected]
    assert found["files"][1]["hash"] == expected
    asked = requorum(
        "inspect", "db", "--hashkv", "30", "ahead.db", "behind.db", cwd=tmp_path
    ).stdout
    assert asked.startswith("equal at revision 30:\n")
    assert "each at that revision, as its member answers it:" in asked


def test_members_that_differ(tmp_path: Path) -> None:
    """One changed value is a finding."""
    other = [*EVENTS[:-1], Event(39, 0, EVENTS[-1].key, b"other")]
    database_file(tmp_path / "a.db")
    database_file(tmp_path / "b.db", other)
    done = requorum("inspect", "db", "--hashkv", "a.db", "b.db", cwd=tmp_path)
    assert done.returncode == 1
    first, *rows = done.stdout.splitlines()[:4]
    assert first == "different at revision 39, the greatest that all of them have:"
    assert rows[1].split()[0] != rows[2].split()[0]
    before = requorum("inspect", "db", "--hashkv", "38", "a.db", "b.db", cwd=tmp_path)
    assert before.returncode == 0


def test_files_without_a_common_revision(tmp_path: Path) -> None:
    """Where one begins after the other has ended nothing can be said, which is a finding."""
    database_file(tmp_path / "old.db", EVENTS[:9])
    database_file(tmp_path / "new.db", compacted=30)
    done = requorum("inspect", "db", "--hashkv", "old.db", "new.db", "-o", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["equal"], found["common"]) == (1, None, None)
    why = (
        "new.db is compacted to revision 30, and old.db ends at revision 10, before it: there is "
        "no revision that both of them have"
    )
    assert found["why_not_comparable"] == why
    shown = requorum("inspect", "db", "--hashkv", "old.db", "new.db", cwd=tmp_path).stdout
    assert shown.startswith(f"not comparable: {why}\n")
    assert [f["hash_revision"] for f in found["files"]] == [10, 39]


def test_the_trap_is_named(tmp_path: Path) -> None:
    """At the compact revision itself a member may answer another hash: stderr says so."""
    database_file(tmp_path / "a.db", compacted=20)
    trapped = requorum("inspect", "db", "a.db", "--hashkv", "20", cwd=tmp_path)
    assert "compare at a later revision" in trapped.stderr
    assert requorum("inspect", "db", "a.db", "--hashkv", "21", cwd=tmp_path).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--hashkv",), 2, "name a FILE"),
        (("--hashkv", "7"), 2, "name a FILE"),
        (("--hashkv", "a.db", "--quick"), 2, "--hashkv and --quick do not go together"),
        (("--hashkv", "a.db", "--top", "3"), 2, "--hashkv and --top do not go together"),
        (("--hashkv", "5", "a.db"), 2, "a.db: revision 5 is compacted"),
        (("--hashkv", "50", "a.db"), 2, "a.db: revision 50 is in the future"),
        (("--hashkv", "9" * 5000), 1, "9"),
        (("--hashkv", "none.db"), 2, "there is no file or directory none.db"),
        (("--hashkv", "other.db"), 5, "other.db: it is a bbolt file, but holds no etcd buckets"),
        (("--hashkv", "cut.db"), 5, "cut.db: the file ends at byte "),
    ],
)
def test_refusals(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    """One message that names the file, nothing on stdout."""
    whole = database_file(tmp_path / "a.db", compacted=10).read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.db").write_bytes(bbolt_builder.build({b"x": []}).data)
    done = requorum("inspect", "db", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"error: {message}")
