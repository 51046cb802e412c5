"""All that files and logs of one cluster prove, put together."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from requorum.formats.backend import Lease
from requorum.formats.backend_file import lease_row
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.mvcc import KeyValue
from requorum.formats.source import BufferSource
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.member_log import MemberLog
from requorum.inspection.salvage import leases
from requorum.inspection.salvage.claims import Claims
from requorum.inspection.salvage.decided_by_puts import decided_by_puts
from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.judge import (
    NO_LOG_KNOWLEDGE,
    Judgement,
    LastChange,
    LogKnowledge,
    judge,
)
from requorum.inspection.salvage.other_buckets import (
    LEASES,
    OtherBuckets,
    merge_buckets,
    newest_first,
)
from requorum.inspection.salvage.places import main_of, mains, place_of
from requorum.inspection.salvage.replay.auth_state import read_auth_state
from requorum.inspection.salvage.replay.base import MemberState, Truth
from requorum.inspection.salvage.replay.key_space import KeySpace
from requorum.inspection.salvage.replay.log_story import LogStory, begins_with_cluster, tell_log
from requorum.inspection.salvage.replay.told import ToldRecord
from requorum.inspection.salvage.settled import Conflict, Settled, settle
from requorum.inspection.salvage.user_key_column import print_of
from requorum.inspection.salvage.witness import contains

LOG = -1
"""The rank of records that the log proves: better than any file's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """`settled` holds the records of the files and those of the log, `judgement` is over them.

    `log_file` is the number by which the log's records name their file. `index` and `term` are
    the last entry that is in; `known_commit` is up to where entries are known to be committed.
    """

    settled: Settled
    judgement: Judgement
    others: OtherBuckets
    index: int
    term: int
    log: CompletedLog | None
    story: LogStory | None
    log_file: int
    known_commit: int


def salvage(gathered: Sequence[Gathered], logs: Mapping[str, MemberLog]) -> Salvaged:
    """Put everything together. Never raises for damage."""
    settled = settle(gathered)
    with_entries = {name: log for name, log in logs.items() if log.entries}
    log = complete_log(with_entries, across_holes=True)
    if log is not None:
        settled = decided_by_puts(settled, log.entries)
    story = _story(settled, log, logs) if log is not None else None
    knowledge = NO_LOG_KNOWLEDGE
    if story is not None:
        records = [record for told in story.told for record in told.records]
        corrected = [revision for told in story.told for revision in told.corrected]
        records += story.placed
        corrected += [main_of(record.place) for record in story.placed]
        records += _alive_by_log(settled, story, {record.place for record in records})
        settled = with_log(settled, records, corrected)
        settled = _decided(settled, story)
        knowledge = LogKnowledge(
            revisions=story.revisions,
            compact=story.state.compact if story.state is not None else -1,
            doubtful=np.array([r.place for r in records if r.doubtful], dtype=np.uint64),
            alive=None if story.at_compaction is None else _last_change(story.at_compaction),
        )
    newest = newest_first(settled.witnesses)
    index = (newest[0].index or 0) if newest else 0
    term = (newest[0].term or 1) if newest else 1
    others = _with_leases(merge_buckets(newest), settled, log)
    if story is not None and story.state is not None and story.state.index >= index:
        others = _after_log(others, story.state)
        index = story.state.index
        term = log.entries[index].term if log is not None and index in log.entries else term
    return Salvaged(
        settled=settled,
        judgement=judge(settled, knowledge),
        others=others,
        index=max(index, 1),
        term=term,
        log=log,
        story=story,
        log_file=len(gathered),
        known_commit=_known_commit(settled, logs),
    )


def _alive_by_log(settled: Settled, story: LogStory, known: Container[int]) -> list[ToldRecord]:
    """Return records of keys that the log has alive where files are compacted, and that they lack.

    A tree lacks a record, too, where a byte of its revision is flipped: nothing shows that. So the
    log, which has checksums, is followed, and the record is doubtful.
    """
    if story.at_compaction is None:
        return []
    found = [
        ToldRecord(place_of(state.mod_revision, state.sub), key, state, doubtful=True)
        for key, state in story.at_compaction.told_alone()
    ]
    places = np.array([record.place for record in found], dtype=np.uint64)
    held = contains(settled.records.place, places)
    return [r for r, has in zip(found, held, strict=True) if not has and r.place not in known]


def _last_change(keys: KeySpace) -> LastChange:
    """Return what tells the revision of a key's last change; None where it is not alive."""

    def last_change(key: bytes, *, before_holes: bool) -> int | None:
        found = keys.told(key, before_holes=before_holes)
        return None if found is None else found.mod_revision

    return last_change


def _decided(settled: Settled, story: LogStory) -> Settled:
    """Settle the conflicts of which the log tells who is right."""
    right = {revision for told in story.told for revision in told.confirmed}
    wrong = {revision for told in story.told for revision in told.corrected}
    decided = right | wrong
    return replace(
        settled,
        conflicts=tuple(
            _by_log(conflict, copy_is_right=conflict.revision not in wrong)
            if conflict.revision in decided
            else conflict
            for conflict in settled.conflicts
        ),
    )


def _by_log(conflict: Conflict, *, copy_is_right: bool) -> Conflict:
    if copy_is_right:
        return replace(conflict, reason="the log says so, too", settled=True)
    others = tuple(sorted({*conflict.believed, *conflict.others}))
    reason = "the log says otherwise"
    return replace(conflict, believed=(), others=others, reason=reason, settled=True)


