"""What was salvaged, as the result that is printed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from requorum.app.files.bytes_shown import text_or_base64
from requorum.app.salvage.results import (
    ROWS_MAX,
    BucketResult,
    ConflictResult,
    DoubtfulResult,
    LostRangeResult,
    RecordResult,
    ReplayResult,
    SalvageFileResult,
    SalvageLogResult,
    SalvageResult,
)
from requorum.formats.bbolt.columns import Mask
from requorum.formats.mvcc import KeyValue
from requorum.inspection.member_log import MemberLog
from requorum.inspection.salvage.claims import STRAY
from requorum.inspection.salvage.content import Content
from requorum.inspection.salvage.ending import lost_ending
from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.other_buckets import LEASES
from requorum.inspection.salvage.places import SUB_MAX, main_of, place_of, sub_of
from requorum.inspection.salvage.salvage import Salvaged
from requorum.inspection.salvage.user_key_column import by_key, user_key, value_of
from requorum.inspection.salvage.witness import Standing, Witness

DAMAGES_SHOWN = 100

Why = Literal["may-be-superseded", "never-committed", "rests-on-lost-keys", "copies-differ"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDatabase:
    """A database file that was read; `foreign` says what it is if it is none."""

    name: str
    path: str
    size: int
    trailer: Literal["matches", "differs", "absent"]
    gathered: Gathered
    foreign: str | None


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log that was read."""

    name: str
    path: str
    log: MemberLog


