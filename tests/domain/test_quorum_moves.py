"""Changes of a membership, against a model that counts every subset of the voters."""

from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations

import pytest

from requorum.domain.quorum import Kind, Move, Seats, addition, after, replacement, walk
from requorum.errors import Refused

VOTERS_MAX, LEARNERS_MAX = 7, 2
NEW = "new"

Names = frozenset[str]


def subsets(names: Names) -> Iterator[Names]:
    """Yield every subset."""
    ordered = sorted(names)
    sizes = range(len(ordered) + 1)
    for found in chain.from_iterable(combinations(ordered, size) for size in sizes):
        yield frozenset(found)


@cache
def can_agree(voters: Names, healthy: Names) -> bool:
    """Return whether some majority of the voters is healthy: the model."""
    return any(2 * len(some) > len(voters) and some <= healthy for some in subsets(voters))


def every_membership() -> Iterator[Seats]:
    """Yield every membership up to 7 voters and 2 learners with every subset of failures."""
    for voting in range(1, VOTERS_MAX + 1):
        for learning in range(LEARNERS_MAX + 1):
            voters = frozenset(f"v{n}" for n in range(voting))
            learners = frozenset(f"l{n}" for n in range(learning))
            for healthy in subsets(voters | learners):
                yield Seats(voters=voters, learners=learners, healthy=healthy)


def moves_of(seats: Seats) -> Iterator[Move]:
    """Yield every move that those seats have."""
    for member in seats.voters | seats.learners:
        yield from (Move(kind, member) for kind in (Kind.STOP, Kind.START, Kind.REMOVE))
    yield from (Move(Kind.PROMOTE, member) for member in seats.learners)
    yield from (Move(kind, NEW) for kind in (Kind.ADD_LEARNER, Kind.ADD_VOTER))


def moved(seats: Seats, move: Move) -> tuple[Names, Names]:
    """Return voters and healthy members after a move: the model, in other words than ours."""
    voters, healthy = set(seats.voters), set(seats.healthy)
    if move.kind in (Kind.ADD_VOTER, Kind.PROMOTE):
        voters.add(move.member)
    if move.kind is Kind.REMOVE:
        voters.discard(move.member)
    if move.kind in (Kind.REMOVE, Kind.STOP):
        healthy.discard(move.member)
    if move.kind is Kind.START:
        healthy.add(move.member)
    return frozenset(voters), frozenset(healthy)


def test_a_move_is_allowed_exactly_where_a_quorum_stands_on_both_sides() -> None:
    """The membership before it writes it down, the one after it acts on it."""
    for seats in every_membership():
        for move in moves_of(seats):
            voters, healthy = moved(seats, move)
            safe = can_agree(seats.voters, seats.healthy) and can_agree(voters, healthy)
            try:
                found = after(seats, move)
            except Refused:
                assert not safe, (seats, move)
            else:
                assert safe, (seats, move)
                assert (found.voters, found.healthy) == (voters, healthy)


def test_spare_is_the_number_of_losses_that_the_model_survives() -> None:
    """As many healthy voters may go, whichever they are; with one more some of them may not."""
    for seats in every_membership():
        alive = seats.voters & seats.healthy
        assert seats.serves == can_agree(seats.voters, alive)
        if seats.serves:
            losses = [frozenset(some) for some in combinations(sorted(alive), seats.spare)]
            assert all(can_agree(seats.voters, alive - lost) for lost in losses)
            more = combinations(sorted(alive), seats.spare + 1)
            assert not any(can_agree(seats.voters, alive - frozenset(lost)) for lost in more)


def plans_of(seats: Seats) -> Iterator[tuple[Move, ...]]:
    """Yield every plan: each member replaced, a new one added."""
    for member in sorted(seats.voters | seats.learners):
        yield replacement(seats, member)
    yield addition(NEW)


def test_a_plan_serves_at_each_moment_also_when_it_is_interrupted() -> None:
    """Every prefix of it leaves a cluster that serves, and so does the way to the next step."""
    plans = 0
    for seats in every_membership():
        for moves in plans_of(seats):
            try:
                reached = walk(seats, moves)
            except Refused:
                continue
            plans += 1
            assert all(can_agree(now.voters, now.healthy) for now in reached)
            assert reached[-1].voters == seats.voters | {moves[-1].member}
    assert plans > 1000


def test_a_refused_plan_would_lose_the_quorum_somewhere() -> None:
    """Nothing is refused that the model finds safe from its first to its last step."""
    for seats in every_membership():
        for moves in plans_of(seats):
            now, safe = seats, can_agree(seats.voters, seats.healthy)
            for move in moves:
                voters, healthy = moved(now, move)
                safe = safe and can_agree(voters, healthy)
                learners = (now.learners | {move.member}) - voters
                now = Seats(voters=voters, learners=learners, healthy=healthy)
            try:
                walk(seats, moves)
            except Refused:
                assert not safe, (seats, moves)
            else:
                assert safe, (seats, moves)


def seats(voters: str, healthy: str, learners: str = "") -> Seats:
    """Return seats of members with names of one letter."""
    return Seats(voters=frozenset(voters), learners=frozenset(learners), healthy=frozenset(healthy))


@pytest.mark.parametrize(
    ("before", "move", "message", "hint"),
    [
        (
            seats("abc", "ab"),
            Move(Kind.REMOVE, "a"),
            "to remove a would take the quorum away: 1 of 2 voters healthy, a quorum is 2",
            "First bring back c, or replace it where it is lost for good.",
        ),
        (
            seats("ab", "ab"),
            Move(Kind.STOP, "a"),
            "to stop a would take the quorum away: 1 of 2 voters healthy, a quorum is 2",
            "First add another member: as a learner, promoted once it has caught up.",
        ),
        (
            seats("a", "a"),
            Move(Kind.ADD_VOTER, "b"),
            "to add b as a voter would take the quorum away: 1 of 2 voters healthy, a quorum is 2",
            "Add it as a learner, and promote it once it has caught up.",
        ),
        (
            seats("a", "a", learners="b"),
            Move(Kind.PROMOTE, "b"),
            "to promote b would take the quorum away: 1 of 2 voters healthy, a quorum is 2",
            "Wait until b serves; it can be promoted then.",
        ),
        (
            seats("abc", "a"),
            Move(Kind.REMOVE, "b"),
            "no quorum is healthy: 1 of 3 voters healthy, a quorum is 2",
            "A membership cannot be changed then. `requorum recover` brings the quorum back.",
        ),
        (
            seats("a", "a"),
            Move(Kind.REMOVE, "a"),
            "to remove a would take the quorum away: no voter would be left",
            "First add another member: as a learner, promoted once it has caught up.",
        ),
    ],
)
def test_refusals(before: Seats, move: Move, message: str, hint: str) -> None:
    """A refusal counts the votes and says what would make it safe."""
    with pytest.raises(Refused) as refused:
        after(before, move)
    assert (refused.value.message, refused.value.hint) == (message, hint)


def test_a_move_of_somebody_who_has_no_seat_is_a_bug() -> None:
    """It is not answered with a refusal that an operator would read."""
    for move in (Move(Kind.REMOVE, "z"), Move(Kind.ADD_LEARNER, "a")):
        with pytest.raises(ValueError, match=str(move)):
            after(seats("abc", "abc"), move)
