"""What there is to say of a whole log, as a result."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from requorum.app.files.wal_files import WalFiles
from requorum.app.inspect.wal.results import (
    WalDamageResult,
    WalMissingResult,
    WalSegmentResult,
    WalSnapshotResult,
    WalSummary,
    WalTermResult,
)
from requorum.domain.ids import hex_id
from requorum.formats.wal import Ending
from requorum.inspection.entry_story import EntryStory, Undecodable
from requorum.inspection.wal_listing import ListedEntry
from requorum.inspection.wal_survey import SurveyedSegment, WalSurvey

UNDECODABLE_MAX = 1000
"""Entries that cannot be decoded and are kept for the summary; all of them are told."""


@dataclass
class Told:
    """What turned up while records were told."""

    in_use: bool
    shown: int = 0
    revokes_unknown: int = 0
    notes: list[str] = field(default_factory=list)
    damages: list[WalDamageResult] = field(default_factory=list)

    def note(self, found: ListedEntry, story: EntryStory) -> None:
        """Note an entry if its checksum is right and its content is not."""
        if isinstance(story.told, Undecodable) and len(self.damages) < UNDECODABLE_MAX:
            self.damages.append(
                WalDamageResult(
                    segment=found.place.segment,
                    offset=found.place.offset,
                    size=found.place.size,
                    what=f"entry {found.entry.index} cannot be decoded: {story.told.problem}",
                    lost=0,
                    after_index=found.place.after_index,
                )
            )


def summary_of(files: WalFiles, survey: WalSurvey, told: Told) -> WalSummary:
    """Return the summary of a log after what was asked for has been told."""
    log, state = survey.log, survey.log.hard_state
    return WalSummary(
        path=files.path if not files.single else f"{files.path}/{files.names[0]}",
        segments=tuple(map(_segment, survey.segments)),
        member=hex_id(log.metadata.node_id) if log.metadata else None,
        cluster=hex_id(log.metadata.cluster_id) if log.metadata else None,
        records=survey.records,
        entries=len(log.entries),
        superseded=survey.superseded_count,
        doubtful=len(log.doubtful),
        first_index=log.first_index,
        last_index=max(log.entries, default=0),
        terms=tuple(
            WalTermResult(term=t.term, first_index=t.first_index, last_index=t.last_index)
            for t in survey.terms
        ),
        term=state.term if state else None,
        vote=hex_id(state.vote) if state and state.vote else None,
        commit=log.commit,
        committed_to=log.committed_here,
        snapshots=tuple(WalSnapshotResult(index=s.index, term=s.term) for s in log.snapshots),
        ending=survey.segments[-1].ending.value,
        damages=(*_damages(survey), *_missing_end(files, survey), *told.damages),
        missing=tuple(
            WalMissingResult(
                first_index=gap.first_index,
                last_index=gap.last_index,
                reason="snapshot" if gap.snapshot else "lost",
            )
            for gap in survey.missing
        ),
        in_use=told.in_use,
        shown=told.shown,
        revokes_unknown=told.revokes_unknown,
        notes=(*_notes(survey, told), *told.notes),
    )


def _segment(segment: SurveyedSegment) -> WalSegmentResult:
    return WalSegmentResult(
        name=segment.name,
        size=segment.size,
        end=segment.end_offset,
        records=segment.records,
        entries=segment.entries,
        first_index=segment.first_index,
        last_index=segment.last_index,
        ending=segment.ending.value,
    )


def _damages(survey: WalSurvey) -> Iterator[WalDamageResult]:
    for found in survey.damages:
        yield WalDamageResult(
            segment=found.segment,
            offset=found.offset,
            size=found.size,
            what=found.what,
            lost=found.lost,
            after_index=found.after_index,
        )


def _missing_end(files: WalFiles, survey: WalSurvey) -> Iterator[WalDamageResult]:
    if survey.next_segment_missing and not files.single:
        last = survey.segments[-1]
        yield WalDamageResult(
            segment=last.name,
            offset=None,
            size=None,
            what="it is full, and no segment follows it: one may be missing",
            lost=None,
            after_index=last.last_index or 0,
        )


def _notes(survey: WalSurvey, told: Told) -> Iterator[str]:
    last = survey.segments[-1]
    if told.in_use:
        yield "an etcd is writing to this log: its last record may be half written"
    if last.ending is Ending.TORN:
        yield (
            f"a write was torn at byte {last.end_offset} of {last.name}, as a crash leaves it: "
            "etcd cuts it off when it starts"
        )
