"""What differs besides the keys: leases, users, roles and alarms, counted but never shown."""

from collections.abc import Iterator
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database

REPLICATED = (b"alarm", b"auth", b"authRoles", b"authUsers", b"lease")
"""Buckets that hold the same in all members that applied the same entries."""


@dataclass(frozen=True, slots=True)
class BucketDifference:
    """How many rows of one bucket only A has, only B has, and both have, but not alike."""

    name: str
    added: int
    removed: int
    changed: int


def compare_buckets(a: Database, b: Database) -> tuple[BucketDifference, ...]:
    """Return the buckets that differ; one that is damaged on a side is left out."""
    found = (_compared(name, a, b) for name in REPLICATED)
    return tuple(each for each in found if each is not None)


def _compared(name: bytes, a: Database, b: Database) -> BucketDifference | None:
    try:
        ours, theirs = dict(_items(a, name)), dict(_items(b, name))
    except DamagedInput:
        return None
    changed = sum(1 for key, value in ours.items() if theirs.get(key, value) != value)
    difference = BucketDifference(
        name.decode(), len(theirs.keys() - ours.keys()), len(ours.keys() - theirs.keys()), changed
    )
    return difference if ours != theirs else None


def _items(database: Database, name: bytes) -> Iterator[tuple[bytes, bytes]]:
    bucket = database.bucket(name)
    return iter(()) if bucket is None else bucket.items()
