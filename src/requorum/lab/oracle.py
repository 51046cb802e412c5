"""Was every acknowledged write kept? What the writers recorded against what a cluster returns.

`judge` is pure; `collect` asks a cluster for what it is to judge.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from requorum.lab.acks import read_records
from requorum.lab.promises import (
    Absent,
    GrantedLease,
    Promises,
    State,
    Step,
    Transaction,
    Write,
    promises_of,
)
from requorum.lab.values import value_of
from requorum.ports.etcd import Etcd, KeyValue

_PAGE_KEYS = 500
_DEADLINE_SECONDS = 30.0

RevisionRange = tuple[int, int | None]
"""First and last revision, both inclusive; None: no upper end is known."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a cluster returned: every key, and those of the asked leases that live."""

    revision: int
    keys: Mapping[str, KeyValue]
    live_leases: frozenset[int]


@dataclass(frozen=True, slots=True)
class LostWrite:
    """An acknowledged write that the cluster no longer knows."""

    writer: str
    seq: int
    revision: int
    kind: str


@dataclass(frozen=True, slots=True)
class LostKey:
    """A key in a state that no acknowledgement allows, with the acknowledged writes it lacks."""

    key: str
    expected: str
    found: str
    writes: tuple[LostWrite, ...]


@dataclass(frozen=True, slots=True)
class Renumbered:
    """A key whose modification revision is not the acknowledged one."""

    key: str
    acknowledged: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The count. `clean` only if every list but `renumbered` is empty.

    `foreign`: keys that are there, and that no writer ever asked for. `torn`: transactions applied
    by half. `out_of_order`: keys whose revisions no longer follow the order of their
    acknowledgements. `renumbered`: where only the numbers moved.
    """

    acknowledged: int
    keys: int
    missing: tuple[LostKey, ...]
    wrong_value: tuple[LostKey, ...]
    resurrected: tuple[LostKey, ...]
    foreign: tuple[str, ...]
    out_of_order: tuple[Renumbered, ...]
    renumbered: tuple[Renumbered, ...]
    missing_leases: tuple[GrantedLease, ...]
    torn: tuple[Transaction, ...]
    contradictions: tuple[str, ...]

    @property
    def lost(self) -> tuple[LostWrite, ...]:
        """Return every lost acknowledged write once, by revision."""
        damaged = (*self.missing, *self.wrong_value, *self.resurrected)
        writes = {write for key in damaged for write in key.writes}
        return tuple(sorted(writes, key=lambda write: (write.revision, write.writer, write.seq)))

    @property
    def lost_count(self) -> int:
        """Return how many acknowledged writes and leases are lost."""
        return len(self.lost) + len(self.missing_leases)

    @property
    def clean(self) -> bool:
        """Return whether nothing is lost, foreign, torn or out of order."""
        return self.lost_count == 0 and not (
            self.foreign or self.out_of_order or self.torn or self.contradictions
        )

    def lost_outside(self, ranges: Sequence[RevisionRange]) -> tuple[LostWrite | GrantedLease, ...]:
        """Return what is lost although no stated range of revisions contains it."""
        writes = [lost for lost in self.lost if not _overlaps(ranges, lost.revision, lost.revision)]
        leases = [
            lease
            for lease in self.missing_leases
            if not _overlaps(ranges, lease.not_before, lease.not_after)
        ]
        return (*writes, *leases)


def _overlaps(ranges: Sequence[RevisionRange], first: int, last: int | None) -> bool:
    return any(
        (last is None or begin <= last) and (end is None or first <= end) for begin, end in ranges
    )


def judge(promises: Promises, found: Found) -> Verdict:
    """Compare, key by key, lease by lease, transaction by transaction."""
    lost = [judged for key in promises.keys if (judged := _judge_key(promises, key, found))]
    return Verdict(
        acknowledged=promises.acknowledged,
        keys=len(promises.keys),
        missing=tuple(key for key in lost if key.found == _ABSENT),
        wrong_value=tuple(key for key in lost if _ABSENT not in {key.found, key.expected}),
        resurrected=tuple(key for key in lost if key.expected == _ABSENT),
        foreign=tuple(sorted(set(found.keys) - set(promises.keys))),
        out_of_order=tuple(_out_of_order(promises, found)),
        renumbered=tuple(_renumbered(promises, found)),
        missing_leases=tuple(
            lease for lease in promises.leases if lease.id not in found.live_leases
        ),
        torn=tuple(txn for txn in promises.transactions if _is_torn(promises, txn, found)),
        contradictions=tuple(promises.contradictions),
    )


_ABSENT = "absent"


def _judge_key(promises: Promises, key: str, found: Found) -> LostKey | None:
    """Return what the key lost: every acknowledged write behind the latest state that fits."""
    steps, kv = promises.keys[key], found.keys.get(key)
    last_acked = _last_acked(steps)
    # A value that is none of ours fits no state at all: only the last write is surely gone.
    reached = max(_positions(steps, kv), default=last_acked - 1)
    lost = tuple(_acked_behind(steps, reached))
    if not lost:
        return None
    return LostKey(key, _describe(steps[last_acked - 1].state), _describe_found(kv), lost)


def _last_acked(steps: Sequence[Step]) -> int:
    """Return the number of steps up to and with the last acknowledged one."""
    acked = [step.write.revision is not None for step in steps]
    return max((number for number, is_acked in enumerate(acked, start=1) if is_acked), default=0)


def _positions(steps: Sequence[Step], kv: KeyValue | None) -> Iterator[int]:
    """Yield after how many of its steps the key would be as it was found."""
    states: tuple[State, ...] = (Absent(), *(step.state for step in steps))
    for number, state in enumerate(states):
        if _is_state(state, kv):
            yield number


def _is_state(state: State, kv: KeyValue | None) -> bool:
    if kv is None or isinstance(state, Absent):
        return kv is None and isinstance(state, Absent)
    return kv.lease == state.lease and kv.value == value_of(state.writer, state.seq)


def _acked_behind(steps: Sequence[Step], position: int) -> Iterator[LostWrite]:
    """Yield the acknowledged writes among the steps after `position`."""
    for step in steps[position:]:
        write = step.write
        if write.revision is not None:
            yield LostWrite(write.writer, write.seq, write.revision, write.operation.op)


def _describe(state: State) -> str:
    if isinstance(state, Absent):
        return _ABSENT
    return f"value {state.writer}/{state.seq}" + (f", lease {state.lease:x}" if state.lease else "")


def _describe_found(kv: KeyValue | None) -> str:
    if kv is None:
        return _ABSENT
    head = kv.value.partition(b":")[0][:40].decode("ascii", "replace")
    return f"value {head}" + (f", lease {kv.lease:x}" if kv.lease else "")


def _renumbered(promises: Promises, found: Found) -> Iterator[Renumbered]:
    """Yield each key in its acknowledged state under another modification revision."""
    for key, kv in found.keys.items():
        revision = _acked_revision(promises, key, kv)
        if revision is not None and revision != kv.mod_revision:
            yield Renumbered(key, revision, kv.mod_revision)


def _acked_revision(promises: Promises, key: str, kv: KeyValue) -> int | None:
    """Return the revision under which the state as found was acknowledged."""
    steps = promises.keys.get(key, [])
    reached = max(_positions(steps, kv), default=0)
    return steps[reached - 1].write.revision if reached else None


def _out_of_order(promises: Promises, found: Found) -> Iterator[Renumbered]:
    """Yield each key whose revision is not above that of every key acknowledged before it."""
    pairs = sorted(
        (acked, kv.mod_revision, key)
        for key, kv in found.keys.items()
        if (acked := _acked_revision(promises, key, kv)) is not None
    )
    highest = 0
    for acked, revision, key in pairs:
        if revision <= highest:
            yield Renumbered(key, acked, revision)
        highest = max(highest, revision)


def _is_torn(promises: Promises, txn: Transaction, found: Found) -> bool:
    """Return whether no state of its two keys has it applied to both, or to neither.

    Where neither key has lost anything, only states that the acknowledgements allow are
    considered: a key that is absent must then be so by the transaction, not by a loss before it.
    """
    sides = [(promises.keys[key], found.keys.get(key)) for key in (txn.put, txn.delete)]
    positions = [set(_positions(steps, kv)) for steps, kv in sides]
    allowed = [
        {position for position in fitting if position >= _last_acked(steps)}
        for fitting, (steps, _) in zip(positions, sides, strict=True)
    ]
    put, delete = (
        {position >= _place_of(txn.write, steps) for position in fitting}
        for fitting, (steps, _) in zip(allowed if all(allowed) else positions, sides, strict=True)
    )
    return bool(put) and bool(delete) and not put & delete


def _place_of(write: Write, steps: Sequence[Step]) -> int:
    return next(number for number, step in enumerate(steps, start=1) if step.write == write)


async def collect(
    etcd: Etcd, leases: Iterable[int] = (), *, deadline: float = _DEADLINE_SECONDS
) -> Found:
    """Read every key of a cluster at one revision, page by page, and look at these leases.

    `deadline` in seconds, for each request.
    """
    page = await etcd.get(b"\0", range_end=b"\0", limit=_PAGE_KEYS, deadline=deadline)
    revision = page.header.revision
    kvs = list(page.kvs)
    while page.more:
        page = await etcd.get(
            kvs[-1].key + b"\0",
            range_end=b"\0",
            limit=_PAGE_KEYS,
            revision=revision,
            deadline=deadline,
        )
        kvs.extend(page.kvs)
    live = [lease for lease in leases if await _lives(etcd, lease, deadline)]
    keys = {kv.key.decode("utf-8", "backslashreplace"): kv for kv in kvs}
    return Found(revision, keys, frozenset(live))


async def _lives(etcd: Etcd, lease: int, deadline: float) -> bool:
    state = await etcd.lease_state(lease, deadline=deadline)
    return state.ttl > 0


def read_promises(acks: Path) -> Promises:
    """Read what the writers of a practice cluster were promised (its directory `acks`)."""
    return promises_of(read_records(acks))


async def verdict(acks: Path, etcd: Etcd, *, deadline: float = _DEADLINE_SECONDS) -> Verdict:
    """Judge the cluster behind `etcd` by the records in `acks`."""
    promises = read_promises(acks)
    found = await collect(etcd, [lease.id for lease in promises.leases], deadline=deadline)
    return judge(promises, found)
