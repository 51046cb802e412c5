"""The oracle's verdict through one member, as far as a trial counts it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from requorum.domain.loss import UnprovenRange
from requorum.lab.oracle import Found, Verdict, collect, judge, read_promises
from requorum.lab.practice import Connect
from requorum.lab.promises import Present, Promises, Transaction
from requorum.lab.values import value_of

_SHOWN = 8


class Written(Protocol):
    """A lab whose writers recorded what they were promised in `acks`."""

    @property
    def acks(self) -> Path:
        """Return that directory."""
        ...

    @property
    def beside(self) -> tuple[str, ...]:
        """Return what the keys begin with that others write, whom the oracle does not judge."""
        ...

    def client_url(self, name: str) -> str:
        """Return where clients reach the member."""
        ...


class Judged(BaseModel):
    """Counts of acknowledged writes and of keys.

    `lost_outside`: lost although no stated range contains it. `corrupted`: keys that hold a value
    which nobody ever asked for. `shown` are the first findings in words.
    """

    model_config = ConfigDict(frozen=True)

    member: str
    acknowledged: int
    lost: int
    lost_outside: int
    corrupted: int
    foreign: int
    out_of_order: int
    renumbered: int
    torn: int
    contradictions: int
    shown: tuple[str, ...]


async def judge_through(
    lab: Written, member: str, connect: Connect, unproven: Sequence[UnprovenRange]
) -> Judged:
    """Read every key through one member's client URL; judge it by what the lab's writers wrote."""
    promises = read_promises(lab.acks)
    etcd = connect(lab.client_url(member))
    try:
        found = await collect(etcd, [lease.id for lease in promises.leases])
    finally:
        await etcd.close()
    ours = {key: kv for key, kv in found.keys.items() if not key.startswith(lab.beside)}
    return judged(member, promises, replace(found, keys=ours), unproven=unproven)


def judged(
    member: str, promises: Promises, found: Found, *, unproven: Sequence[UnprovenRange]
) -> Judged:
    """Judge, without I/O, what was returned through `member`; `unproven` was stated beforehand."""
    verdict = judge(promises, found)
    ranges = [(r.first_revision, r.last_revision) for r in unproven]
    corrupted = tuple(values_of_nobody(promises, found))
    return Judged(
        member=member,
        acknowledged=verdict.acknowledged,
        lost=verdict.lost_count,
        lost_outside=len(verdict.lost_outside(ranges)),
        corrupted=len(corrupted),
        foreign=len(verdict.foreign),
        out_of_order=len(verdict.out_of_order),
        renumbered=len(verdict.renumbered),
        torn=sum(not _may_be_a_loss(txn, promises, ranges) for txn in verdict.torn),
        contradictions=len(verdict.contradictions),
        shown=(*(f"{key} holds a value of nobody" for key in corrupted), *_words(verdict))[:_SHOWN],
    )


def _may_be_a_loss(
    txn: Transaction, promises: Promises, ranges: Sequence[tuple[int, int | None]]
) -> bool:
    """Return whether a stated loss of one of its keys' writes explains why it looks half applied.

    A key is absent because the transaction deleted it, or because the put before it is lost.
    """
    writes = (step.write for key in (txn.put, txn.delete) for step in promises.keys[key])
    return any(
        first <= write.revision and (last is None or write.revision <= last)
        for write in writes
        if write.revision is not None
        for first, last in ranges
    )


def values_of_nobody(promises: Promises, found: Found) -> Iterator[str]:
    """Yield each key of ours whose value no writer ever asked for, acknowledged or not."""
    for key, kv in found.keys.items():
        steps = promises.keys.get(key)
        if steps is not None and not any(
            isinstance(step.state, Present)
            and kv.value == value_of(step.state.writer, step.state.seq)
            for step in steps
        ):
            yield key


def _words(verdict: Verdict) -> Iterator[str]:
    for lost in (*verdict.missing, *verdict.wrong_value, *verdict.resurrected):
        revisions = ", ".join(str(write.revision) for write in lost.writes)
        yield f"{lost.key}: expected {lost.expected}, found {lost.found} (revisions {revisions})"
    for lease in verdict.missing_leases:
        yield f"lease {lease.id:x} of revisions {lease.not_before} to {lease.not_after} is gone"
    for key in verdict.foreign:
        yield f"{key} is of another cluster"
    for moved in (*verdict.out_of_order, *verdict.renumbered):
        yield f"{moved.key}: revision {moved.acknowledged} became {moved.found}"
    for txn in verdict.torn:
        yield f"{txn.put} and {txn.delete}: half of a transaction"
    yield from verdict.contradictions
