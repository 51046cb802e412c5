"""What one WAL directory proves: the entries, what is doubtful about them, and what is damaged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from requorum.formats.raftpb import Entry, HardState
from requorum.formats.wal import WalMetadata, WalSnapshot

INDEX_JUMP_MAX = 4_000_000
"""How many entries may be missing within one log. Even two lost segments full of the smallest
entries hold fewer; what lies further is no entry, and nobody can list so many gaps."""


class LogEnding(StrEnum):
    """How the readable part of a log ends."""

    CLEAN = "clean"
    TORN = "torn"
    DAMAGED = "damaged"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class LogDamage:
    """A place in a WAL that cannot be read, or a segment that is not there."""

    segment: str
    offset: int | None
    what: str
    after_index: int
    """The last entry index read before the place; 0 when there was none."""
    lost: int | None = None
    """How many records of it are not in the log; None where nobody can know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLog:
    """What one WAL directory proves. Indexes and terms are Raft's.

    `entries` holds every entry that can still be read, by index, with gaps where records are
    damaged. `doubtful` are the indexes among them that a lost record may have replaced.
    `committed_here` is up to where the other entries are known to be the committed ones: less than
    `commit` where records were lost before that was written and nothing behind tells what they
    replaced.
    """

    metadata: WalMetadata | None
    entries: Mapping[int, Entry]
    doubtful: frozenset[int] = frozenset()
    hard_state: HardState | None = None
    snapshots: tuple[WalSnapshot, ...] = ()
    damages: tuple[LogDamage, ...] = ()
    ending: LogEnding
    committed_here: int = 0
    starts_at_zero: bool = False
    """Whether the first segment ever written (0-0) was read."""
    first_index: int = field(init=False)
    last_index: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first_index", min(self.entries, default=0))
        object.__setattr__(self, "last_index", max([self._base_index(), *self.entries]))

    def _base_index(self) -> int:
        """Return the newest snapshot's index: a leader's snapshot takes the place of the log."""
        return max((s.index for s in self.snapshots if s.index <= self.commit), default=0)

    @property
    def last_term(self) -> int:
        """Return the term of the last entry, or of the newest snapshot where that is later."""
        return self.term_at(self.last_index) or 0

    @property
    def position(self) -> tuple[int, int]:
        """Return what a Raft election compares: (last term, last index)."""
        return (self.last_term, self.last_index)

    @property
    def commit(self) -> int:
        """Return the highest index that this member wrote down as committed, 0 when none."""
        return self.hard_state.commit if self.hard_state else 0

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the indexes between first and last that cannot be read, ascending.

        The first `INDEX_JUMP_MAX` of them: a damaged snapshot mark may lie anywhere behind.
        """
        if not self.entries:
            return ()
        whole = range(self.first_index, self.last_index + 1)
        return tuple(islice((i for i in whole if i not in self.entries), INDEX_JUMP_MAX))

    def term_at(self, index: int) -> int | None:
        """Return the term of the entry or snapshot at `index`, None where that is unknown."""
        entry = self.entries.get(index)
        if entry is not None:
            return entry.term
        return next((s.term for s in self.snapshots if s.index == index and index), None)
