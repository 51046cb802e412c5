"""Differing keys, counted by what they belong to, and the first of them by name."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from requorum.formats.kubernetes_keys import KubernetesObject, ResourceName, kubernetes_object
from requorum.inspection.difference.keys import NO_ROW, DifferingKeys, Kind
from requorum.inspection.difference.matched_keys import bytes_of
from requorum.inspection.difference.readable import Readable

Name = TypeVar("Name")

GROUPS_MAX = 10_000
"""Groups that are told apart; whoever has more of them reads no list."""

_KEYS_PER_CHUNK = 1 << 16


class DifferingKey(NamedTuple):
    """One key; the rows of its records in A and B, NO_ROW where it has none."""

    key: bytes
    kind: Kind
    a_row: int
    b_row: int


@dataclass(slots=True)
class Tally:
    """How many keys differ, by `Kind`."""

    counts: list[int] = field(default_factory=lambda: [0] * len(Kind))

    def of(self, kind: Kind) -> int:
        """Return how many differ so."""
        return self.counts[kind]

    @property
    def total(self) -> int:
        """Return how many differ."""
        return sum(self.counts)


@dataclass(slots=True)
class Groups(Generic[Name]):
    """Tallies by name; `others` counts keys whose group came after `GROUPS_MAX` other ones."""

    tallies: dict[Name, Tally] = field(default_factory=dict)
    others: Tally = field(default_factory=Tally)

    def add(self, name: Name, kind: Kind, count: int) -> None:
        """Count some keys."""
        found = self.tallies.get(name)
        if found is None:
            found = Tally() if len(self.tallies) < GROUPS_MAX else self.others
            if found is not self.others:
                self.tallies[name] = found
        found.counts[kind] += count


@dataclass(slots=True)
class Counted:
    """Differing keys by prefix, and Kubernetes' by resource and by namespace.

    A prefix ends with a slash; "" is that of keys without one. The namespace "" is that of the
    objects without one.
    """

    total: Tally = field(default_factory=Tally)
    prefixes: Groups[bytes] = field(default_factory=Groups)
    resources: Groups[ResourceName] = field(default_factory=Groups)
    namespaces: Groups[str] = field(default_factory=Groups)


class Grouping:
    """How keys are grouped: by their first `levels` parts, and as objects below `kube_prefix`."""

    def __init__(self, *, levels: int, kube_prefix: str) -> None:
        self._levels = levels
        self._kube_prefix = kube_prefix

    def prefix_of(self, key: bytes) -> bytes:
        """Return the key up to the slash that ends its first `levels` parts, or its last slash.

        A slash in front begins the first part.
        """
        end = at = 1 if key.startswith(b"/") else 0
        for _ in range(self._levels):
            at = key.find(b"/", at) + 1
            if not at:
                break
            end = at
        return key[:end]

    def object_of(self, key: bytes) -> KubernetesObject | None:
        """Return the Kubernetes object that a key holds."""
        return kubernetes_object(key, self._kube_prefix)

    def count(self, counted: Counted, keys: Iterable[bytes], kind: Kind) -> None:
        """Add some keys to the tallies.

        A million keys lie in few folders, and what a key belongs to depends on its folder alone,
        if it has a name that Kubernetes could have given.
        """
        folders: Counter[tuple[bytes, bool]] = Counter()
        odd: list[bytes] = []
        for key in keys:
            plain = key.isascii() and not key.endswith(b"/")
            folders[key[: key.rfind(b"/") + 1], plain] += 1
            if not plain:
                odd.append(key)
        for (folder, plain), count in folders.items():
            counted.total.counts[kind] += count
            counted.prefixes.add(self.prefix_of(folder), kind, count)
            if plain:
                self._count_objects(counted, folder + b"name", kind, count)
        for key in odd:
            self._count_objects(counted, key, kind, 1)

    def _count_objects(self, counted: Counted, key: bytes, kind: Kind, count: int) -> None:
        found = self.object_of(key)
        if found is not None:
            counted.resources.add(found.resource, kind, count)
            counted.namespaces.add(found.namespace or "", kind, count)


def grouped(
    a: Readable,
    b: Readable,
    found: DifferingKeys,
    grouping: Grouping,
    *,
    of_each_kind: int | None,
) -> tuple[Counted, tuple[DifferingKey, ...]]:
    """Return the tallies of all keys, and in the order of the keys the first ones of each kind.

    All are named where `of_each_kind` is None. Otherwise only so many are ever held at once.
    """
    counted, named = Counted(), list[DifferingKey]()
    for kind in Kind:
        alike = found.take(np.flatnonzero(found.kind == kind))
        first: list[tuple[bytes, int, int]] = []
        for rows in _chunks(alike):
            keys = _keys(a, b, rows)
            grouping.count(counted, keys, kind)
            first += zip(keys, rows.a_row.tolist(), rows.b_row.tolist(), strict=True)
            if of_each_kind is not None:
                first = heapq.nsmallest(of_each_kind, first)
        named += (DifferingKey(key, kind, a_row, b_row) for key, a_row, b_row in first)
    return counted, tuple(sorted(named))


def _chunks(found: DifferingKeys) -> Iterator[DifferingKeys]:
    """Yield the rows in pieces; in each, all have a record in A, or none has."""
    in_a = found.a_row != NO_ROW
    for side in (found.take(in_a), found.take(~in_a)):
        for at in range(0, len(side), _KEYS_PER_CHUNK):
            yield side.take(slice(at, at + _KEYS_PER_CHUNK))


def _keys(a: Readable, b: Readable, rows: DifferingKeys) -> list[bytes]:
    side, places = (a, rows.a_row) if rows.a_row[0] != NO_ROW else (b, rows.b_row)
    return bytes_of(side.file, side.keys.take(places))
