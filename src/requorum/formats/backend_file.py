"""The rows of a whole backend, as `formats.bbolt.writer` takes them: what etcd needs to boot.

Source: etcd server/storage/schema/ (bucket.go, cindex.go, confstate.go, schema.go), mvcc/store.go.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from requorum.formats.backend import ConfState, Lease
from requorum.formats.bbolt.writer import Entries
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey

BUCKETS = (
    b"alarm",
    b"auth",
    b"authRoles",
    b"authUsers",
    b"cluster",
    b"key",
    b"lease",
    b"members",
    b"members_removed",
    b"meta",
)
"""Every bucket that etcd 3.4 to 3.7 makes, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendMeta:
    """The bucket `meta`. What is None is not written.

    etcd 3.6 and later know a 3.5 file by its `term` and `conf_state` (what that says is read by
    nobody), and a later one by `storage_version`. Without the latter every minor from 3.4 boots;
    with 3.7.0 in it etcd 3.6 does not.
    """

    consistent_index: int
    term: int | None = None
    conf_state: ConfState | None = None
    finished_compact_revision: int | None = None
    scheduled_compact_revision: int | None = None
    storage_version: str | None = None

    def rows(self) -> list[tuple[bytes, bytes]]:
        """Return the rows in order."""
        rows = {
            b"confState": self.conf_state and _conf_state(self.conf_state),
            b"consistent_index": _u64(self.consistent_index),
            b"finishedCompactRev": _compact_revision(self.finished_compact_revision),
            b"scheduledCompactRev": _compact_revision(self.scheduled_compact_revision),
            b"storageVersion": self.storage_version and self.storage_version.encode(),
            b"term": None if self.term is None else _u64(self.term),
        }
        return [(key, value) for key, value in rows.items() if value]


def backend_buckets(content: Mapping[bytes, Entries]) -> Iterator[tuple[bytes, Entries]]:
    """Yield all buckets in order: those of `content`, and of etcd's the others empty."""
    for name in sorted({*BUCKETS, *content}):
        yield name, content.get(name, ())


def record_row(revision: Revision, kv: KeyValue, *, tombstone: bool = False) -> tuple[bytes, bytes]:
    """Return the row of one record in the bucket `key`; of a tombstone only the key is written."""
    kept = KeyValue(key=kv.key) if tombstone else kv
    return RevisionKey(revision, tombstone).encode(), kept.encode()


def lease_row(lease: Lease) -> tuple[bytes, bytes]:
    """Return the row of one lease in the bucket `lease`."""
    return lease.id.to_bytes(8, "big", signed=True), lease.encode()


def _conf_state(conf_state: ConfState) -> bytes:
    written: dict[str, object] = {"voters": list(conf_state.voters)}
    if conf_state.learners:
        written["learners"] = list(conf_state.learners)
    written["auto_leave"] = False
    return json.dumps(written, separators=(",", ":")).encode()


def _compact_revision(main: int | None) -> bytes | None:
    return None if main is None else Revision(main).encode()


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "big")
