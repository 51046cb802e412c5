"""A whole log, with its holes, told from wherever the files and the log meet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from requorum.formats.raftpb import Entry, EntryType
from requorum.inspection.completed_log import CompletedLog
from requorum.inspection.salvage.intervals import Intervals
from requorum.inspection.salvage.other_buckets import CARRIED
from requorum.inspection.salvage.replay.anchors import (
    Anchor,
    anchors_by_content,
    misplaced,
    moved_back,
    revision_before,
    witness_anchors,
)
from requorum.inspection.salvage.replay.base import (
    MemberState,
    Truth,
    empty_state,
    rows_at,
    state_at,
    state_of,
    take_over,
)
from requorum.inspection.salvage.replay.key_space import KeySpace
from requorum.inspection.salvage.replay.placed import counted_puts, placed_records
from requorum.inspection.salvage.replay.story import Teller, revisions_made
from requorum.inspection.salvage.replay.told import Told, ToldRecord, told_revisions
from requorum.inspection.salvage.witness import Standing, Witness

PLACED_PROBES = 200_000
"""So many records, spread over all, are looked for in the log where telling gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStory:
    """What the log adds to the files.

    `state` is what a member has that applied the log to `index`, None where the log could not be
    told to its end from anywhere. `revisions` are those of which the log knows every change.
    `unread` are stretches of entries that are there and could not be given a place in history,
    with the reason. `assumed` are entries lost in every log, each taken for one revision.
    `doubted` says of databases why they cannot stand where they say. `placed` are records of
    unread stretches whose place is certain all the same. `at_compaction` are the keys at the
    revision that the files are compacted to, None where the log was not told so far.
    """

    told: tuple[Told, ...]
    state: MemberState | None
    revisions: Intervals
    unread: tuple[tuple[int, int, str], ...]
    assumed: tuple[int, ...]
    doubted: tuple[str, ...]
    placed: tuple[ToldRecord, ...] = ()
    at_compaction: KeySpace | None = None


@dataclass
class _Telling:
    truth: Truth
    log: CompletedLog
    fresh: bool
    lost_something: bool
    told: list[Told] = field(default_factory=list)
    unread: list[tuple[int, int, str]] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)
    assumed: list[int] = field(default_factory=list)
    state: MemberState | None = None
    unproven: bool = False
    """Whether the revision to begin with is a guess."""
    unsure_until: int = 0
    """Up to which revision it is, even where later ones are found."""
    at_compaction: KeySpace | None = None

    @cached_property
    def compact(self) -> int:
        """Return the revision that the files are compacted to, -1: none."""
        return max((w.least_compact for w in self.truth.settled.witnesses), default=-1)


def tell_log(truth: Truth, log: CompletedLog, *, fresh: bool) -> LogStory:
    """Tell all of a log.

    `fresh`: the log begins with the cluster, so that before entry 1 there was nothing; the log of
    a restored one does not.
    """
    telling = _Telling(truth, log, fresh, _lost_something(truth))
    for first, last in _runs(log):
        _tell_run(telling, first, last)
    return LogStory(
        told=tuple(telling.told),
        state=telling.state,
        revisions=told_revisions(telling.told),
        unread=tuple(telling.unread),
        assumed=tuple(telling.assumed),
        doubted=tuple(telling.doubted),
        placed=tuple(_placed(telling)),
        at_compaction=telling.at_compaction,
    )


def _placed(telling: _Telling) -> list[ToldRecord]:
    """Return what can be counted on in stretches where telling gave up, or left it open."""
    log, truth = telling.log, telling.truth
    stretches = [(first, last) for first, last, _ in telling.unread]
    stretches += [told.left_open for told in telling.told if told.left_open is not None]
    if not stretches:
        return []
    # Of the whole log at once: a stretch between two holes may have a single record that tells.
    anchors = anchors_by_content(
        truth, log.entries, min(log.entries), max(log.entries), probes_max=PLACED_PROBES
    )
    return placed_records(truth, counted_puts(log.entries, anchors, stretches))


