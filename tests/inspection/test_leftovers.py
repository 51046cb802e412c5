"""Files that are not part of a member's data."""

import pytest

from requorum.inspection.leftovers import Folder, leftover


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (Folder.DATA, "member"),
        (Folder.MEMBER, "snap"),
        (Folder.MEMBER, "wal"),
        (Folder.SNAP, "db"),
        (Folder.SNAP, "0000000000000002-0000000000000054.snap"),
        (Folder.SNAP, "0000000000000054.snap.db"),
        (Folder.WAL, "0000000000000000-0000000000000000.wal"),
    ],
)
def test_what_belongs_to_it(folder: Folder, name: str) -> None:
    """Nothing is said of it."""
    assert leftover(folder, name) is None


@pytest.mark.parametrize(
    ("folder", "name", "words"),
    [
        (Folder.DATA, "proxy", "v2 proxy"),
        (Folder.DATA, "lost+found", "file system"),
        (Folder.DATA, "notes.txt", "unknown"),
        (Folder.MEMBER, "wal.tmp", "first start"),
        (Folder.MEMBER, "wal.broken.20260101", "set aside"),
        (Folder.MEMBER, "x", "unknown"),
        (Folder.SNAP, "0000000000000002-0000000000000054.snap.broken", "etcd renamed"),
        (Folder.SNAP, "mine.snap", "name of its own"),
        (Folder.SNAP, "tmp0815", "transfer"),
        (Folder.SNAP, "db.tmp.0815", "defragmentation"),
        (Folder.SNAP, "db.bak", "unknown"),
        (Folder.WAL, "0000000000000000-0000000000000000.wal.broken", "torn end"),
        (Folder.WAL, "1.tmp", "spare"),
        (Folder.WAL, "copy.wal", "passes it over"),
        (Folder.WAL, "x", "unknown"),
    ],
)
def test_what_does_not(folder: Folder, name: str, words: str) -> None:
    """Each is told for what it is."""
    assert words in (leftover(folder, name) or "")
