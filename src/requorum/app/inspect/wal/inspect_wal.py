"""The use case behind `requorum inspect wal`: read a log twice, tell what was asked for.

The first pass learns what the log is worth, the second one tells its records; see
`requorum.inspection.wal_survey`.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from requorum.app.files.wal_files import OnBytes, WalFiles, find_wal
from requorum.app.inspect.wal.leases import leases_beside
from requorum.app.inspect.wal.records import entry_record, other_record
from requorum.app.inspect.wal.refusal import nothing_readable
from requorum.app.inspect.wal.results import WalRecord, WalSummary
from requorum.app.inspect.wal.summary import Told, summary_of
from requorum.inspection.entry_story import EntryKind, EntryStory, tell
from requorum.inspection.lease_keys import EVERY_KEY, DatabaseLeases, LeaseKeys, RevokedKeys
from requorum.inspection.wal_filter import WalFilter
from requorum.inspection.wal_listing import ListedEntry, Standing, list_segment
from requorum.inspection.wal_survey import SurveyedSegment, WalSurvey, survey_wal

MakeRecord = Callable[[], WalRecord]

_PASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WalWishes:
    """What is asked for. Of the records that `which` takes, the first `limit` or the last ones.

    `lease_keys`: tell what a lease's revocation deleted. That is always done where keys are asked
    for. `database`: a db that helps to tell; the member's own where None.
    """

    which: WalFilter
    values: bool = False
    lease_keys: bool = False
    database: str | None = None
    limit: int | None = None
    from_end: int | None = None

    @property
    def follows_leases(self) -> bool:
        """Return whether leases and their keys must be followed through the log."""
        asked = self.lease_keys or self.which.keys is not None or self.database is not None
        return asked and self.which.asks_for_deletes


class WalInspection:
    """A surveyed log. `records` can be read once; `summary` is final behind that."""

    def __init__(
        self,
        files: WalFiles,
        survey: WalSurvey,
        wishes: WalWishes,
        *,
        database: DatabaseLeases | None,
        told: Told,
        on_bytes: OnBytes,
    ) -> None:
        self._on_bytes = on_bytes
        self._files = files
        self._survey = survey
        self._wishes = wishes
        self._which = wishes.which
        self._told = told
        self._leases: LeaseKeys | None = None
        if wishes.follows_leases:
            self._leases = LeaseKeys(self._which.keys or EVERY_KEY, database)

    def summary(self) -> WalSummary:
        """Return what there is to say of the whole log."""
        return summary_of(self._files, self._survey, self._told)

    def records(self) -> Iterator[WalRecord]:
        """Yield what was asked for, in the order of the log, one segment in memory at a time."""
        found: Iterator[MakeRecord] = self._found()
        if self._wishes.from_end is not None:
            found = iter(deque(found, maxlen=self._wishes.from_end))
        for make in islice(found, self._wishes.limit):
            self._told.shown += 1
            yield make()

    def _found(self) -> Iterator[MakeRecord]:
        skipped = self._early_segments()
        for number, segment in enumerate(self._survey.segments):
            if self._leases is not None or (
                number >= skipped and self._which.may_take_from(segment)
            ):
                yield from self._found_in(segment)
            self._on_bytes(segment.size)

    def _found_in(self, segment: SurveyedSegment) -> Iterator[MakeRecord]:
        for listed in list_segment(self._survey, self._files.read(segment.name)):
            if isinstance(listed, ListedEntry):
                yield from self._entry(listed)
            elif self._which.takes_record(listed):
                yield partial(other_record, listed)

    def _early_segments(self) -> int:
        """Return how many segments lie before the last entries, where just those are asked for."""
        wanted = self._wishes.from_end
        if wanted is None or not self._which.takes_everything:
            return 0
        for number in range(len(self._survey.segments) - 1, 0, -1):
            segment = self._survey.segments[number]
            wanted -= segment.entries - len(self._survey.superseded.get(segment.name, ()))
            if wanted <= 0:
                return number
        return 0

    def _entry(self, found: ListedEntry) -> Iterator[MakeRecord]:
        asked = self._which.takes_place_of(found)
        if self._leases is None and not self._which.needs_story:
            if asked:
                yield partial(self._told_late, found)
        elif asked or (self._leases is not None and found.standing is not Standing.SUPERSEDED):
            yield from self._with_story(found, tell(found.entry), asked=asked)

    def _told_late(self, found: ListedEntry) -> WalRecord:
        return self._record(found, tell(found.entry), None)

    def _with_story(
        self, found: ListedEntry, story: EntryStory, *, asked: bool
    ) -> Iterator[MakeRecord]:
        revoked = None
        if self._leases is not None and found.standing is not Standing.SUPERSEDED:
            revoked = self._leases.follow(found.entry.index, story)
        if asked and self._which.takes_story(story, revoked):
            yield partial(self._record, found, story, revoked)
        elif asked and self._may_hide(story, revoked):
            self._told.revokes_unknown += 1

    def _record(
        self, found: ListedEntry, story: EntryStory, revoked: RevokedKeys | None
    ) -> WalRecord:
        self._told.note(found, story)
        return entry_record(found, story, revoked, values=self._wishes.values)

    def _may_hide(self, story: EntryStory, revoked: RevokedKeys | None) -> bool:
        """Return whether this may have deleted a key that is asked for, and nothing tells."""
        if self._which.keys is None or story.kind is not EntryKind.LEASE_REVOKE:
            return False
        return self._which.asks_for_deletes and revoked is not None and not revoked.complete


def inspect_wal(
    path: str, wishes: WalWishes, *, on_size: OnBytes, on_bytes: OnBytes
) -> WalInspection:
    """Find the log at `path` and survey it; the records are read when they are asked for.

    `on_size` is told how many bytes are to be read in all, `on_bytes` how many more were. Raises
    UsageError where there is no log, DamagedInput where nothing can be read of it.
    """
    files = find_wal(path)
    in_use = files.in_use()
    on_size(_PASSES * files.size)
    survey = survey_wal(files.read_all(on_bytes))
    if not survey.is_readable:
        raise nothing_readable(path, files)
    told = Told(in_use=in_use)
    database = None
    if wishes.follows_leases and survey.lease_revokes:
        database = leases_beside(files, wishes.database, told.notes.append)
    return WalInspection(files, survey, wishes, database=database, told=told, on_bytes=on_bytes)
