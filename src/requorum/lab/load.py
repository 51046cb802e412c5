"""Writers that put a cluster under load and record every acknowledgement they were given."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from requorum.errors import DeadlineExceeded, EtcdError, RequorumError, Unreachable
from requorum.lab.acks import (
    COMPARE_FAILED,
    Ack,
    AckLog,
    Compact,
    Delete,
    Failed,
    Grant,
    Intent,
    Operation,
    Put,
    Txn,
    next_run,
)
from requorum.lab.choices import EVERYTHING, Choices
from requorum.lab.values import value_of
from requorum.ports.etcd import Compare, DeleteOp, Etcd, PutOp

_OPERATION_SECONDS = 3.0
_PROBE_SECONDS = 1.0
_BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

_PROOFS_OF_NOTHING_APPLIED = (
    "etcdserver: too many requests",
    "etcdserver: request is too large",
    "etcdserver: requested lease not found",
    "etcdserver: mvcc: required revision has been compacted",
    "mvcc: required revision has been compacted",
)
"""Errors that etcd gives before an entry is proposed, or that every member gives alike.

Not among them: "mvcc: database space exceeded", since the put that crosses the quota is applied.
"""


@dataclass(slots=True)
class LoadTotals:
    """Counters of a load, live while it runs."""

    acknowledged: int = 0
    unknown: int = 0
    refused: int = 0
    revision: int = 1
    seconds: float = 0.0
    milestones: dict[int, asyncio.Event] = field(default_factory=dict, repr=False)

    def acknowledge(self, revision: int) -> None:
        """Count one acknowledgement, given at that revision."""
        self.acknowledged += 1
        self.revision = max(self.revision, revision)
        if self.acknowledged in self.milestones:
            self.milestones[self.acknowledged].set()


@dataclass(frozen=True, slots=True)
class _Answer:
    revision: int
    deleted: bool = True


class _NothingAppliedError(EtcdError):
    """etcd's answer proves that nothing was applied."""


class Load:
    """Concurrent writers over a cluster's endpoints, until told to stop.

    `run` may be awaited once; `stop` lets each writer finish what it has asked for. Where `run`
    is cancelled instead, the outcomes of the requests under way are unknown, and recorded so.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        connect: Callable[[str], Etcd],
        acks: Path,
        *,
        writers: int = 8,
        seed: int = 0,
        compact: bool = True,
        mix: Mapping[str, int] = EVERYTHING,
    ) -> None:
        self.totals = LoadTotals()
        self._endpoints = tuple(endpoints)
        self._connect = connect
        self._acks = acks
        self._writers = writers
        self._seed = seed
        self._compact = compact
        self._mix = mix
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask every writer to end after its present operation."""
        self._stopping.set()

    async def reached(self, acknowledged: int, *, deadline: float) -> None:
        """Wait until that many acknowledgements were given; DeadlineExceeded after `deadline` s."""
        if self.totals.acknowledged >= acknowledged:
            return
        milestone = self.totals.milestones.setdefault(acknowledged, asyncio.Event())
        try:
            await asyncio.wait_for(milestone.wait(), deadline)
        except TimeoutError as error:
            counted = f"{self.totals.acknowledged} of {acknowledged} writes"
            raise DeadlineExceeded(
                f"only {counted} were acknowledged within {deadline:.0f} s"
            ) from error

    async def run(self) -> LoadTotals:
        """Write until `stop`; return the totals. Each load has writers and keys of its own."""
        started = time.monotonic()
        run = next_run(self._acks)
        clients = [self._connect(endpoint) for endpoint in self._endpoints]
        try:
            await asyncio.gather(*(self._write(run, n, clients) for n in range(self._writers)))
        finally:
            self.totals.seconds = time.monotonic() - started
            for client in clients:
                await client.close()
        return self.totals

    async def _write(self, run: int, number: int, clients: Sequence[Etcd]) -> None:
        name = f"r{run}-w{number:02d}"
        # Not for secrets: a trial is repeated by its seed.
        rng = random.Random(f"{self._seed}/{name}")  # noqa: S311
        choices = Choices(name, rng, compacts=self._compact and number == 0, mix=self._mix)
        with AckLog(self._acks / f"{name}.jsonl") as log:
            first = number % len(clients)
            turns = itertools.cycle([*clients[first:], *clients[:first]])
            await _Writer(choices, log, turns, self.totals, self._stopping).run()


