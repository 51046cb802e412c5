"""Which etcd wrote a directory: what was said last counts, whatever says it."""

import made_directories as made
import pytest
from made_directories import (
    database,
    directory,
    entry,
    log_of,
    snap,
    state,
    v2_request,
    version_set,
)

from requorum.formats.raftpb import EntryType
from requorum.inspection.boot.boot import predict
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.version_entry import sets_version
from requorum.inspection.boot.written_by import written_by


def wrote(found: Directory) -> tuple[str, str] | None:
    """Return the minor and what says so."""
    answer = written_by(found)
    return None if answer is None else (".".join(map(str, answer.minor)), answer.because)


def test_nothing_says_it() -> None:
    """Neither log, snapshot nor database."""
    assert wrote(directory()) is None


def test_an_undecided_version_says_nothing() -> None:
    """For its first seconds a cluster's version is 3.0, whoever its members are."""
    log = log_of([entry(1), entry(2, data=v2_request("/0/version", "3.0.0")), state(2)])
    assert wrote(directory(log, database(2, version="3.0.0"), [snap(version="3.0.0")])) is None


@pytest.mark.parametrize(
    ("data", "minor"),
    [
        (v2_request("/0/version", "3.4.0"), "3.4"),
        (v2_request("/0/version", "3.5.0"), "3.5"),
        (version_set("3.5.0"), "3.5"),
        (version_set("3.7.0"), "3.7"),
    ],
)
def test_the_log_says_it(data: bytes, minor: str) -> None:
    """Through the v2 API up to 3.5, by a request of its own later; also where nothing else does."""
    log = log_of([entry(1), entry(2, data=data), state(1)])
    expected = (minor, f"the cluster version that entry 2 sets is {minor}")
    assert wrote(directory(log, database(1), [])) == expected
    assert wrote(directory(log, without_database=True, snaps=[])) == expected


def test_the_database_says_it() -> None:
    """The log's entry is in it by then; a storage version goes before the cluster's."""
    log = log_of([entry(1), entry(2, data=version_set("3.6.0")), entry(3), state(3)])
    both = database(3, version="3.6.0", storage="3.6.0")
    assert wrote(directory(log, both, [])) == ("3.6", "the storage version in the database is 3.6")
    cluster = database(3, version="3.6.0")
    expected = ("3.6", "the cluster version in the database is 3.6")
    assert wrote(directory(log, cluster, [])) == expected


def test_the_v2_store_says_it() -> None:
    """Where the database is older, or does not say it."""
    expected = ("3.5", "the cluster version in 0000000000000002-0000000000000002.snap is 3.5")
    newer = [snap(2, version="3.5.0")]
    assert wrote(directory(found=database(1, version="3.4.0"), snaps=newer)) == expected
    assert wrote(directory(found=database(3), snaps=newer)) == expected


def test_a_leaders_database_says_it() -> None:
    """It is newer than the member's own."""
    sent = {9: database(9, version="3.6.0")}
    found = directory(found=database(1, version="3.5.0"), snap_dbs=sent)
    expected = ("3.6", "the cluster version in 0000000000000009.snap.db is 3.6")
    assert wrote(found) == expected


def test_an_upgrade_and_a_downgrade() -> None:
    """An entry behind the database counts, up and down; one before it does not."""
    for before, behind in (("3.5.0", "3.6.0"), ("3.6.0", "3.5.0")):
        log = log_of([entry(1), entry(2), entry(3, data=version_set(behind)), state(2)])
        found = directory(log, database(2, version=before), [])
        assert wrote(found) == (
            behind[:3],
            f"the cluster version that entry 3 sets is {behind[:3]}",
        )
    old = log_of([entry(1, data=version_set("3.5.0")), entry(2), state(2)])
    found = directory(old, database(2, version="3.6.0"), [])
    assert wrote(found) == ("3.6", "the cluster version in the database is 3.6")
    under_way = database(2, version="3.5.0", storage="3.6.0")
    assert wrote(directory(old, under_way, [])) == (
        "3.6",
        "the storage version in the database is 3.6",
    )


def test_a_replaced_entry_says_nothing() -> None:
    """Another leader's entry took its place."""
    log = log_of([entry(1), entry(2, data=version_set("3.6.0")), entry(2, 3), state(2, 3)])
    assert wrote(directory(log, database(1, version="3.5.0"), [])) == (
        "3.5",
        "the cluster version in the database is 3.5",
    )


def test_minors_that_are_skipped_count_from_there() -> None:
    """Also where the database does not say its version yet."""
    log = log_of([entry(1), entry(2, data=version_set("3.5.0")), state(2)])
    found = predict(directory(log, database(2), []), Release.parse("3.7"))
    assert "the data is of 3.5" in found.why


def test_other_entries_set_no_version() -> None:
    """Changes of members, empty entries, other paths and methods, and what is no request."""
    others = [
        (b"", 0),
        (b"\x12\xff", 0),
        (v2_request("/0/members/a1/attributes", "3.5.0"), 0),
        (v2_request("/0/version", "3.5.0", method="DELETE"), 0),
        (version_set("3.5.0"), int(EntryType.CONF_CHANGE)),
    ]
    for data, kind in others:
        (found,) = made.read(
            made.log_files([made.mark(0, 0), entry(1, data=data, kind=kind), state(1)])
        ).log.entries.values()
        assert sets_version(found) is None, data
