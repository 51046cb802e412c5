"""The parts of a data directory, each as it is printed."""

from collections.abc import Iterator
from typing import Literal

from requorum.app.inspect.datadir.results import (
    BootResult,
    DatabaseResult,
    LeftoverResult,
    LogResult,
    MemberRowResult,
    ReplayResult,
    SegmentResult,
    SignatureResult,
    SnapResult,
)
from requorum.domain.ids import hex_id
from requorum.domain.known_bad import known_problems
from requorum.domain.signatures.signature import links_of
from requorum.domain.version import EtcdVersion
from requorum.facts.whole_dir import WholeDir
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory, LogFacts
from requorum.inspection.boot.prediction import Prediction
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.segment_as_read import SegmentAsRead
from requorum.inspection.member_lists import MemberRow

DAMAGES_LISTED = 100
"""Of each file; `inspect db` and `inspect wal` list all."""


def boot_result(prediction: Prediction) -> BootResult:
    """Return what one release would do."""
    signature = prediction.signature
    return BootResult(
        etcd=str(prediction.release),
        outcome=prediction.outcome.value,
        why=prediction.why,
        at_once=prediction.at_once,
        when=prediction.when,
        signature=None
        if signature is None
        else SignatureResult(
            id=signature.id,
            log_line=prediction.log_line or signature.symptom,
            cause=signature.cause,
            fix=signature.fix,
            never=signature.never,
            links=links_of(signature),
        ),
        alternatives=tuple(other.id for other in prediction.alternatives),
        changes=prediction.changes,
        warnings=prediction.warnings,
        known_problems=_known_problems(prediction.release),
    )


def _known_problems(release: Release) -> tuple[str, ...]:
    if release.patch is None:
        return ()
    return known_problems(EtcdVersion(*release.minor, release.patch))


def replay_result(prediction: Prediction) -> ReplayResult | None:
    """Return where the start goes on from, None where the log is never read."""
    replay = prediction.replay
    if replay is None:
        return None
    return ReplayResult(
        snapshot_index=replay.snapshot,
        consistent_index=replay.consistent_index,
        commit=replay.commit,
        last_index=replay.last_index,
        to_apply=replay.to_apply,
    )


def log_result(directory: str, facts: LogFacts) -> LogResult | None:
    """Return the log, None where there is no segment."""
    if not facts.segments:
        return None
    log = facts.log
    return LogResult(
        directory=directory,
        segments=tuple(_segment(segment, facts) for segment in facts.segments),
        entries=len(log.entries),
        first_index=log.first_index,
        last_index=log.last_index,
        last_term=log.last_term,
        commit=log.commit,
        term=log.hard_state.term if log.hard_state is not None else 0,
        ending=log.ending.value,
        missing=len(log.missing),
        doubtful=len(log.doubtful),
    )


def _segment(segment: SegmentAsRead, facts: LogFacts) -> SegmentResult:
    found = [d for d in facts.log.damages if d.segment == segment.name]
    places = facts.spans.get(segment.name)
    return SegmentResult(
        name=segment.name,
        size=segment.size,
        first_index=places[0] if places is not None else None,
        last_index=places[1] if places is not None else None,
        damages=tuple(
            d.what if d.offset is None else f"byte {d.offset}: {d.what}"
            for d in found[:DAMAGES_LISTED]
        ),
    )


def snap_results(directory: Directory) -> Iterator[SnapResult]:
    """Yield the .snap files, newest first."""
    known = {(s.term, s.index) for s in directory.log.log.snapshots}
    for file in sorted(directory.snaps, key=lambda f: f.name, reverse=True):
        snap = file.snap
        yield SnapResult(
            name=file.name,
            size=file.size,
            term=snap.term if snap is not None else None,
            index=snap.index if snap is not None else None,
            cluster_version=snap.cluster_version if snap is not None else None,
            v2_data=snap is not None and snap.has_v2_data,
            known=snap is not None and (snap.term, snap.index) in known,
            damage=file.damage,
        )


def database_result(path: str, facts: DatabaseFacts) -> DatabaseResult:
    """Return a database."""
    state, verdict = facts.state, facts.verdict
    reasons = verdict.reasons if verdict is not None else ()
    if facts.open_error is not None:
        reasons = (f"bbolt does not open it: {facts.open_error}", *reasons)
    elif facts.size == 0:
        reasons = ("it is empty: etcd takes it for a new one",)
    return DatabaseResult(
        path=path,
        size=facts.size,
        verdict=verdict.verdict.value if verdict is not None else None,
        reasons=reasons,
        consistent_index=state.consistent_index if state is not None else None,
        term=state.term if state is not None else None,
        revision=state.current_revision if state is not None else None,
        compact_revision=state.compact_revision if state is not None else None,
        cluster_version=state.cluster_version if state is not None else None,
        storage_version=state.storage_version if state is not None else None,
        alarms=tuple(f"{a.kind} of {hex_id(a.member_id)}" for a in state.alarms) if state else (),
        damage_count=facts.damage_count,
        damages=tuple(str(d) for d in facts.damages[:DAMAGES_LISTED]),
    )


def member_result(row: MemberRow, own: int | None) -> MemberRowResult:
    """Return a member of either list; the log's names go before the database's."""
    known = row.in_log or row.in_database
    return MemberRowResult(
        id=hex_id(row.id),
        name=_name(row),
        peer_urls=known.peer_urls if known is not None else (),
        itself=row.id == own,
        in_log=_role(row.in_log.is_learner) if row.in_log is not None else None,
        in_database=_role(row.in_database.is_learner) if row.in_database is not None else None,
        removed=row.removed,
    )


def _name(row: MemberRow) -> str:
    in_log = row.in_log.name if row.in_log is not None else ""
    return in_log or (row.in_database.name if row.in_database is not None else "")


def _role(learner: bool) -> Literal["voter", "learner"]:  # noqa: FBT001  # a fact put into a word
    return "learner" if learner else "voter"


def leftover_results(whole: WholeDir) -> Iterator[LeftoverResult]:
    """Yield what is not part of the member's data."""
    for file in whole.files:
        if file.leftover is not None:
            yield LeftoverResult(path=file.path, size=file.stat.size, what=file.leftover)