@dataclass(frozen=True, slots=True)
class Read:
    """All inputs. `logs` by the directory they lie in; for the others see `Inputs`."""

    databases: tuple[ReadDatabase, ...]
    logs: tuple[tuple[str, ReadLog], ...]
    empty: tuple[str, ...]
    without_log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The new file."""

    path: str
    size: int
    sha256: str


def result_of(
    read: Read, salvaged: Salvaged, content: Content, written: Written | None, *, seconds: float
) -> SalvageResult:
    """Return the whole result."""
    return _Findings(read, salvaged, content).result(written, seconds)


class _Findings:
    def __init__(self, read: Read, salvaged: Salvaged, content: Content) -> None:
        self.read = read
        self.salvaged = salvaged
        self.content = content
        self.records = salvaged.settled.records
        self.judgement = salvaged.judgement
        self.open_end = lost_ending(
            salvaged,
            {path: log.log for path, log in read.logs},
            missing=len(read.empty) + len(read.without_log),
        )

    def result(self, written: Written | None, seconds: float) -> SalvageResult:
        lost = list(self._lost())
        doubtful = self.judgement.doubtful & self.content.kept
        maybe = self._possibly_lost()
        buckets = tuple(self._buckets())
        replay = self._replay()
        locked = self.content.others.locked_out and not self.content.auth_off
        passwords = self._users_without_password()
        uncertain = doubtful.any() or any(b.incomplete for b in buckets) or locked or passwords
        left_out = int((self.judgement.doubtful & ~self.content.kept).sum())
        return SalvageResult(
            outcome="written" if written is not None else "planned",
            complete=not (lost or uncertain or left_out or (replay and replay.unread)),
            file=written.path if written is not None else None,
            size=written.size if written is not None else None,
            sha256=written.sha256 if written is not None else None,
            revision=self._revision(),
            compact_revision=self.content.sealed if self.content.sealed > 0 else -1,
            index=self.content.index,
            term=self.content.term,
            records=self.content.record_count,
            keys=self._live_keys(),
            files=tuple(self._file(n, d) for n, d in enumerate(self.read.databases)),
            logs=tuple(_log(log) for _, log in self.read.logs),
            replay=replay,
            buckets=buckets,
            lost=tuple(lost[:ROWS_MAX]),
            lost_count=len(lost),
            doubtful=tuple(self._doubtful(doubtful)),
            doubtful_count=int(doubtful.sum()),
            doubtful_left_out=left_out,
            possibly_lost_keys=tuple(self._shown(row) for row in maybe[:ROWS_MAX]),
            possibly_lost_count=len(maybe),
            conflicts=tuple(self._conflicts()),
            conflict_count=len(self.salvaged.settled.conflicts),
            auth_enabled=self.content.others.auth_enabled and not self.content.auth_off,
            auth_locked_out=locked,
            users_without_password=passwords,
            alarms_left_out=len(self._alarms()),
            keys_with_lost_lease=self._orphaned_leases(),
            warnings=tuple(self._warnings()),
            seconds=round(seconds, 3),
        )

    def _revision(self) -> int:
        """Return the current revision of the new database."""
        kept = np.flatnonzero(self.content.kept)
        last = main_of(int(self.records.place[kept[-1]])) if len(kept) else 1
        return max(last, self.content.sealed, 1)

    def _live_keys(self) -> int:
        kept = np.flatnonzero(self.content.kept & (self.records.value_size > 0))
        order, first = by_key(self.salvaged.settled.prints[kept])
        last = np.append(first[1:], True)[: len(order)]
        return int((~self.records.tombstone[kept[order[last]]]).sum())

    def _file(self, number: int, database: ReadDatabase) -> SalvageFileResult:
        gathered = database.gathered
        witness = next((w for w in gathered.witnesses), None)
        mine = self.content.kept & (self.records.file == number)
        parted = [p.revision for p in self.salvaged.settled.partings if p.dropped == number]
        return SalvageFileResult(
            name=database.name,
            path=database.path,
            size=database.size,
            trailer=database.trailer,
            readable=witness is not None,
            records=len(witness.rows) if witness is not None else 0,
            revision=_revision_of(witness),
            compact_revision=witness.compact if witness is not None else None,
            consistent_index=witness.index if witness is not None else None,
            term=witness.term if witness is not None else None,
            gaps=_gaps(witness),
            taken=int(mine.sum()),
            strays=int((mine & (self.records.rank == STRAY)).sum()),
            dropped_from=min(parted, default=None),
            damage_count=len(gathered.damages),
            damages=tuple(
                f"page {page}: {what}" for page, what in gathered.damages[:DAMAGES_SHOWN]
            ),
        )

    def _replay(self) -> ReplayResult | None:
        story, log = self.salvaged.story, self.salvaged.log
        if story is None or log is None:
            return None
        commit, last = self.salvaged.known_commit, self.salvaged.index
        mine = self.content.kept & (self.records.file == self.salvaged.log_file)
        return ReplayResult(
            first_index=log.first_index,
            last_index=log.last_index,
            taken=int(mine.sum()),
            checked=sum(t.checked for t in story.told),
            turned_down=sum(t.turned_down for t in story.told),
            corrected=tuple(r for t in story.told for r in t.corrected)[:ROWS_MAX],
            uncommitted=(commit + 1, last) if commit < last else None,
            missing_entries=story.assumed[:ROWS_MAX],
            unread=tuple(f"entries {a} to {b}: {why}" for a, b, why in story.unread),
        )

    def _buckets(self) -> Iterator[BucketResult]:
        others = self.content.others
        for name, rows in others.rows.items():
            yield BucketResult(
                name=name.decode(),
                rows=len(rows),
                incomplete=name in others.incomplete,
                filled=sum(row.bucket == name for row in others.filled),
            )

    def _lost(self) -> Iterator[LostRangeResult]:
        for first, last in self.judgement.lost_places:
            yield _range(first, last, certain=False)
        places = self.records.place
        for low, high in self.judgement.lost_revisions:
            # Of the first and the last revision of a stretch a part may be there.
            inner = np.searchsorted(
                places, np.array([place_of(low), place_of(high + 1)], dtype="u8")
            )
            certain = int(inner[1] - inner[0]) < high - low + 1
            yield _range(place_of(low), place_of(high + 1) - 1, certain=certain)
        if self.open_end is not None:
            end = place_of(self._revision() + 1)
            yield LostRangeResult(
                first_revision=main_of(end), first_sub=0, last_revision=None, last_sub=None,
                certain=False,
            )  # fmt: skip  # one range

    def _doubtful(self, doubtful: Mask) -> Iterator[DoubtfulResult]:
        for row in np.flatnonzero(doubtful)[:ROWS_MAX].tolist():
            shown = self._shown(row)
            yield DoubtfulResult(**shown.model_dump(), why=self._why(row))

    def _why(self, row: int) -> Why:
        if self.judgement.beyond[row]:
            return "never-committed"
        if int(self.records.file[row]) == self.salvaged.log_file:
            return "rests-on-lost-keys"
        place = int(self.records.place[row])
        open_ = {(c.revision, c.sub) for c in self.salvaged.settled.conflicts if not c.settled}
        return "copies-differ" if (main_of(place), sub_of(place)) in open_ else "may-be-superseded"

    def _conflicts(self) -> Iterator[ConflictResult]:
        names = [d.name for d in self.read.databases]
        for conflict in self.salvaged.settled.conflicts[:ROWS_MAX]:
            text, encoded = text_or_base64(conflict.key)
            yield ConflictResult(
                revision=conflict.revision,
                sub=conflict.sub,
                key=text,
                key_base64=encoded,
                believed=tuple(names[n] for n in conflict.believed),
                others=tuple(names[n] for n in conflict.others),
                reason=conflict.reason,
                settled=conflict.settled,
            )

    def _shown(self, row: int) -> RecordResult:
        place = int(self.records.place[row])
        text, encoded = text_or_base64(user_key(self.salvaged.settled.files, self.records, row))
        return RecordResult(
            revision=main_of(place), sub=sub_of(place), key=text, key_base64=encoded
        )

    def _possibly_lost(self) -> list[int]:
        """Return the last records of keys that are gone, where a later one may be lost.

        Most of them were deleted; nobody can tell which.
        """
        lost = self.judgement.lost_places
        if not lost or lost.last is None:
            return []
        order, first = by_key(self.salvaged.settled.prints)
        group = np.cumsum(first) - 1
        alive = np.zeros(int(group[-1]) + 1 if len(group) else 0, dtype=np.bool_)
        np.logical_or.at(alive, group, self.judgement.kept[order])
        last = np.append(first[1:], True)[: len(order)]
        rows = order[last & ~alive[group]]
        refuted = self.judgement.refuted[rows] & ~self.records.tombstone[rows]
        earlier = self.records.place[rows] < np.uint64(min(lost.last, (1 << 63) - 1))
        found: list[int] = np.sort(rows[refuted & earlier]).tolist()
        return found

    def _users_without_password(self) -> tuple[str, ...]:
        story = self.salvaged.story
        if story is None or story.state is None:
            return ()
        return tuple(sorted(story.state.auth.unusable))

    def _alarms(self) -> set[bytes]:
        witnesses = self.salvaged.settled.witnesses
        return {key for w in witnesses[:1] for key in w.bucket(b"alarm").rows}

    def _orphaned_leases(self) -> int:
        """Return how many live keys refer to a lease that the new database does not have."""
        leases = {int.from_bytes(k, "big", signed=True) for k in self.content.others.rows[LEASES]}
        if LEASES not in self.content.others.incomplete:
            return 0
        kept = np.flatnonzero(self.content.kept & ~self.records.tombstone)
        order, first = by_key(self.salvaged.settled.prints[kept])
        last = np.append(first[1:], True)[: len(order)]
        settled = self.salvaged.settled
        values = (value_of(settled.files, self.records, row) for row in kept[order[last]].tolist())
        found = (KeyValue.decode(value).lease for value in values)
        return sum(1 for lease in found if lease and lease not in leases)

    def _warnings(self) -> Iterator[str]:
        if self.open_end is not None:
            yield f"later revisions may be lost: {self.open_end}"
        for name in self.read.empty:
            yield f"{name} holds neither a database nor a log"
        for database in self.read.databases:
            if database.foreign is not None:
                yield f"{database.name} is {database.foreign}, and no database"
        if self.salvaged.story is not None:
            yield from self.salvaged.story.doubted


def _revision_of(witness: Witness | None) -> int | None:
    if witness is None or (witness.gap_at_end and not len(witness.rows)):
        return None
    return witness.last


def _gaps(witness: Witness | None) -> int:
    return int(witness.gap_before.sum()) + witness.gap_at_end if witness is not None else 0


def _log(read: ReadLog) -> SalvageLogResult:
    log = read.log
    return SalvageLogResult(
        name=read.name,
        path=read.path,
        first_index=log.first_index if log.entries else None,
        last_index=log.last_index if log.entries else None,
        commit=log.commit,
        ending=log.ending.value,
        damage_count=len(log.damages),
        damages=tuple(
            f"{d.segment}{'' if d.offset is None else f' at byte {d.offset}'}: {d.what}"
            for d in log.damages[:DAMAGES_SHOWN]
        ),
    )


def _range(first: int, last: int, *, certain: bool) -> LostRangeResult:
    return LostRangeResult(
        first_revision=main_of(first),
        first_sub=sub_of(first),
        last_revision=main_of(last),
        last_sub=None if sub_of(last) == SUB_MAX else sub_of(last),
        certain=certain,
    )


__all__ = ["Read", "ReadDatabase", "ReadLog", "Standing", "Written", "result_of"]
