"""The hash of a file is what its member answered, at any revision: and where it is not, why."""

from collections.abc import Callable
from pathlib import Path

import pytest
from etcd_files import Answer, Recorded
from real_tools import hashkv

from requorum.formats.bbolt.bucket import Database
from requorum.formats.hashkv import hash_kv
from requorum.formats.source import BufferSource

pytestmark = pytest.mark.etcd

REVISIONS_MIN = 30

BinariesOf = Callable[[str], Path]


def database_at(path: Path) -> Database:
    """Open a file."""
    return Database(BufferSource(path.read_bytes()))


def ours(path: Path, revision: int) -> Answer:
    """Return what the file gives."""
    found = hash_kv(database_at(path), revision)
    return Answer(found.hash, found.compact_revision, found.revision)


@pytest.mark.parametrize("name", ["uncompacted", "compacted"])
def test_equals_the_members_answers(recorded: Recorded, name: str) -> None:
    """At thirty random revisions and more, before and after compactions."""
    answers = recorded.answers[name]
    assert len(answers) >= REVISIONS_MIN
    assert [ours(recorded.files[name], answer.revision) for answer in answers] == answers


def test_the_trap_of_the_compaction_revisions(recorded: Recorded) -> None:
    """Asked at a revision that it just compacted to, a member answers for the time before.

    It gives the hash that it stored when it compacted, with the compact revision of then. A file
    from before that compaction gives the same; one from after it cannot, and says so by its own
    compact revision. So only whole triples can be compared. 3.4 stores no hashes.
    """
    if recorded.minor == "3.4":
        assert recorded.at_compactions == []
        return
    assert len(recorded.at_compactions) == 3
    compacted = recorded.files["compacted"]
    for before, answer in recorded.at_compactions:
        assert answer.compact_revision < answer.revision
        assert ours(before, answer.revision) == answer
    before, answer = recorded.at_compactions[-1]
    after = ours(compacted, answer.revision)
    assert after.compact_revision == answer.revision
    assert after != answer


@pytest.mark.parametrize("name", ["empty", "interrupted", "killed"])
@pytest.mark.parametrize("tool", ["3.6", "3.7"])
def test_equals_etcdutl_hashkv(
    tool: str, name: str, recorded: Recorded, etcd_binaries: BinariesOf, tmp_path: Path
) -> None:
    """On files of every minor; a scheduled compaction counts as done, as etcdutl makes it be.

    These files are without leases: where a key has one, `etcdutl hashkv` of 3.6 panics.
    """
    found = hashkv(etcd_binaries(tool), recorded.files[name], 0, tmp_path)
    assert Answer(*found) == ours(recorded.files[name], 0)


@pytest.mark.parametrize("name", ["uncompacted", "compacted", "everything", "member"])
def test_equals_etcdutl_hashkv_with_leases(
    name: str, recorded: Recorded, etcd_binaries: BinariesOf, tmp_path: Path
) -> None:
    """3.7 on files of every minor, at the current revision and at one before."""
    path = recorded.files[name]
    current = ours(path, 0)
    for revision in (current.revision, current.revision - 7):
        found = hashkv(etcd_binaries("3.7"), path, revision, tmp_path)
        assert Answer(*found) == ours(path, revision)
