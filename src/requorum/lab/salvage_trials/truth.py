"""What etcd makes of a whole log, from its first entry on: slow, simple, and held against etcd.

Source: etcd server/etcdserver/apply.go, mvcc/kvstore_txn.go, lease/lessor.go. It knows what the
load of these trials asks for: no auth that is enabled, no alarms, no lease that expires.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from requorum.errors import DamagedInput
from requorum.formats.backend_file import record_row
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.requests import (
    Compaction,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    LeaseGrant,
    LeaseRevoke,
    Put,
    RequestOp,
    Txn,
    decode_request,
)
from requorum.inspection.alignment import in_range


@dataclass(frozen=True, slots=True)
class Written:
    """One change of one key: what lies in the bucket `key` under its revision."""

    kv: KeyValue
    tombstone: bool

    def row(self, at: Revision) -> bytes:
        """Return the bytes of its row, key and value together as they lie on a page."""
        return b"".join(record_row(at, self.kv, tombstone=self.tombstone))


@dataclass
class Truth:
    """The state after the last entry, and all that led there.

    `revision_of`: the main revision that an entry made; of those that changed no key there is
    none. `compactions`: the revision that an entry compacted to. Of leases, by id: `ttls` in
    seconds of all that ever were, and by which entries they were `granted` and `revoked`.
    """

    records: dict[Revision, Written] = field(default_factory=dict)
    alive: dict[bytes, KeyValue] = field(default_factory=dict)
    ttls: dict[int, int] = field(default_factory=dict)
    granted: dict[int, int] = field(default_factory=dict)
    revoked: dict[int, int] = field(default_factory=dict)
    revision: int = 1
    compacted: int = 0
    compactions: dict[int, int] = field(default_factory=dict)
    revision_of: dict[int, int] = field(default_factory=dict)

    @property
    def leases(self) -> frozenset[int]:
        """Return those that are granted and not revoked."""
        return frozenset(self.granted) - frozenset(self.revoked)

    def needed_at(self, compacted: int) -> dict[Revision, Written]:
        """Return the records that a store compacted there must have: it tells history from then.

        Nothing before `compacted` but the last record of each key that was alive then.
        """
        last: dict[bytes, Revision] = {}
        for at, written in self.records.items():
            if at.main <= compacted:
                last[written.kv.key] = at
        kept = {at for at in last.values() if not self.records[at].tombstone}
        return {at: w for at, w in self.records.items() if at.main > compacted or at in kept}


def replay(log: Iterable[Entry]) -> Truth:
    """Apply every entry, in order; DamagedInput at one that cannot be read."""
    return _Replay(Truth()).run(log)


class _Replay:
    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._sub = 0

    def run(self, log: Iterable[Entry]) -> Truth:
        for entry in log:
            if entry.type is EntryType.NORMAL:
                self._sub = 0
                self._apply(entry)
                if self._sub:
                    self._truth.revision += 1
                    self._truth.revision_of[entry.index] = self._truth.revision
        return self._truth

    def _apply(self, entry: Entry) -> None:
        truth = self._truth
        match decode_request(entry.data):
            case Put() | DeleteRange() | Txn() as operation:
                self._run(operation)
            case Compaction(revision=revision):
                if truth.compacted < revision <= truth.revision:
                    truth.compacted = revision
                    truth.compactions[entry.index] = revision
            case LeaseGrant(id=lease, ttl=ttl):
                truth.ttls[lease] = ttl
                truth.granted[lease] = entry.index
            case LeaseRevoke(id=lease):
                self._revoke(lease, entry.index)
            case _:
                pass

    def _run(self, operation: RequestOp) -> None:
        match operation:
            case Put():
                self._put(operation)
            case DeleteRange(key=key, range_end=end):
                self._delete(sorted(k for k in self._truth.alive if in_range(k, key, end)))
            case Txn(compare=compare, success=success, failure=failure):
                for chosen in success if all(map(self._holds, compare)) else failure:
                    self._run(chosen)
            case _:
                pass

    def _put(self, put: Put) -> None:
        before = self._truth.alive.get(put.key)
        if put.lease and put.lease not in self._truth.leases:
            return  # refused
        if put.ignore_value or put.ignore_lease:
            raise DamagedInput("the load of these trials ignores neither value nor lease")
        at = self._next()
        kv = KeyValue(
            key=put.key,
            create_revision=before.create_revision if before else at.main,
            mod_revision=at.main,
            version=before.version + 1 if before else 1,
            value=put.value,
            lease=put.lease,
        )
        self._truth.alive[put.key] = kv
        self._truth.records[at] = Written(kv, tombstone=False)

    def _delete(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            del self._truth.alive[key]
            self._truth.records[self._next()] = Written(KeyValue(key), tombstone=True)

    def _revoke(self, lease: int, index: int) -> None:
        if lease in self._truth.leases:
            self._truth.revoked[lease] = index
            self._delete(sorted(k for k, kv in self._truth.alive.items() if kv.lease == lease))

    def _next(self) -> Revision:
        at = Revision(self._truth.revision + 1, self._sub)
        self._sub += 1
        return at

    def _holds(self, compare: Compare) -> bool:
        if compare.range_end:
            raise DamagedInput("the load of these trials compares single keys")
        kv = self._truth.alive.get(compare.key)
        if kv is None and compare.target is CompareTarget.VALUE:
            return False
        ours, theirs = _operand(kv or KeyValue(), compare.target), compare.operand
        match compare.result:
            case CompareResult.EQUAL:
                return ours == theirs
            case CompareResult.NOT_EQUAL:
                return ours != theirs
            case CompareResult.GREATER:
                return _is_less(theirs, ours)
            case CompareResult.LESS:
                return _is_less(ours, theirs)


def _is_less(one: int | bytes, other: int | bytes) -> bool:
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one < other
    if isinstance(one, int) and isinstance(other, int):
        return one < other
    raise DamagedInput(f"{one!r} and {other!r} cannot be compared")


def _operand(kv: KeyValue, target: CompareTarget) -> int | bytes:
    match target:
        case CompareTarget.VERSION:
            return kv.version
        case CompareTarget.CREATE:
            return kv.create_revision
        case CompareTarget.MOD:
            return kv.mod_revision
        case CompareTarget.VALUE:
            return kv.value
        case CompareTarget.LEASE:
            return kv.lease
