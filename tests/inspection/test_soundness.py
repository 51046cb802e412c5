"""Whether one member's directory can be trusted, and why not."""

from dataclasses import replace

import pytest
from made import BAD_DB, db, log, member, snap

from requorum.inspection.evidence import DatabaseEvidence
from requorum.inspection.member_log import LogEnding
from requorum.inspection.soundness import (
    reasons_behind,
    reasons_not_bootable,
    reasons_not_whole,
)


def not_whole(*args: object, known_commit: int = 0, known_term: int = 0, **options: object) -> str:
    """Return the reasons in one line."""
    found = member("etcd1", log(*args, **options))  # type: ignore[arg-type]
    return "; ".join(reasons_not_whole(found, known_commit=known_commit, known_term=known_term))


def test_a_clean_log_is_whole() -> None:
    """Also with damage in the middle: the last entry alone decides."""
    assert not not_whole("111", commit=3)
    assert not not_whole("1.1", damages=1)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (LogEnding.TORN, "the last record of its log, behind entry 3, is incomplete"),
        (LogEnding.DAMAGED, "what followed entry 3 in its log cannot be read"),
        (LogEnding.ABSENT, "no log is left"),
    ],
)
def test_a_log_that_lost_its_end_is_not_whole(ending: LogEnding, words: str) -> None:
    """Nobody knows what stood there."""
    assert not_whole("111", ending=ending) == words


def test_a_last_entry_that_no_checksum_proves_is_not_believed() -> None:
    """Its term decides an election, so it must be what was written."""
    assert not_whole("111", doubtful=[3]) == "no checksum proves the last entry of its log, 3"
    assert not not_whole("111", doubtful=[2])


def test_a_log_before_its_own_commit_or_database_is_from_another_time() -> None:
    """It once held more."""
    assert "before the commit 4 that it wrote itself" in not_whole("111", commit=4)
    ahead = member("etcd1", log("111"), db(5))
    reasons = reasons_not_whole(ahead, known_commit=0, known_term=0)
    assert reasons == ("its log ends at 3, before its own database at 5",)
    damaged = member("etcd1", log("111"), BAD_DB)
    assert not reasons_not_whole(damaged, known_commit=0, known_term=0)


def test_without_a_log_nothing_is_whole() -> None:
    """Nor with one that names no member."""
    assert reasons_not_whole(member("a"), known_commit=0, known_term=0) == ("no log is left",)
    nameless = member("a", log("1", node=None))
    assert reasons_not_whole(nameless, known_commit=0, known_term=0) == ("no log is left",)
    away = replace(member("a"), unreadable="permission denied")
    assert reasons_not_whole(away, known_commit=0, known_term=0) == ("permission denied",)


@pytest.mark.parametrize(
    ("terms", "known_commit", "known_term", "behind"),
    [
        ("111", 3, 1, False),
        ("111", 4, 1, True),
        ("111", 3, 2, True),
        ("111", 2, 2, True),
        ("113", 2, 2, False),
        ("111", 3, 0, False),
        ("111", 0, 0, False),
    ],
)
def test_a_log_that_would_lose_against_what_is_committed_is_behind(
    terms: str, known_commit: int, known_term: int, *, behind: bool
) -> None:
    """Its last term counts before its length: an old leader's long tail holds nothing of it."""
    found = reasons_behind(
        member("a", log(terms)), known_commit=known_commit, known_term=known_term
    )
    assert bool(found) is behind
    assert not reasons_behind(member("a"), known_commit=9, known_term=1)


def test_a_whole_directory_is_bootable() -> None:
    """From the first entry on, or from a snapshot that is there."""
    assert not reasons_not_bootable(member("a", log("111"), db(2)))
    from_snapshot = member("a", log("111", first=6, snapshots=[(5, 1)], commit=6), db(7))
    assert not reasons_not_bootable(replace(from_snapshot, snaps=(snap(5, 1, {1: "a"}),)))


def test_what_etcd_would_not_start_from_is_named() -> None:
    """WAL, database, snapshot: each with its own words."""
    assert reasons_not_bootable(member("a")) == ("its data directory is empty or gone",)
    away = replace(member("a"), unreadable="permission denied")
    assert reasons_not_bootable(away) == ("permission denied",)
    assert reasons_not_bootable(member("a", None, db(1))) == ("its WAL cannot be read",)
    assert reasons_not_bootable(member("a", log("1"))) == ("its database is missing",)
    assert reasons_not_bootable(member("a", log("1"), BAD_DB)) == ("page 3 is damaged",)
    flipped = member("a", log("111", damages=1), db(1))
    assert reasons_not_bootable(flipped) == ("WAL 0.wal at byte 0: flipped",)


def test_a_missing_snapshot_file_is_named() -> None:
    """Unless the log goes back to the first entry."""
    purged = member("a", log("111", first=6, snapshots=[(5, 1)], commit=6), db(7))
    assert reasons_not_bootable(purged) == ("the snapshot file at index 5 is missing",)
    complete = member("a", log("111111", snapshots=[(5, 1)], commit=6), db(6))
    assert not reasons_not_bootable(complete)
    nothing = member("a", log("111", first=6), db(7))
    assert reasons_not_bootable(nothing) == ("its WAL has no beginning and names no snapshot",)


def test_a_gap_behind_the_snapshot_is_named() -> None:
    """Within the log, or between the snapshot and its first entry."""
    marked = snap(5, 1, {1: "a"})
    inside = member("a", log("1.1", first=6, snapshots=[(5, 1)], commit=6), db(8))
    assert reasons_not_bootable(replace(inside, snaps=(marked,))) == (
        "entry 7 is missing in its log",
    )
    before = member("a", log("111", first=9, snapshots=[(5, 1)], commit=9), db(10))
    assert reasons_not_bootable(replace(before, snaps=(marked,))) == (
        "entry 6 is missing in its log",
    )
    older = member("a", log("1.111", first=3, snapshots=[(5, 1)], commit=6), db(7))
    assert not reasons_not_bootable(replace(older, snaps=(marked,)))


def at_storage_version(database: DatabaseEvidence, version: str) -> DatabaseEvidence:
    """Return the database with the storage version that its etcd wrote into it."""
    assert database.state is not None
    return replace(database, state=replace(database.state, storage_version=version))


@pytest.mark.parametrize("version", ["3.7.0", "3.8.0"])
def test_etcd_3_7_needs_no_snapshot_file(version: str) -> None:
    """It starts from the mark in its log and from its database, which must not be older."""
    purged = log("111", first=6, snapshots=[(5, 1)], commit=6)
    assert not reasons_not_bootable(member("a", purged, at_storage_version(db(7), version)))
    assert reasons_not_bootable(member("a", purged, at_storage_version(db(4), version))) == (
        "its database stands at 4, before its snapshot at 5",
    )
    gap = log("1.1", first=6, snapshots=[(5, 1)], commit=6)
    assert reasons_not_bootable(member("a", gap, at_storage_version(db(8), version))) == (
        "entry 7 is missing in its log",
    )


def test_etcd_3_6_needs_its_snapshot_file() -> None:
    """As every etcd before it does."""
    purged = member(
        "a", log("111", first=6, snapshots=[(5, 1)]), at_storage_version(db(7), "3.6.0")
    )
    assert reasons_not_bootable(purged) == ("the snapshot file at index 5 is missing",)
