"""One member that applies entries: asks what each does, and then does it."""

from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats import wire
from requorum.formats.raftpb import Entry
from requorum.formats.requests import (
    AlarmAction,
    AlarmRequest,
    AlarmType,
    Auth,
    Compaction,
    DeleteRange,
    LeaseGrant,
    LeaseRevoke,
    Put,
    Request,
    Txn,
)
from requorum.inspection.salvage.other_buckets import LEASES
from requorum.inspection.salvage.replay.applied import (
    Asked,
    KeyChange,
    Outcome,
    delete_outcome,
    put_outcome,
    revoke_outcome,
    txn_outcome,
)
from requorum.inspection.salvage.replay.auth_state import Rejected
from requorum.inspection.salvage.replay.base import MemberState

_HEADER = 100
_LEASE_TTL_MAX = 9_000_000_000
_LEASE_TTL_MIN = 2
"""With etcd's default election timeout. A longer one makes short leases longer: no harm is done."""

Keyed = Put | DeleteRange | Txn | LeaseRevoke


@dataclass(frozen=True, slots=True)
class Asker:
    """As whom an entry was proposed; nobody where auth was off."""

    user: str = ""
    auth_revision: int = 0


def asker_of(entry: Entry) -> Asker:
    """Return the user and the auth revision in an entry's header."""
    user, revision = "", 0
    for number, _, value in wire.fields(entry.data):
        if number == _HEADER and isinstance(value, memoryview):
            for field, _, content in wire.fields(value):
                if field == 2 and isinstance(content, memoryview):
                    user = bytes(content).decode("utf-8", "surrogateescape")
                elif field == 3 and isinstance(content, int):
                    revision = content
    return Asker(user, revision)


class Member:
    """Applies entries to a state, one after the other."""

    def __init__(self, state: MemberState) -> None:
        self.state = state

    def outcome(self, request: Keyed, entry: Entry) -> Outcome:
        """Return what a request would do to the keys; nothing is changed."""
        if self._alarmed(AlarmType.CORRUPT):
            return Outcome(rejected=True)
        asked = self._asked(entry)
        match request:
            case Put():
                capped = self._alarmed(AlarmType.NOSPACE)
                return Outcome(rejected=True) if capped else put_outcome(asked, request)
            case DeleteRange():
                return delete_outcome(asked, request)
            case Txn():
                capped = self._alarmed(AlarmType.NOSPACE) and _has_put(request)
                return Outcome(rejected=True) if capped else txn_outcome(asked, request)
            case LeaseRevoke():
                return revoke_outcome(asked, request.id)

    def change(self, changes: list[KeyChange], rows: list[int | None]) -> None:
        """Make changes to keys: one revision. `rows` are records that say the same, if any do."""
        self.state.revision += 1
        for change, row in zip(changes, rows, strict=True):
            if change.state is None:
                self.state.keys.delete(change.key)
            else:
                self.state.keys.put(change.key, change.state, row)

    def apply_other(self, request: Request, entry: Entry) -> None:
        """Apply what does not change keys by itself."""
        state = self.state
        match request:
            case LeaseGrant() if not (self._alarmed(AlarmType.NOSPACE) or self._corrupt):
                if request.id and request.id not in state.leases and request.ttl <= _LEASE_TTL_MAX:
                    state.leases[request.id] = max(request.ttl, _LEASE_TTL_MIN)
            case LeaseRevoke():
                state.leases.pop(request.id, None)
            case Compaction() if not self._corrupt:
                if state.compact < request.revision <= state.revision:
                    state.compact = request.revision
            case AlarmRequest():
                self._alarm(request)
            case Auth():
                try:
                    state.auth.apply(request.kind, entry.data, asker_of(entry).user)
                except (Rejected, DamagedInput):
                    return

    @property
    def _corrupt(self) -> bool:
        return self._alarmed(AlarmType.CORRUPT)

    def _alarmed(self, kind: AlarmType) -> bool:
        return any(raised == kind for _, raised in self.state.alarms)

    def _alarm(self, request: AlarmRequest) -> None:
        alarm = (request.member_id, int(request.alarm))
        if request.action is AlarmAction.ACTIVATE and request.alarm is not AlarmType.NONE:
            self.state.alarms.add(alarm)
        elif request.action is AlarmAction.DEACTIVATE:
            self.state.alarms.discard(alarm)

    def _asked(self, entry: Entry) -> Asked:
        state = self.state
        asker = asker_of(entry) if state.auth.enabled else Asker()
        return Asked(
            keys=state.keys,
            leases=state.leases.keys(),
            leases_known=LEASES not in state.incomplete,
            auth=state.auth,
            user=asker.user,
            auth_revision=asker.auth_revision,
            revision=state.revision,
            compact=state.compact,
        )


def _has_put(txn: Txn) -> bool:
    return any(
        isinstance(operation, Put) or (isinstance(operation, Txn) and _has_put(operation))
        for operation in (*txn.success, *txn.failure)
    )
