"""What came of telling the log over again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from requorum.inspection.salvage.intervals import Intervals, Stretch
from requorum.inspection.salvage.places import main_of
from requorum.inspection.salvage.replay.key_space import KeyState


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """A record that the log tells of and that no file holds so.

    `doubtful`: keys that are lost may have changed its numbers, or its place in history.
    """

    place: int
    key: bytes
    state: KeyState | None
    doubtful: bool


@dataclass(slots=True)
class Told:
    """What came of telling a stretch of the log.

    `records` are those that no file holds, or holds differently. `proven_index` and
    `proven_revision` are where the state was last confirmed. `stopped` says why the telling ended
    before the log did, None where it did not. `turned_down` counts entries that changed nothing
    although nothing that is known forbade them; `guessed` those whose effect rests on keys that
    may exist and are lost, `unsure` the revisions that may hold more, or others, therefore.
    `confirmed` are those of which files hold different contents, and the log the chosen one.
    `left_open` are the entries behind which nothing shows whether they or the files are right.
    """

    begun_revision: int
    records: list[ToldRecord] = field(default_factory=list)
    pending: list[ToldRecord] = field(default_factory=list)
    corrected: list[int] = field(default_factory=list)
    proven_index: int = 0
    proven_revision: int = 0
    checked: int = 0
    turned_down: int = 0
    guessed: int = 0
    confirmed: set[int] = field(default_factory=set)
    unsure: list[Stretch] = field(default_factory=list)
    left_open: tuple[int, int] | None = None
    stopped: str | None = None

    @property
    def corrections(self) -> list[ToldRecord]:
        """Return the records that stand in place of what files hold otherwise."""
        corrected = set(self.corrected)
        return [record for record in self.records if main_of(record.place) in corrected]


def told_revisions(told: Sequence[Told]) -> Intervals:
    """Return the revisions of which the log knows every change."""
    stretches: list[Stretch] = [(t.begun_revision + 1, t.proven_revision) for t in told]
    return Intervals.of(stretches) - Intervals.of(s for t in told for s in t.unsure)
