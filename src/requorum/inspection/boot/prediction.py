"""What would happen if etcd were started: the answer, in words and as data."""

from dataclasses import dataclass
from enum import StrEnum

from requorum.domain.signatures.signature import Signature
from requorum.inspection.boot.course import AT_ONCE
from requorum.inspection.boot.release import Release


class Outcome(StrEnum):
    """How a start ends.

    AFTER_REPAIR: it starts, and changes files on the way. BEHIND: it starts without data that it
    once had, or cannot serve alone. ANEW: it takes the directory for one that never had a member.
    WAITS: another process holds it.
    """

    STARTS = "starts"
    AFTER_REPAIR = "starts-after-repair"
    BEHIND = "starts-behind"
    ANEW = "starts-anew"
    FAILS = "fails"
    WAITS = "waits"

    @property
    def harmless(self) -> bool:
        """Return whether nothing is lost by starting it."""
        return self in (Outcome.STARTS, Outcome.AFTER_REPAIR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Where a start goes on from. Indexes of the log; `to_apply` are missing in the database.

    `snapshot` is the one that etcd starts from, 0 for the very beginning. `commit` is what the
    member wrote down; entries behind it are applied once a leader says so.
    """

    snapshot: int
    consistent_index: int
    commit: int
    last_index: int

    @property
    def to_apply(self) -> int:
        """Return how many committed entries the database does not hold yet."""
        return max(self.commit - self.consistent_index, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one release does. `signature` and `log_line` say how it fails, None where it does not.

    `when` says at which moment, "at once" or later. `changes` are what etcd does to files, in
    order; `warnings` what is dangerous about a start that succeeds. `replay` is None where the
    log is never read. `alternatives`: where garbage is read, it may fail with one of these instead.
    """

    release: Release
    outcome: Outcome
    why: str
    signature: Signature | None = None
    log_line: str | None = None
    alternatives: tuple[Signature, ...] = ()
    when: str = AT_ONCE
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    replay: Replay | None = None

    @property
    def at_once(self) -> bool:
        """Return whether a failure comes before it takes part in Raft."""
        return self.when == AT_ONCE
