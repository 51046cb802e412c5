"""Files that tell different histories, and which of them is believed from where on.

Two members of one cluster hold the same record at the same revision. A single difference is a
damaged byte. Where difference follows difference the histories part: one file is another cluster's,
or this one's before it was restored, or a bug has let the members diverge. Two such histories
must not be mixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, FileBytes, Mask
from requorum.inspection.salvage.places import mains, place_of
from requorum.inspection.salvage.witness import Witness

ALIKE_BYTES = 4
"""Less than one byte in so many differs between two copies of a damaged record."""
SAMPLED = 256
DIFFERENCES_MIN = 3
"""So many revisions must differ, and half of all that could be compared from there on."""


@dataclass(frozen=True, slots=True)
class Parting:
    """From `revision` on, `believed` is right and `dropped` is another history, by file number.

    `common`: how many records both hold alike before that. `votes`: how many other files agree
    with each of the two.
    """

    revision: int
    believed: int
    dropped: int
    common: int
    votes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """A file's current tree, and a number for the content of each of its rows."""

    file: FileBytes
    witness: Witness
    sums: U64

    def value(self, row: int) -> memoryview:
        """Return the bytes of a row's value."""
        rows = self.witness.rows
        begin = int(rows.value_offset[row])
        return self.file.view[begin : begin + int(rows.value_size[row])]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """`differing` are main revisions, ascending; `compared` how many from the first one on.

    `unlike` of them hold another record in each file. Those that only one file holds tell of no
    other history: a damaged pointer leads to some small old tree, which lacks nearly all.
    """

    common: int
    differing: I64
    compared: int
    unlike: int

    @property
    def parts(self) -> bool:
        return self.unlike >= DIFFERENCES_MIN and 2 * len(self.differing) >= self.compared


def find_partings(told: Sequence[Told]) -> list[Parting]:
    """Return where histories part, earliest first; every pair of files is compared."""
    pairs = list(combinations(range(len(told)), 2))
    compared = {pair: _compare(told[pair[0]], told[pair[1]]) for pair in pairs}
    parted = {pair: c for pair, c in compared.items() if c.parts}
    partings = []
    for (one, other), comparison in parted.items():
        votes = tuple(
            sum(
                _pair(each, third) not in parted
                for third in range(len(told))
                if third not in (one, other)
            )
            for each in (one, other)
        )
        ranks = [(votes[n], *_rank(told[each].witness)) for n, each in enumerate((one, other))]
        right, wrong = (one, other) if ranks[0] >= ranks[1] else (other, one)
        partings.append(
            Parting(
                revision=int(comparison.differing[0]),
                believed=told[right].witness.file,
                dropped=told[wrong].witness.file,
                common=comparison.common,
                votes=(max(votes), min(votes)),
            )
        )
    return sorted(partings, key=lambda p: p.revision)


def _pair(one: int, other: int) -> tuple[int, int]:
    return (min(one, other), max(one, other))


def _rank(witness: Witness) -> tuple[int, int, int]:
    return (witness.term or 0, witness.index or 0, witness.last)


def _compare(one: Told, other: Told) -> _Comparison:
    """Compare what both must hold: above both compact revisions, up to where both end."""
    low = max(one.witness.least_compact, other.witness.least_compact)
    high = min(one.witness.last, other.witness.last)
    mine, theirs = _between(one, low, high), _between(other, low, high)
    places, their_places = one.witness.rows.place[mine], other.witness.rows.place[theirs]
    lacking = mains(places[_lacks(other.witness, places)])
    lacking_too = mains(their_places[_lacks(one.witness, their_places)])
    _, left, right = np.intersect1d(places, their_places, assume_unique=True, return_indices=True)
    left, right = left + mine.start, right + theirs.start
    unlike = one.sums[left] != other.sums[right]
    if _merely_damaged(one, other, left[unlike], right[unlike]):
        unlike[:] = False
    strange = mains(one.witness.rows.place[left[unlike]])
    differing = np.unique(np.concatenate([lacking, lacking_too, strange]))
    if not len(differing):
        return _Comparison(len(left), differing, 0, 0)
    both = np.unique(np.concatenate([mains(one.witness.rows.place[left]), differing]))
    compared = int((both >= differing[0]).sum())
    return _Comparison(_common(one, other), differing, compared, len(np.unique(strange)))


def _merely_damaged(one: Told, other: Told, left: I64, right: I64) -> bool:
    """Return whether most of the records that differ do so in a few bytes only.

    Two histories write different things at the same revision; damage changes bits.
    """
    step = max(len(left) // SAMPLED, 1)
    pairs = zip(left[::step].tolist(), right[::step].tolist(), strict=True)
    alike = [_alike(one.value(a), other.value(b)) for a, b in pairs]
    return 2 * sum(alike) > len(alike)


def _alike(one: memoryview, other: memoryview) -> bool:
    if len(one) != len(other):
        return False
    bytes_of_one, bytes_of_other = (np.frombuffer(v, dtype=np.uint8) for v in (one, other))
    return int((bytes_of_one != bytes_of_other).sum()) * ALIKE_BYTES < len(one)


def _between(told: Told, low: int, high: int) -> slice:
    """Return which rows lie in the revisions (low, high]."""
    bounds = np.array([place_of(low + 1), place_of(high + 1)], dtype=np.uint64)
    begin, end = np.searchsorted(told.witness.rows.place, bounds).tolist()
    return slice(begin, end)


def _lacks(witness: Witness, places: U64) -> Mask:
    return witness.covers(places) & ~witness.holds(places)


def _common(one: Told, other: Told) -> int:
    """Return how many records are alike in all that the two files hold."""
    _, left, right = np.intersect1d(
        one.witness.rows.place, other.witness.rows.place, assume_unique=True, return_indices=True
    )
    return int((one.sums[left] == other.sums[right]).sum())
