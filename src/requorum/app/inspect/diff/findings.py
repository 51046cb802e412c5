"""What a comparison found, as the result that is printed."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from requorum.app.files.bytes_shown import printable_or_base64, text_or_base64
from requorum.app.inspect.diff.notes import notes_of
from requorum.app.inspect.diff.results import (
    BucketResult,
    ChangeResult,
    CountsResult,
    DiffResult,
    HistoriesResult,
    KeyResult,
    NamespaceResult,
    ObjectResult,
    PrefixResult,
    RangeResult,
    ResourceResult,
    SideResult,
    ValueResult,
    VersionResult,
)
from requorum.app.inspect.diff.sides import Side
from requorum.domain.ids import hex_id
from requorum.formats.kubernetes_keys import kubernetes_object
from requorum.formats.mvcc import KeyValue
from requorum.inspection.difference.compare import Difference
from requorum.inspection.difference.grouping import DifferingKey, Tally
from requorum.inspection.difference.histories import RevisionChange
from requorum.inspection.difference.keys import NO_ROW, Kind
from requorum.inspection.difference.lost_revisions import REVISION_MAX
from requorum.inspection.difference.readable import Readable

_KINDS: dict[Kind, Literal["added", "removed", "changed", "rewritten", "unknown"]] = {
    Kind.ADDED: "added",
    Kind.REMOVED: "removed",
    Kind.CHANGED: "changed",
    Kind.REWRITTEN: "rewritten",
    Kind.UNKNOWN: "unknown",
}
_LEASE_MASK = (1 << 64) - 1


def result_of(a: Side, b: Side, found: Difference, names: "KeyNames") -> DiffResult:
    """Return the result without its keys, which may be millions: see `KeyNames.of`."""
    counted = found.counted
    return DiffResult(
        outcome=_outcome(a, b, found),
        a=_side(a, found.a_revision, found.a_keys),
        b=_side(b, found.b_revision, found.b_keys),
        counts=_counts(counted.total),
        prefixes=tuple(
            _prefix(prefix, tally) for prefix, tally in sorted(counted.prefixes.tallies.items())
        ),
        more_groups=bool(counted.prefixes.others.total),
        resources=tuple(
            ResourceResult(resource=name.resource, group=name.group, counts=_counts(tally))
            for name, tally in sorted(
                counted.resources.tallies.items(), key=lambda each: (each[0].resource, str(each[0]))
            )
        ),
        namespaces=tuple(
            NamespaceResult(namespace=name or None, counts=_counts(tally))
            for name, tally in sorted(counted.namespaces.tallies.items())
        ),
        histories=_histories(a.readable, b.readable, found, names),
        buckets=tuple(
            BucketResult(bucket=d.name, added=d.added, removed=d.removed, changed=d.changed)
            for d in found.buckets
        ),
        notes=notes_of(a, b, found),
        keys_complete=len(found.named) == counted.total.total,
        keys=(),
    )


def _outcome(a: Side, b: Side, found: Difference) -> Literal["same", "different", "unproven"]:
    if not found.none:
        return "different"
    damaged = any(s.readable.damage_count or s.trailer == "differs" for s in (a, b))
    return "unproven" if damaged else "same"


def _side(side: Side, revision: int, keys: int) -> SideResult:
    readable, state = side.readable, side.readable.state
    return SideResult(
        place=_unescaped(side.place.name),
        path=_unescaped(side.place.path),
        kind=_kind(side),
        size=side.size,
        trailer=side.trailer,
        revision=revision,
        current_revision=readable.current_revision,
        compact_revision=readable.compact_revision,
        keys=keys,
        records=len(readable.records),
        consistent_index=state.consistent_index,
        term=state.term,
        cluster_version=state.cluster_version,
        storage_version=state.storage_version,
        members=tuple(hex_id(member.id) for member in state.members),
        wal=side.wal,
        damage_count=readable.damage_count,
        damages=readable.damages,
        lost_revisions=tuple(
            RangeResult(first=first, last=None if last == REVISION_MAX else last)
            for first, last in readable.lost.ranges
        ),
    )


def _prefix(prefix: bytes, tally: Tally) -> PrefixResult:
    text, encoded = text_or_base64(prefix)
    return PrefixResult(prefix=text, prefix_base64=encoded, counts=_counts(tally))


def _unescaped(path: str) -> str:
    """Return a path as text that can be printed, even one that is not UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _kind(side: Side) -> Literal["snapshot", "database", "data-directory"]:
    if side.place.member_dir is not None:
        return "data-directory"
    return "database" if side.trailer == "absent" else "snapshot"


def _counts(tally: Tally) -> CountsResult:
    return CountsResult(**{name: tally.of(kind) for kind, name in _KINDS.items()})


def _histories(a: Readable, b: Readable, found: Difference, names: "KeyNames") -> HistoriesResult:
    histories = found.histories
    return HistoriesResult(
        relation=histories.relation.value,
        ahead_by=abs(a.current_revision - b.current_revision),
        state_at=histories.state_at,
        last_compared=histories.last_compared,
        parted_at=histories.parted_at,
        parted_before=histories.parted_before,
        a_changes=tuple(map(names.change, histories.a_changes)),
        b_changes=tuple(map(names.change, histories.b_changes)),
        shared_records=histories.shared_equal,
        alike_after=histories.alike_after,
        unlike_after=histories.unlike_after,
    )


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Keys as they are printed, with what both sides have of them; `values`: with values too."""

    a: Readable
    b: Readable
    kube_prefix: str
    values: bool

    def of(self, found: DifferingKey) -> KeyResult:
        """Return one key that differs."""
        key, key_base64 = text_or_base64(found.key)
        return KeyResult(
            key=key,
            key_base64=key_base64,
            kind=_KINDS[found.kind],
            object=self._object(found.key),
            a=None if found.a_row == NO_ROW else self._version(self.a.message(found.a_row)),
            b=None if found.b_row == NO_ROW else self._version(self.b.message(found.b_row)),
        )

    def change(self, change: RevisionChange) -> ChangeResult:
        """Return what a revision did to a key."""
        put = not change.deletion
        key, key_base64 = text_or_base64(change.kv.key)
        return ChangeResult(
            kind="put" if put else "delete",
            key=key,
            key_base64=key_base64,
            value_size=len(change.kv.value) if put else None,
            value=self._value(change.kv.value) if put else None,
        )

    def _object(self, key: bytes) -> ObjectResult | None:
        found = kubernetes_object(key, self.kube_prefix)
        if found is None:
            return None
        return ObjectResult(
            resource=found.resource.resource,
            group=found.resource.group,
            namespace=found.namespace,
            name=found.name,
        )

    def _version(self, kv: KeyValue) -> VersionResult:
        return VersionResult(
            mod_revision=kv.mod_revision,
            create_revision=kv.create_revision,
            version=kv.version,
            lease=hex_id(kv.lease & _LEASE_MASK) if kv.lease else None,
            value_size=len(kv.value),
            value=self._value(kv.value),
        )

    def _value(self, value: bytes) -> ValueResult | None:
        if not self.values:
            return None
        text, _ = printable_or_base64(value)
        return ValueResult(sha256=hashlib.sha256(value).hexdigest(), text=text)
