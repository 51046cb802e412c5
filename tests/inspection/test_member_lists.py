"""The two lists of members, held against each other."""

from made import entries_of, snap

from requorum.domain.ids import MemberId
from requorum.formats.backend import BackendMember
from requorum.formats.raftpb import Entry, EntryType
from requorum.inspection.member_lists import compare_lists, membership_at
from requorum.inspection.membership import Membership, RaftMember


def in_log(*ids: int, learners: tuple[int, ...] = ()) -> Membership:
    """Return members by the log."""
    return Membership(
        {MemberId(i): RaftMember(MemberId(i), f"m{i}", (), i in learners) for i in ids}
    )


def in_database(*ids: int, learners: tuple[int, ...] = ()) -> list[BackendMember]:
    """Return members by the database."""
    return [BackendMember(i, f"m{i}", (), (), i in learners) for i in ids]


def differences(
    log: Membership | None, database: list[BackendMember], removed: tuple[int, ...] = ()
) -> list[str]:
    """Return the differences in words."""
    rows = compare_lists(log, database, removed, both=log is not None)
    return [row.difference for row in rows if row.difference is not None]


def test_lists_that_agree() -> None:
    """Learners too."""
    assert not differences(in_log(1, 2, learners=(2,)), in_database(1, 2, learners=(2,)))


def test_a_member_that_comes_back() -> None:
    """Removed, and in the database still: 3.6 would bring it back."""
    (found,) = differences(in_log(1), in_database(1, 0xAB), removed=(0xAB,))
    assert found == "ab was removed, and the database lists it: 3.6 would bring it back"
    (found,) = differences(in_log(1), in_database(1, 0xAB))
    assert "ab is unknown to the log" in found


def test_a_member_that_the_database_lacks() -> None:
    """As restoring with 3.4 leaves it."""
    assert differences(in_log(1, 2), in_database(1)) == [
        "2 is a member, and the database does not list it"
    ]


def test_a_learner_whose_promotion_was_forgotten() -> None:
    """3.5.1 to 3.5.19 wrote it to the log alone."""
    (found,) = differences(in_log(1, 2), in_database(1, 2, learners=(2,)))
    assert found == "2 is a voter by the log and a learner by the database"


def test_nothing_is_compared_where_the_log_does_not_say() -> None:
    """A purged log without a .snap file: 3.7 has none."""
    assert not differences(None, in_database(1, 2))


def test_members_as_of_an_entry() -> None:
    """A snapshot or a change behind it does not count."""
    entries = entries_of("111", first=6)
    removal = b"\x10\x01\x18\x02"
    entries[7] = Entry(EntryType.CONF_CHANGE, 1, 7, removal)
    both = snap(5, 1, {1: "a", 2: "b"})
    later = snap(8, 1, {1: "a"})
    at_six = membership_at([both, later], entries, 6)
    assert at_six is not None
    assert set(at_six.members) == {1, 2}
    at_seven = membership_at([both, later], entries, 7)
    assert at_seven is not None
    assert set(at_seven.members) == {1}
    assert membership_at([later], entries, 6) is None
