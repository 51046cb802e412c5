"""What a writer does next, chosen from what it knows: pure, and the same for the same seed."""

import random
from collections.abc import Mapping

from requorum.lab.acks import Compact, Delete, Grant, Operation, Put, Txn

_LEASE_TTL_SECONDS = 30 * 24 * 3600
_LEASES_IN_USE = 4
_KEYS_AIMED_AT = 300
_COMPACT_BEHIND = 200
_COMPACT_ONE_IN = 150

EVERYTHING = {"new": 34, "overwrite": 28, "delete": 13, "txn": 13, "leased": 9, "grant": 3}
"""How often each kind of operation is chosen, by weight: all that etcd acknowledges."""

PUTS = {"new": 55, "overwrite": 45}
"""Puts alone, as most of what Kubernetes writes. etcd commits its database at once after a delete,
every 100 ms otherwise; so this is the load whose last writes are in the log alone."""


class Choices:
    """One writer's keys, its knowledge of them, and its next operation.

    Each key has one writer, and a key whose last operation has an unknown outcome is never
    touched again: a request that timed out may still be applied after a later one was
    acknowledged, so that only then is every key's last state one of two.

    `mod_revisions` is what it knows: key → revision of its last acknowledged put.
    """

    def __init__(
        self,
        writer: str,
        rng: random.Random,
        *,
        compacts: bool = False,
        mix: Mapping[str, int] = EVERYTHING,
    ) -> None:
        self.writer = writer
        self.mod_revisions: dict[str, int] = {}
        self.leases: list[int] = []
        self.revision = 1
        self._rng = rng
        self._compacts = compacts
        self._mix = mix
        self._keys_made = 0

    def next_operation(self) -> Operation:
        """Choose; nothing of what is known changes before `acknowledged` or `retire`."""
        if self._compacts and self._rng.randrange(_COMPACT_ONE_IN) == 0:
            behind = self.revision - self._rng.randrange(1, _COMPACT_BEHIND)
            if behind > 1:
                return Compact(revision=behind)
        return self._write(self._rng.choices(tuple(self._mix), tuple(self._mix.values()))[0])

    def _write(self, kind: str) -> Operation:
        if kind == "grant" or (kind == "leased" and not self.leases):
            return Grant(lease=self._rng.getrandbits(62) | 1, ttl=_LEASE_TTL_SECONDS)
        if kind == "leased":
            key = self._any_key() if self._rng.random() < 0.5 else self._new_key()
            return Put(key=key, lease=self._rng.choice(self.leases[-_LEASES_IN_USE:]))
        if len(self.mod_revisions) < 2 or (kind == "new" and not self._crowded):
            return Put(key=self._new_key())
        if kind == "delete":
            return Delete(key=self._any_key())
        if kind == "txn":
            put, delete = self._rng.sample(tuple(self.mod_revisions), 2)
            return Txn(put=put, delete=delete, if_mod_revision=self.mod_revisions[put])
        return Put(key=self._any_key())

    @property
    def _crowded(self) -> bool:
        return len(self.mod_revisions) >= _KEYS_AIMED_AT

    def _new_key(self) -> str:
        self._keys_made += 1
        return f"load/{self.writer}/{self._keys_made:06d}"

    def _any_key(self) -> str:
        if not self.mod_revisions:
            return self._new_key()
        return self._rng.choice(tuple(self.mod_revisions))

    def acknowledged(self, operation: Operation, revision: int) -> None:
        """Take note of what etcd acknowledged, at that revision."""
        self.revision = max(self.revision, revision)
        match operation:
            case Put(key=key):
                self.mod_revisions[key] = revision
            case Delete(key=key):
                del self.mod_revisions[key]
            case Txn(put=put, delete=delete):
                self.mod_revisions[put] = revision
                del self.mod_revisions[delete]
            case Grant(lease=lease):
                self.leases.append(lease)
            case Compact():
                pass

    def retire(self, operation: Operation) -> None:
        """Never touch again what this operation touched: its outcome is unknown."""
        match operation:
            case Put(key=key) | Delete(key=key):
                self.mod_revisions.pop(key, None)
            case Txn(put=put, delete=delete):
                self.mod_revisions.pop(put, None)
                self.mod_revisions.pop(delete, None)
            case Grant() | Compact():
                pass
