"""Revisions whose records a damaged database may have lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from requorum.formats.bbolt.columns import I64, Mask

REVISION_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class LostRevisions:
    """Ranges of main revisions, both ends inclusive, ascending, none touching another."""

    first: I64
    last: I64

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Self:
        """Return what any ranges cover; one that ends before it begins covers nothing."""
        merged: list[list[int]] = []
        for first, last in sorted(r for r in ranges if r[0] <= r[1]):
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        ends = np.array(merged, dtype=np.int64).reshape(-1, 2)
        return cls(ends[:, 0], ends[:, 1])

    def __bool__(self) -> bool:
        return bool(len(self.first))

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Return the ranges, both ends inclusive."""
        return tuple(zip(self.first.tolist(), self.last.tolist(), strict=True))

    def up_to(self, revision: int) -> "LostRevisions":
        """Return what of it lies at or below a revision."""
        reached = self.first <= revision
        return LostRevisions(self.first[reached], np.minimum(self.last[reached], revision))

    def cover(self, revisions: I64) -> Mask:
        """Return which revisions may be lost."""
        if not self:
            return np.zeros(len(revisions), dtype=np.bool_)
        place = np.searchsorted(self.first, revisions, side="right") - 1
        covered: Mask = (place >= 0) & (revisions <= self.last[np.maximum(place, 0)])
        return covered

    def beyond(self, revisions: I64) -> Mask:
        """Return which revisions may be followed by a lost one."""
        if not self:
            return np.zeros(len(revisions), dtype=np.bool_)
        followed: Mask = revisions < self.last[-1]
        return followed
