"""What the writers were promised, from their records: each key's history, each lease. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from requorum.lab.acks import (
    COMPARE_FAILED,
    Ack,
    Compact,
    Delete,
    Failed,
    Grant,
    Intent,
    Operation,
    Put,
    Txn,
)


@dataclass(frozen=True, slots=True)
class Write:
    """One operation of one writer; `revision` is None where it was never acknowledged."""

    writer: str
    seq: int
    revision: int | None
    operation: Operation


@dataclass(frozen=True, slots=True)
class Transaction:
    """A write that puts one key and deletes another: both, or neither."""

    write: Write
    put: str
    delete: str


@dataclass(frozen=True, slots=True)
class Present:
    """The key holds `value_of(writer, seq)` under that lease."""

    writer: str
    seq: int
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Absent:
    """The key is not there."""


State = Present | Absent


@dataclass(frozen=True, slots=True)
class Step:
    """A write, and the state that it leaves one key in."""

    write: Write
    state: State


@dataclass(frozen=True, slots=True)
class GrantedLease:
    """An acknowledged lease, and between which revisions it was granted.

    Its writer knew `not_before` already, and was given `not_after` later (None: it was given
    none). A grant has no revision of its own.
    """

    id: int
    writer: str
    not_before: int
    not_after: int | None


@dataclass(slots=True)
class Promises:
    """Every writer's record, put together. `contradictions` happened while the cluster lived."""

    acknowledged: int = 0
    keys: dict[str, list[Step]] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    leases: list[GrantedLease] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)


Records = Mapping[str, Sequence[Intent | Ack | Failed]]


def promises_of(records: Records) -> Promises:
    """Put the writers' records (writer → its lines, in order) together."""
    promises = Promises()
    for writer, lines in records.items():
        writes = tuple(_writes(writer, lines))
        for write in writes:
            _note(promises, write)
        promises.leases.extend(_leases(writes))
        promises.contradictions.extend(_contradictions(writer, lines))
    return promises


def _writes(writer: str, lines: Sequence[Intent | Ack | Failed]) -> Iterator[Write]:
    """Yield each operation that was, or may have been, applied."""
    acked = {line.seq: line.revision for line in lines if isinstance(line, Ack)}
    refused = {line.seq for line in lines if isinstance(line, Failed) and line.applied == "no"}
    for line in lines:
        if isinstance(line, Intent) and line.seq not in refused:
            yield Write(writer, line.seq, acked.get(line.seq), line.operation)


def _note(promises: Promises, write: Write) -> None:
    match write.operation:
        case Put(key=key, lease=lease):
            _append(promises, key, Step(write, Present(write.writer, write.seq, lease)))
        case Delete(key=key):
            _append(promises, key, Step(write, Absent()))
        case Txn(put=put, delete=delete):
            _append(promises, put, Step(write, Present(write.writer, write.seq)))
            _append(promises, delete, Step(write, Absent()))
            promises.transactions.append(Transaction(write, put, delete))
        case Grant():
            pass
        case Compact():
            return
    if write.revision is not None:
        promises.acknowledged += 1


def _append(promises: Promises, key: str, step: Step) -> None:
    promises.keys.setdefault(key, []).append(step)


def _leases(writes: Sequence[Write]) -> Iterator[GrantedLease]:
    for number, write in enumerate(writes):
        if isinstance(write.operation, Grant) and write.revision is not None:
            later = (
                after.revision
                for after in writes[number + 1 :]
                if after.revision is not None and not isinstance(after.operation, Grant | Compact)
            )
            yield GrantedLease(
                write.operation.lease, write.writer, write.revision, next(later, None)
            )


def _contradictions(writer: str, lines: Sequence[Intent | Ack | Failed]) -> Iterator[str]:
    for line in lines:
        if isinstance(line, Ack) and not line.deleted:
            yield f"{writer}, operation {line.seq}: a key to be deleted was not there"
        if isinstance(line, Failed) and line.error == COMPARE_FAILED:
            yield f"{writer}, operation {line.seq}: {line.error}"