def begins_with_cluster(entries: Mapping[int, Entry], snapshots: Sequence[tuple[int, int]]) -> bool:
    """Return whether a log's first entries are those of a new cluster, not of a restored one.

    Both begin with the changes that make the first members. A restore marks a snapshot there,
    at (index, term), because the database holds keys already.
    """
    founders = 0
    while founders + 1 in entries and entries[founders + 1].type is EntryType.CONF_CHANGE:
        founders += 1
    return founders > 0 and not any(0 < index <= founders for index, _ in snapshots)


def _lost_something(truth: Truth) -> bool:
    return not truth.settled.witnesses or any(not w.whole for w in truth.settled.witnesses)


def _runs(log: CompletedLog) -> Iterator[tuple[int, int]]:
    """Yield stretches of entries without a hole."""
    first: int | None = None
    last = 0
    for index in sorted(log.entries):
        if first is not None and index != last + 1:
            yield first, last
            first = index
        first = index if first is None else first
        last = index
    if first is not None:
        yield first, last


def _tell_run(telling: _Telling, first: int, last: int) -> None:
    """Tell one stretch, from the first place on where the state before it is known."""
    anchors = _Anchors(telling, first, last)
    moved: set[int] = set()
    telling.unproven, telling.unsure_until = False, 0
    state = _start(telling, anchors)
    while state is not None:
        teller = Teller(
            telling.truth,
            state,
            unproven=telling.unproven,
            unsure_until=telling.unsure_until,
            keep_at=telling.compact if telling.at_compaction is None else None,
        )
        _tell_from(telling, teller, anchors)
        told = teller.finish()
        if told.stopped is None or told.proven_revision >= telling.compact:
            telling.at_compaction = telling.at_compaction or teller.kept
        telling.told.append(told)
        if told.stopped is None:
            telling.state = teller.state
            return
        following = anchors.behind(told.proven_index)
        telling.unproven, telling.unsure_until = False, 0
        state = None
        if following is not None:
            begin = following
            if following.index not in moved:  # else it did not get as far as to there
                moved.add(following.index)
                begin = moved_back(following, telling.log.entries, told.proven_index + 1)
            state = _state_of(telling, begin if begin.index < following.index else following)
        end = last if state is None else state.index
        if end > told.proven_index:
            telling.unread.append((told.proven_index + 1, end, told.stopped))


def _tell_from(telling: _Telling, teller: Teller, anchors: "_Anchors") -> None:
    """Tell the rest of a stretch; every database that it passes must stand where the log does."""
    entries = telling.log.entries
    for witness, anchor in anchors.stops_behind(teller.state.index):
        teller.tell(entries, teller.state.index + 1, witness.index or 0)
        if teller.told.stopped is not None:
            return
        if anchor is not None and not teller.confirm(anchor.revision):
            return
        take_over(teller.state, witness)
        if anchor is not None and not teller.state.keys.complete:
            theirs = state_of(telling.truth, witness).keys
            if theirs.complete:
                teller.state.keys = theirs.corrected(teller.state.keys, teller.told.corrections)
    teller.tell(entries, teller.state.index + 1, anchors.last)


