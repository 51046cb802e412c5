"""Sets of whole numbers as sorted stretches, for revisions and places in history."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

NO_END = 1 << 63
"""Beyond every revision and every place."""

Stretch = tuple[int, int]
"""[first, last], both inclusive."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Stretches that ascend, do not touch, and are not empty."""

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, stretches: Iterable[Stretch]) -> "Intervals":
        """Return the numbers in any of some stretches; an end before its begin is none."""
        joined: list[Stretch] = []
        for first, last in sorted(s for s in stretches if s[0] <= s[1]):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    def __iter__(self) -> Iterator[Stretch]:
        return iter(self.stretches)

    def __bool__(self) -> bool:
        return bool(self.stretches)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.stretches, (number, NO_END)) - 1
        return at >= 0 and self.stretches[at][0] <= number <= self.stretches[at][1]

    def __or__(self, other: "Intervals") -> "Intervals":
        return Intervals.of((*self.stretches, *other.stretches))

    def __and__(self, other: "Intervals") -> "Intervals":
        found: list[Stretch] = []
        mine, theirs = iter(self.stretches), iter(other.stretches)
        one, two = next(mine, None), next(theirs, None)
        while one is not None and two is not None:
            first, last = max(one[0], two[0]), min(one[1], two[1])
            if first <= last:
                found.append((first, last))
            if one[1] < two[1]:
                one = next(mine, None)
            else:
                two = next(theirs, None)
        return Intervals(tuple(found))

    def complement(self, first: int, last: int) -> "Intervals":
        """Return the numbers in [first, last] that are not in this set."""
        missing: list[Stretch] = []
        at = first
        for begin, end in self & Intervals.of([(first, last)]):
            missing.append((at, begin - 1))
            at = end + 1
        missing.append((at, last))
        return Intervals.of(missing)

    def __sub__(self, other: "Intervals") -> "Intervals":
        if not self.stretches:
            return self
        return self & other.complement(self.stretches[0][0], self.stretches[-1][1])

    @property
    def last(self) -> int | None:
        """Return the greatest number, None in an empty set."""
        return self.stretches[-1][1] if self.stretches else None

    def count(self) -> int:
        """Return how many numbers there are."""
        return sum(last - first + 1 for first, last in self.stretches)
