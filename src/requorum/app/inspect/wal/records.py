"""What lies in a log, as results."""

from requorum.app.inspect.wal.details import detail, operations
from requorum.app.inspect.wal.results import (
    CrcDetail,
    DamageDetail,
    Detail,
    HardStateDetail,
    MetadataDetail,
    SnapshotDetail,
    WalRecord,
)
from requorum.domain.ids import hex_id
from requorum.inspection.entry_story import EntryStory, origin_of
from requorum.inspection.lease_keys import RevokedKeys
from requorum.inspection.wal_filter import RECORD_KINDS
from requorum.inspection.wal_listing import (
    Listed,
    ListedCrc,
    ListedEntry,
    ListedMetadata,
    ListedSnapshot,
    ListedState,
    Place,
)
from requorum.inspection.wal_survey import PlacedDamage


def entry_record(
    found: ListedEntry, story: EntryStory, revoked: RevokedKeys | None, *, values: bool
) -> WalRecord:
    """Return an entry with its story."""
    origin = origin_of(found.entry)
    suffix = origin.member_suffix
    return WalRecord(
        kind=str(story.kind),
        segment=found.place.segment,
        offset=found.place.offset,
        size=found.place.size,
        index=found.entry.index,
        term=found.entry.term,
        standing=found.standing.value,
        superseded_by_term=found.superseded_by,
        committed=found.committed,
        via=None if suffix is None else f"{suffix:04x}",
        user=origin.user or None,
        operations=operations(story, values=values),
        detail=detail(story, revoked, values=values),
    )


def other_record(found: Listed) -> WalRecord:
    """Return a record that is no entry, or a damaged place."""
    kind = RECORD_KINDS[type(found)]
    match found:
        case ListedState(place, state):
            vote = hex_id(state.vote) if state.vote else None
            return _record(kind, place, HardStateDetail(vote=vote, commit=state.commit),
                           term=state.term)  # fmt: skip
        case ListedSnapshot(place, snapshot):
            return _record(kind, place, _snapshot(found), index=snapshot.index, term=snapshot.term)
        case ListedMetadata(place, metadata):
            ids = MetadataDetail(
                member=hex_id(metadata.node_id), cluster=hex_id(metadata.cluster_id)
            )
            return _record(kind, place, ids)
        case ListedCrc(place, crc):
            return _record(kind, place, CrcDetail(crc=f"{crc:08x}"))
        case PlacedDamage():
            return _damage(kind, found)
        case ListedEntry():
            raise TypeError("an entry is told by `entry_record`")


def _record(
    kind: str, place: Place, told: Detail, *, index: int | None = None, term: int | None = None
) -> WalRecord:
    return WalRecord(
        kind=kind,
        segment=place.segment,
        offset=place.offset,
        size=place.size,
        index=index,
        term=term,
        detail=told,
    )


def _snapshot(found: ListedSnapshot) -> SnapshotDetail:
    conf_state = found.snapshot.conf_state
    if conf_state is None:
        return SnapshotDetail(voters=None, learners=None)
    return SnapshotDetail(
        voters=tuple(map(hex_id, conf_state.voters)),
        learners=tuple(map(hex_id, conf_state.learners)),
    )


def _damage(kind: str, found: PlacedDamage) -> WalRecord:
    return WalRecord(
        kind=kind,
        segment=found.segment,
        offset=found.offset,
        size=found.size,
        detail=DamageDetail(what=found.what, lost=found.lost, after_index=found.after_index),
    )