def _story(settled: Settled, log: CompletedLog, logs: Mapping[str, MemberLog]) -> LogStory:
    truth = Truth(settled, log.entries)
    marks = [(s.index, s.term) for s in logs[log.winner].snapshots]
    fresh = log.first_index == 1 and begins_with_cluster(log.entries, marks)
    return tell_log(truth, log, fresh=fresh)


def _known_commit(settled: Settled, logs: Mapping[str, MemberLog]) -> int:
    """Return the highest entry that anything knows to be committed: what is applied is."""
    applied = [w.index or 0 for w in settled.witnesses]
    return max([*applied, *(log.commit for log in logs.values())], default=0)


def with_log(
    settled: Settled, told: Sequence[ToldRecord], corrected: Sequence[int] = ()
) -> Settled:
    """Add the log's records, in place of those that files hold differently at the same place.

    Of `corrected` revisions only the log's records are kept.
    """
    number = len(settled.files)
    if not told:
        return replace(settled, files=(*settled.files, None))
    by_place = {record.place: record for record in told}
    places = sorted(by_place)
    encoded = [_encoded(by_place[place]) for place in places]
    sizes = np.array([len(value) for value in encoded], dtype=np.int64)
    column = np.array(places, dtype=np.uint64)
    count = len(places)
    added = Claims(
        place=column,
        tombstone=np.array([by_place[p].state is None for p in places], dtype=np.bool_),
        file=np.full(count, number, dtype=np.int8),
        value_offset=np.cumsum(sizes) - sizes,
        value_size=sizes,
        rank=np.full(count, LOG, dtype=np.int8),
        sure_until=np.array([main_of(p) for p in places], dtype=np.int64),
    )
    main = mains(settled.records.place)
    kept = ~np.isin(settled.records.place, column) & ~np.isin(main, np.array(corrected, dtype="i8"))
    records = Claims.concatenate([settled.records.take(kept), added])
    prints = np.array([print_of(by_place[place].key) for place in places], dtype=np.int64)
    order = np.argsort(records.place, kind="stable")
    file = FileBytes(BufferSource(b"".join(encoded).ljust(8, b"\0")))
    return replace(
        settled,
        files=(*settled.files, file),
        records=records.take(order),
        prints=np.concatenate([settled.prints[kept], prints])[order],
        alike=np.concatenate([settled.alike[kept], np.ones(count, dtype=np.int64)])[order],
    )


def _encoded(record: ToldRecord) -> bytes:
    state = record.state
    if state is None:
        return KeyValue(key=record.key).encode()
    return KeyValue(
        key=record.key,
        create_revision=state.create_revision,
        mod_revision=state.mod_revision,
        version=state.version,
        value=state.value,
        lease=state.lease,
    ).encode()


def _with_leases(others: OtherBuckets, settled: Settled, log: CompletedLog | None) -> OtherBuckets:
    """Return the buckets with the leases that the newest tree has lost, or never had."""
    newest = newest_first(settled.witnesses)
    until = leases.whole_until(newest[0] if newest else None)
    rows: Mapping[bytes, bytes] = others.rows[LEASES]
    if log is not None:
        rows = leases.with_log(rows, log.entries, after=until)
    incomplete = others.incomplete
    if not until or _goes_on_in_strays(settled):
        known, entries = rows, log.entries if log is not None else {}
        rows = leases.with_stray_leases(rows, settled.files, entries)
        incomplete += (LEASES,) if len(rows) > len(known) and LEASES not in incomplete else ()
    return replace(others, rows={**others.rows, LEASES: rows}, incomplete=incomplete)


def _goes_on_in_strays(settled: Settled) -> bool:
    """Return whether pages that no tree reaches hold a later time than every tree."""
    main = mains(settled.records.place)
    return bool(len(main)) and int(main[-1]) > max((w.last for w in settled.witnesses), default=0)


def _after_log(others: OtherBuckets, state: MemberState) -> OtherBuckets:
    """Return the rows as they are behind the log; those that did not change keep their bytes.

    What the log could not tell of users and roles, because entries before are lost, stays.
    """
    rows: dict[bytes, Mapping[bytes, bytes]] = {**others.rows}
    if LEASES not in state.incomplete:
        known = others.rows[LEASES]
        told = dict(lease_row(Lease(number, ttl, 0)) for number, ttl in state.leases.items())
        rows[LEASES] = {key: known.get(key, value) for key, value in told.items()}
    before = read_auth_state(others.rows).rows()
    for name, after in _auth_rows(others, state).items():
        if name not in state.incomplete:
            rows[name] = {
                key: others.rows[name][key]
                if key in others.rows[name] and before[name].get(key) == value
                else value
                for key, value in after.items()
            }
    return OtherBuckets(rows, state.incomplete, others.filled)


def _auth_rows(others: OtherBuckets, state: MemberState) -> dict[bytes, dict[bytes, bytes]]:
    """Return the rows of users and roles; passwords that the log has not hashed come from files."""
    in_files = read_auth_state(others.rows).users
    for name in [*state.auth.unusable]:
        if name in in_files and name in state.auth.users and in_files[name].password:
            hashed = in_files[name].password
            state.auth.users[name] = replace(state.auth.users[name], password=hashed)
            state.auth.unusable.discard(name)
    return state.auth.rows()
