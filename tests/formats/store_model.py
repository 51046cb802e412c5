"""A store as etcd keeps it, small: every change as a record, and what is alive at a revision."""

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import bbolt_builder

from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.source import BufferSource
from requorum.inspection.difference.readable import Readable, read_readable

Change = tuple[bytes, bytes | None]
"""A key, and the value that is put, None for a deletion."""


@dataclass(frozen=True)
class Record:
    """A change as it is kept; `kv` of a deletion holds only the key."""

    at: Revision
    kv: KeyValue
    deletion: bool


@dataclass
class Store:
    """`compacted` as etcd has it: -1 at first. `members` are IDs, as the bucket lists them."""

    records: list[Record] = field(default_factory=list)
    alive: dict[bytes, KeyValue] = field(default_factory=dict)
    revision: int = 1
    compacted: int = -1
    members: tuple[int, ...] = ()

    def put(self, key: bytes, value: bytes = b"v", *, lease: int = 0) -> "Store":
        """Put one key, a revision of its own."""
        self.revision += 1
        self._put(Revision(self.revision), key, value, lease)
        return self

    def delete(self, key: bytes) -> "Store":
        """Delete one key that is there."""
        return self.txn([(key, None)])

    def txn(self, changes: Iterable[Change]) -> "Store":
        """Change several keys in one revision; deletions of what is not there change nothing."""
        due = [(key, value) for key, value in changes if value is not None or key in self.alive]
        self.revision += bool(due)
        for sub, (key, value) in enumerate(due):
            at = Revision(self.revision, sub)
            if value is None:
                del self.alive[key]
                self.records.append(Record(at, KeyValue(key), deletion=True))
            else:
                self._put(at, key, value, 0)
        return self

    def _put(self, at: Revision, key: bytes, value: bytes, lease: int) -> None:
        before = self.alive.get(key)
        created = at.main if before is None else before.create_revision
        version = 1 if before is None else before.version + 1
        self.alive[key] = KeyValue(key, created, at.main, version, value, lease)
        self.records.append(Record(at, self.alive[key], deletion=False))

    def fork(self) -> "Store":
        """Return a store with the same past, and a future of its own."""
        return copy.deepcopy(self)

    def at(self, revision: int) -> dict[bytes, KeyValue]:
        """Return what is alive at a revision."""
        state: dict[bytes, KeyValue] = {}
        for record in self.records:
            if record.at.main <= revision and record.kv.key:
                state.pop(record.kv.key, None)
                if not record.deletion:
                    state[record.kv.key] = record.kv
        return state

    def compact(self, revision: int) -> "Store":
        """Forget what is superseded at a revision."""
        last = {r.kv.key: r.at for r in self.records if r.at.main <= revision}
        self.records = [
            r
            for r in self.records
            if r.at.main > revision or (last[r.kv.key] == r.at and not r.deletion)
        ]
        self.compacted = revision
        return self

    def bump(self, by: int) -> "Store":
        """Raise the revision as `snapshot restore --bump-revision --mark-compacted` does."""
        self.revision += by
        self.records.append(Record(Revision(self.revision), KeyValue(), deletion=False))
        self.compacted = self.revision
        return self

    def built(self, *, per_leaf: int = 4, lease: Iterable[int] = ()) -> bbolt_builder.Built:
        """Return the pages of a database that holds it."""
        meta = {b"consistent_index": (self.revision + 10).to_bytes(8, "big")}
        if self.compacted >= 0:
            meta[b"finishedCompactRev"] = Revision(self.compacted).encode()
        buckets: Mapping[bytes, list[tuple[bytes, bytes]]] = {
            b"key": [(RevisionKey(r.at, r.deletion).encode(), r.kv.encode()) for r in self.records],
            b"lease": [(each.to_bytes(8, "big"), b"") for each in lease],
            b"members": [
                (b"%x" % each, json.dumps({"id": each, "peerURLs": []}).encode())
                for each in self.members
            ],
            b"meta": list(meta.items()),
        }
        return bbolt_builder.build(buckets, per_leaf=per_leaf)

    def file(self, *, per_leaf: int = 4) -> bytes:
        """Return the database file."""
        return self.built(per_leaf=per_leaf).data

    def read(self, *, per_leaf: int = 4) -> Readable:
        """Return it as it is read back from its file."""
        return read_readable(BufferSource(self.file(per_leaf=per_leaf)))


def renumbered(store: Store, by: int) -> Store:
    """Return a store with the same values at other revisions, as a mirror has them."""
    moved = store.fork()
    moved.records = [
        replace(
            r,
            at=Revision(r.at.main + by, r.at.sub),
            kv=r.kv
            if r.deletion
            else replace(
                r.kv,
                create_revision=r.kv.create_revision + by,
                mod_revision=r.kv.mod_revision + by,
            ),
        )
        for r in store.records
    ]
    moved.revision += by
    return moved