class _Writer:
    """One writer: choose, record, ask, record."""

    def __init__(
        self,
        choices: Choices,
        log: AckLog,
        turns: "itertools.cycle[Etcd]",
        totals: LoadTotals,
        stopping: asyncio.Event,
    ) -> None:
        self._choices = choices
        self._log = log
        self._turns = turns
        self._totals = totals
        self._stopping = stopping

    async def run(self) -> None:
        for seq in itertools.count(1):
            if self._stopping.is_set():
                return
            await self._step(seq, self._choices.next_operation())

    async def _step(self, seq: int, operation: Operation) -> None:
        self._log.write(Intent(seq=seq, operation=operation))
        try:
            answer = await self._ask(next(self._turns), seq, operation)
        except (EtcdError, Unreachable) as error:
            self._failed(seq, operation, error)
            if not isinstance(error, _NothingAppliedError):
                await self._until_answered()
        else:
            self._acknowledged(seq, operation, answer)

    def _acknowledged(self, seq: int, operation: Operation, answer: _Answer) -> None:
        self._log.write(Ack(seq=seq, revision=answer.revision, deleted=answer.deleted))
        self._choices.acknowledged(operation, answer.revision)
        self._totals.acknowledge(answer.revision)

    def _failed(self, seq: int, operation: Operation, error: RequorumError) -> None:
        refused = isinstance(error, _NothingAppliedError)
        applied: Literal["unknown", "no"] = "no" if refused else "unknown"
        self._log.write(Failed(seq=seq, applied=applied, error=error.message))
        self._choices.retire(operation)
        if refused:
            self._totals.refused += 1
        else:
            self._totals.unknown += 1

    async def _ask(self, etcd: Etcd, seq: int, operation: Operation) -> _Answer:
        try:
            return await self._send(etcd, seq, operation)
        except EtcdError as error:
            if error.message.startswith(_PROOFS_OF_NOTHING_APPLIED):
                raise _NothingAppliedError(error.message) from error
            raise

    async def _send(self, etcd: Etcd, seq: int, operation: Operation) -> _Answer:
        deadline = _OPERATION_SECONDS
        match operation:
            case Put(key=key, lease=lease):
                header = await etcd.put(self._put(key, seq, lease), deadline=deadline)
                return _Answer(header.revision)
            case Delete(key=key):
                header, count = await etcd.delete(DeleteOp(key.encode()), deadline=deadline)
                return _Answer(header.revision, deleted=count == 1)
            case Txn():
                return await self._transact(etcd, seq, operation)
            case Grant(lease=lease, ttl=ttl):
                await etcd.grant_lease(ttl, lease_id=lease, deadline=deadline)
            case Compact(revision=revision):
                await etcd.compact(revision, physical=False, deadline=deadline)
        return _Answer(self._choices.revision)

    def _put(self, key: str, seq: int, lease: int = 0) -> PutOp:
        return PutOp(key.encode(), value_of(self._choices.writer, seq), lease)

    async def _transact(self, etcd: Etcd, seq: int, operation: Txn) -> _Answer:
        unchanged = Compare(
            operation.put.encode(), "mod_revision", "equal", operation.if_mod_revision
        )
        writes: list[PutOp | DeleteOp] = [
            self._put(operation.put, seq),
            DeleteOp(operation.delete.encode()),
        ]
        result = await etcd.txn([unchanged], writes, [], deadline=_OPERATION_SECONDS)
        if not result.succeeded:
            raise _NothingAppliedError(COMPARE_FAILED)
        return _Answer(result.header.revision)

    async def _until_answered(self) -> None:
        """Wait until some endpoint answers a read, so that a dead cluster costs no more keys."""
        for pause in itertools.chain(_BACKOFF_SECONDS, itertools.repeat(_BACKOFF_SECONDS[-1])):
            if self._stopping.is_set() or await self._answers(next(self._turns)):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    @staticmethod
    async def _answers(etcd: Etcd) -> bool:
        try:
            await etcd.get(b"\0", deadline=_PROBE_SECONDS)
        except (EtcdError, Unreachable):
            return False
        return True
