"""What goes into the new database, row by row, out of the files that hold it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from requorum.formats.backend import ConfState
from requorum.formats.backend_file import BackendMeta
from requorum.formats.bbolt.columns import Mask
from requorum.formats.bbolt.page import ELEMENT_SIZE
from requorum.formats.bbolt.writer import Entries
from requorum.formats.mvcc import REVISION_SIZE, Revision, RevisionKey
from requorum.formats.records import BUCKET as KEY
from requorum.inspection.salvage.claims import Claims
from requorum.inspection.salvage.other_buckets import AUTH, OtherBuckets
from requorum.inspection.salvage.places import main_of, sub_of
from requorum.inspection.salvage.settled import Settled

_CHUNK = 1 << 14
_ANYBODY = ConfState(voters=(1,), learners=())
"""etcd 3.6 and 3.7 look whether there is one, never at what it says; restores make members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The new database. `kept` is over `settled.records`; `sealed` is its compact revision."""

    settled: Settled
    kept: Mask
    others: OtherBuckets
    index: int
    term: int
    sealed: int
    auth_off: bool = False

    @property
    def record_count(self) -> int:
        """Return how many records it has."""
        return int(self.kept.sum())

    @property
    def size_min(self) -> int:
        """Return what the file has at least: its rows, and an element for each."""
        rows = int(self.settled.records.value_size[self.kept].sum())
        rows += (REVISION_SIZE + ELEMENT_SIZE) * self.record_count
        others = (row for some in self.others.rows.values() for row in some.items())
        return rows + sum(len(key) + len(value) + ELEMENT_SIZE for key, value in others)

    def buckets(self) -> Mapping[bytes, Entries]:
        """Return the rows of every bucket that is not empty, in order."""
        found: dict[bytes, Entries] = {
            name: sorted(self._rows(name).items()) for name in self.others.rows
        }
        found[KEY] = self._records()
        found[b"meta"] = self._meta().rows()
        return found

    def _rows(self, name: bytes) -> dict[bytes, bytes]:
        rows = dict(self.others.rows[name])
        if name == AUTH and self.auth_off and b"authEnabled" in rows:
            rows[b"authEnabled"] = b"\x00"
        return rows

    def _meta(self) -> BackendMeta:
        compact = self.sealed if self.sealed > 0 else None
        return BackendMeta(
            consistent_index=self.index,
            term=self.term,
            conf_state=_ANYBODY,
            finished_compact_revision=compact,
            scheduled_compact_revision=compact,
        )

    def _records(self) -> Iterator[tuple[bytes, memoryview]]:
        records = self.settled.records
        views = [f.view if f is not None else memoryview(b"") for f in self.settled.files]
        rows = np.flatnonzero(self.kept)
        for begin in range(0, len(rows), _CHUNK):
            yield from _encoded(records.take(rows[begin : begin + _CHUNK]), views)


def _encoded(records: Claims, views: list[memoryview]) -> Iterator[tuple[bytes, memoryview]]:
    columns = (
        records.place.tolist(), records.tombstone.tolist(), records.file.tolist(),
        records.value_offset.tolist(), records.value_size.tolist(),
    )  # fmt: skip  # in the order they are unpacked in
    for place, tombstone, file, offset, size in zip(*columns, strict=True):
        revision = Revision(main_of(place), sub_of(place))
        yield RevisionKey(revision, tombstone).encode(), views[file][offset : offset + size]
