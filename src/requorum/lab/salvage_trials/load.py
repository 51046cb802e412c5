"""Random writes of every kind, acknowledged or not: what counts is what the disks hold after it."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from requorum.errors import RequorumError
from requorum.ports.etcd import Compare, DeleteOp, Etcd, PutOp

_CALL_SECONDS = 3.0
_LEASE_TTL_SECONDS = 30 * 24 * 3600
_COMPACT_ONE_IN = 120
_COMPACT_BEHIND = 400
_ALIKE = (b"", b"ok", b'{"state":"ready"}')
"""Values that many writes share: they cannot be told apart by their bytes."""

Sizes = Literal["small", "medium", "large", "huge"]

_SIZES: dict[Sizes, tuple[tuple[int, int], ...]] = {
    "small": ((0, 40), (0, 40), (40, 300)),
    "medium": ((0, 200), (200, 2_000), (200, 2_000), (2_000, 6_000)),
    "large": ((10, 500), (3_000, 12_000), (40_000, 90_000)),
    "huge": ((10, 500), (300_000, 900_000)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShape:
    """What is written. `deletes`: how many of a hundred writes delete."""

    seed: int
    seconds: float
    writers: int
    keys: int
    sizes: Sizes
    deletes: int
    leases: bool
    compacts: bool


class Load:
    """Writers over some endpoints, until told to stop.

    What etcd refuses or does not answer is passed over: nobody counts acknowledgements here.
    """

    def __init__(self, shape: LoadShape, clients: Sequence[Etcd]) -> None:
        self._shape = shape
        self._clients = clients
        self._revision = 1
        self._leases: list[int] = []
        self._stopped = False

    def stop(self) -> None:
        """Let each writer end after its present write."""
        self._stopped = True

    async def run(self) -> None:
        """Write until told to stop."""
        await asyncio.gather(*(self._write(number) for number in range(self._shape.writers)))

    async def _write(self, number: int) -> None:
        rng = random.Random(f"{self._shape.seed}/{number}")  # noqa: S311  # repeatable on purpose
        etcd = self._clients[number % len(self._clients)]
        while not self._stopped:
            try:
                await self._one(etcd, rng)
            except RequorumError:
                # Refused, or the member is gone: the next one may be answered.
                await asyncio.sleep(0.02)

    async def _one(self, etcd: Etcd, rng: random.Random) -> None:
        if self._shape.compacts and rng.randrange(_COMPACT_ONE_IN) == 0:
            await self._compact(etcd, rng)
        elif rng.randrange(100) < self._shape.deletes:
            await self._delete(etcd, rng)
        elif rng.randrange(100) < 15:
            await self._transact(etcd, rng)
        elif self._shape.leases and rng.randrange(100) < 6:
            await self._change_leases(etcd, rng)
        else:
            header = await etcd.put(self._put(rng), deadline=_CALL_SECONDS)
            self._revision = max(self._revision, header.revision)

    async def _compact(self, etcd: Etcd, rng: random.Random) -> None:
        behind = self._revision - rng.randrange(1, _COMPACT_BEHIND)
        if behind > 1:
            await etcd.compact(behind, physical=False, deadline=_CALL_SECONDS)

    async def _delete(self, etcd: Etcd, rng: random.Random) -> None:
        key = self._key(rng)
        # All ten keys that begin alike, now and then.
        end = key[:-1] + b":" if rng.randrange(6) == 0 else b""
        await etcd.delete(DeleteOp(key, end), deadline=_CALL_SECONDS)

    async def _transact(self, etcd: Etcd, rng: random.Random) -> None:
        one, other, third = (self._key(rng) for _ in range(3))
        if len({one, other, third}) < 3:
            return
        compare = Compare(one, "version", "greater", rng.randrange(2))
        writes: list[PutOp | DeleteOp] = [self._put(rng, one), DeleteOp(other)]
        await etcd.txn([compare], writes, [self._put(rng, third)], deadline=_CALL_SECONDS)

    async def _change_leases(self, etcd: Etcd, rng: random.Random) -> None:
        if len(self._leases) > 3 and rng.randrange(3) == 0:
            gone = self._leases.pop(rng.randrange(len(self._leases)))
            await etcd.revoke_lease(gone, deadline=_CALL_SECONDS)
        else:
            lease = await etcd.grant_lease(_LEASE_TTL_SECONDS, deadline=_CALL_SECONDS)
            self._leases.append(lease)

    def _put(self, rng: random.Random, key: bytes | None = None) -> PutOp:
        # In a transaction no lease: one that is revoked meanwhile makes etcd panic.
        leased = key is None and self._leases and rng.randrange(4) == 0
        lease = rng.choice(self._leases) if leased else 0
        return PutOp(key or self._key(rng), self._value(rng), lease)

    def _key(self, rng: random.Random) -> bytes:
        # Few keys are written often, many seldom.
        number = int(self._shape.keys * rng.random() ** 2)
        kind = ("pods", "leases", "configmaps")[number % 3]
        return f"/registry/{kind}/namespace-{number % 7}/name-{number:05d}".encode()

    def _value(self, rng: random.Random) -> bytes:
        if rng.randrange(12) == 0:
            return rng.choice(_ALIKE)
        return rng.randbytes(rng.randint(*rng.choice(_SIZES[self._shape.sizes])))
