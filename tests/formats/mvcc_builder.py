"""Small histories, written as etcd's bucket `key`, for tests that need no etcd."""

from collections.abc import Iterable
from dataclasses import dataclass

import bbolt_builder

from requorum.formats.bbolt.bucket import Database
from requorum.formats.mvcc import Revision, RevisionKey
from requorum.formats.wire import field_bytes, field_varint


@dataclass(frozen=True)
class Event:
    """A put of `value`, or a deletion where it is None."""

    main: int
    sub: int
    key: bytes
    value: bytes | None

    @property
    def record(self) -> tuple[bytes, bytes]:
        """Return the key and the value of its record."""
        name = RevisionKey(Revision(self.main, self.sub), self.value is None).encode()
        if self.value is None:
            return name, field_bytes(1, self.key)
        value = field_bytes(1, self.key) + field_varint(3, self.main) + field_bytes(5, self.value)
        return name, value


def database_of(
    events: Iterable[Event], *, compacted: int | None = None, per_leaf: int = 5
) -> Database:
    """Return a database with those records, compacted nowhere or at a revision."""
    meta = {}
    if compacted is not None:
        meta[b"finishedCompactRev"] = Revision(compacted).encode()
    buckets = {b"key": [event.record for event in events], b"meta": meta.items()}
    return Database(bbolt_builder.build(buckets, per_leaf=per_leaf).source)