class _Anchors:
    """The places of one stretch [first, last] where files and log meet."""

    def __init__(self, telling: _Telling, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._telling = telling
        self._witnesses: list[Anchor] = []
        self._doubted: list[Witness] = []
        for anchor in witness_anchors(telling.truth):
            if first - 1 <= anchor.index <= last:
                why = misplaced(telling.truth, anchor, telling.log.entries)
                if why is None:
                    self._witnesses.append(anchor)
                elif anchor.witness is not None:
                    telling.doubted.append(why)
                    self._doubted.append(anchor.witness)

    def stops_behind(self, index: int) -> list[tuple[Witness, Anchor | None]]:
        """Return the databases behind an entry, and where their records say that they stand.

        One whose last records are lost cannot say; its other buckets may be whole.
        """
        known = {id(anchor.witness): anchor for anchor in self._witnesses}
        doubted = {id(witness) for witness in self._doubted}
        witnesses = [
            witness
            for witness in self._telling.truth.settled.witnesses
            if witness.standing is Standing.CURRENT
            and id(witness) not in doubted
            and index < (witness.index or 0) <= self.last
        ]
        witnesses.sort(key=lambda witness: witness.index or 0)
        return [(witness, known.get(id(witness))) for witness in witnesses]

    def witnesses_behind(self, index: int) -> list[Anchor]:
        """Return the databases that stand behind an entry."""
        return [anchor for anchor in self._witnesses if anchor.index > index]

    def behind(self, index: int) -> Anchor | None:
        """Return the next place behind an entry; one found by content only if it fills a gap."""
        found = self.witnesses_behind(index)
        if self._telling.lost_something or not found:
            found += [a for a in self.by_content if a.index > index]
        return min(found, key=lambda anchor: anchor.index, default=None)

    @property
    def first_witness(self) -> Anchor | None:
        """Return the first database within the stretch."""
        return self._witnesses[0] if self._witnesses else None

    @cached_property
    def by_content(self) -> list[Anchor]:
        """Return the places where puts are found as records."""
        telling = self._telling
        return anchors_by_content(telling.truth, telling.log.entries, self.first, self.last)


def _start(telling: _Telling, anchors: _Anchors) -> MemberState | None:
    """Return the state to begin with."""
    truth, first = telling.truth, anchors.first
    if first == 1 and telling.fresh:
        return empty_state(truth, complete=True)
    witness = anchors.first_witness
    if witness is not None and (witness.index < first or not telling.lost_something):
        return _state_of(telling, witness)
    if telling.state is not None:
        return _over_the_hole(telling, telling.state, anchors)
    if anchors.by_content:
        begin = moved_back(anchors.by_content[0], telling.log.entries, first)
        return state_at(truth, index=begin.index, revision=begin.revision)
    return _state_of(telling, witness) if witness is not None else _without_record(telling, anchors)


def _without_record(telling: _Telling, anchors: _Anchors) -> MemberState | None:
    """Return the state to begin with where no record of the files is found in the log."""
    first = anchors.first
    if not len(telling.truth.mains):
        # Nobody knows how many revisions there were before; each entry made one at most.
        telling.unproven = True
        return empty_state(
            telling.truth, index=first - 1, revision=max(first - 1, 1), complete=False
        )
    telling.unread.append((first, anchors.last, "no record of the files is found in it"))
    return None


def _state_of(telling: _Telling, anchor: Anchor) -> MemberState:
    if anchor.witness is None:
        return state_at(telling.truth, index=anchor.index, revision=anchor.revision)
    return state_of(telling.truth, anchor.witness)


def _over_the_hole(telling: _Telling, state: MemberState, anchors: _Anchors) -> MemberState:
    """Go on behind entries that are lost in every log, with what was known before them.

    Where records tell how many revisions they made, those are skipped. Else each is taken for
    one: so a revision may be skipped that never was, but none is used twice.
    """
    first, found = anchors.first, anchors.by_content
    missing = range(state.index + 1, first)
    low, high = state.revision, state.revision + len(missing)
    revision = revision_before(telling.truth, telling.log.entries, first, low, high)
    if revision is None and found:
        entries, until = telling.log.entries, found[0].index
        made, unsure = revisions_made(telling.truth, state, entries, first, until)
        counted = found[0].revision - made
        if low <= counted <= high:
            revision, telling.unsure_until = counted, counted + unsure
    if revision is not None:
        state.keys = state.keys.later(rows_at(telling.truth, revision), since=low)
        state.revision = revision
    else:
        state.keys.doubt()
        telling.unproven = True
        telling.unsure_until = 0
        telling.assumed += missing
        state.revision += len(missing)
    state.index = first - 1
    state.incomplete = CARRIED
    return state
