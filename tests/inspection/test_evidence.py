"""What evidence says of itself."""

from dataclasses import replace

import pytest
from made import BAD_DB, CLUSTER, db, log, member

from requorum.inspection.alignment import Alignment, Contradiction
from requorum.inspection.evidence import DatabaseEvidence


def test_a_sound_database_has_no_problems() -> None:
    """It says where it stands."""
    found = db(7)
    assert (found.readable, found.index, found.revision, found.problems) == (True, 7, 8, ())


@pytest.mark.parametrize(
    ("database", "problem"),
    [
        (BAD_DB, "page 3 is damaged"),
        (DatabaseEvidence(size=1), "it holds none of etcd's buckets"),
        (
            replace(db(7), alignment=Alignment(1, 1, Contradiction(8, 7, "revision 8 differs"))),
            "it contradicts the log: revision 8 differs",
        ),
    ],
)
def test_a_database_that_cannot_be_believed_says_why(
    database: DatabaseEvidence, problem: str
) -> None:
    """One reason each."""
    assert database.problems == (problem,)


def test_an_unreadable_database_stands_nowhere() -> None:
    """Zero, not an error."""
    assert (BAD_DB.readable, BAD_DB.index, BAD_DB.revision) == (False, 0, 0)


def test_identity_comes_from_the_log() -> None:
    """None where it names nobody."""
    found = member("a", log("1", node=9))
    assert (found.member_id, found.cluster_id) == (9, CLUSTER)
    for nameless in (member("a"), member("a", log("1", node=None))):
        assert (nameless.member_id, nameless.cluster_id) == (None, None)


def test_an_empty_directory_is_empty() -> None:
    """Any file makes it not."""
    assert member("a").empty
    assert not member("a", None, BAD_DB).empty
    assert not member("a", log("")).empty
