"""How many members make a quorum, and whether a change of the membership keeps one.

A change is written into the log by a quorum of the membership before it, and acted on by the one
after it. So a quorum of healthy voters must stand on both sides of it, and whoever is interrupted
after it leaves a cluster that serves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from requorum.errors import Refused


def quorum_size(voters: int) -> int:
    """Return the number of voters that must hold an entry before etcd acknowledges it."""
    return voters // 2 + 1


def witnesses_needed(voters: int) -> int:
    """Return how many whole logs meet every possible quorum: n - q + 1.

    An acknowledged entry is on `quorum_size` disks; any set of this many voters shares
    at least one disk with them.
    """
    return voters - quorum_size(voters) + 1


def failures_tolerated(voters: int) -> int:
    """Return how many voters may be lost while a quorum remains."""
    return voters - quorum_size(voters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """Who has a vote, who only learns, and which of them are healthy now, by name."""

    voters: frozenset[str]
    learners: frozenset[str] = frozenset()
    healthy: frozenset[str] = frozenset()

    @property
    def quorum(self) -> int:
        """Return how many voters must agree."""
        return quorum_size(len(self.voters))

    @property
    def spare(self) -> int:
        """Return how many more healthy voters may be lost; below 0 where no quorum is left."""
        return len(self.voters & self.healthy) - self.quorum

    @property
    def serves(self) -> bool:
        """Return whether a quorum of the voters is healthy."""
        return self.spare >= 0

    def without(self, member: str) -> "Seats":
        """Return the seats once that member has none."""
        gone = frozenset((member,))
        return Seats(
            voters=self.voters - gone, learners=self.learners - gone, healthy=self.healthy - gone
        )


class Kind(StrEnum):
    """What is done to one member. A member that is added does not run yet."""

    STOP = "stop {}"
    START = "start {}"
    REMOVE = "remove {}"
    ADD_LEARNER = "add {} as a learner"
    ADD_VOTER = "add {} as a voter"
    PROMOTE = "promote {}"


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a membership."""

    kind: Kind
    member: str

    def __str__(self) -> str:
        return self.kind.value.format(self.member)


def replacement(seats: Seats, member: str) -> tuple[Move, ...]:
    """Return the moves that replace a member: a vote that is missing leaves before one comes."""
    stop = (Move(Kind.STOP, member),) if member in seats.healthy else ()
    return (*stop, Move(Kind.REMOVE, member), *addition(member))


def addition(member: str) -> tuple[Move, ...]:
    """Return the moves that add a member: it votes only once it holds what the others hold."""
    return (
        Move(Kind.ADD_LEARNER, member),
        Move(Kind.START, member),
        Move(Kind.PROMOTE, member),
    )


def walk(seats: Seats, moves: Iterable[Move]) -> tuple[Seats, ...]:
    """Return the seats after each move; Refused where a quorum would be missing at any moment."""
    reached: list[Seats] = []
    for move in moves:
        seats = after(seats, move)
        reached.append(seats)
    return tuple(reached)


def after(seats: Seats, move: Move) -> Seats:
    """Return the seats after one move.

    Refused, with what would make it safe, unless a quorum is healthy before and after it.
    ValueError for a move that those seats do not have: it is a bug of whoever asks.
    """
    if not seats.serves:
        raise Refused(
            f"no quorum is healthy: {_counted(seats)}",
            hint="A membership cannot be changed then. `requorum recover` brings the quorum back.",
        )
    following = _moved(seats, move)
    if not following.serves:
        raise Refused(
            f"to {move} would take the quorum away: {_counted(following)}",
            hint=_what_makes_it_safe(following, move),
        )
    return following


def _moved(seats: Seats, move: Move) -> Seats:
    member = frozenset((move.member,))
    known = bool(member & (seats.voters | seats.learners))
    if known is (move.kind in (Kind.ADD_LEARNER, Kind.ADD_VOTER)):
        raise ValueError(f"{move} with {sorted(seats.voters | seats.learners)}")
    match move.kind:
        case Kind.STOP:
            return replace(seats, healthy=seats.healthy - member)
        case Kind.START:
            return replace(seats, healthy=seats.healthy | member)
        case Kind.REMOVE:
            return seats.without(move.member)
        case Kind.ADD_LEARNER:
            return replace(seats, learners=seats.learners | member)
        case Kind.ADD_VOTER:
            return replace(seats, voters=seats.voters | member)
        case Kind.PROMOTE:
            return replace(seats, learners=seats.learners - member, voters=seats.voters | member)


def _counted(seats: Seats) -> str:
    if not seats.voters:
        return "no voter would be left"
    healthy = len(seats.voters & seats.healthy)
    return f"{healthy} of {len(seats.voters)} voters healthy, a quorum is {seats.quorum}"


def _what_makes_it_safe(following: Seats, move: Move) -> str:
    ill = sorted(following.voters - following.healthy - {move.member})
    if move.kind is Kind.PROMOTE and move.member not in following.healthy:
        return f"Wait until {move.member} serves; it can be promoted then."
    if move.kind is Kind.ADD_VOTER and not ill:
        return "Add it as a learner, and promote it once it has caught up."
    if ill:
        return f"First bring back {', '.join(ill)}, or replace it where it is lost for good."
    return "First add another member: as a learner, promoted once it has caught up."
