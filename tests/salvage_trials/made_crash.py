"""A small crash without etcd: logs written record by record, databases that applied a part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from requorum.formats.backend import Lease
from requorum.formats.backend_file import BackendMeta, backend_buckets, lease_row, record_row
from requorum.formats.bbolt.writer import write_database
from requorum.formats.mvcc import Revision
from requorum.formats.raftpb import Entry, EntryType, encode_entry
from requorum.formats.wal import RecordType, frame, segment_name
from requorum.formats.wire import field_bytes, field_varint
from requorum.lab.salvage_trials.recorded import Member, Recorded, db_of, wal_of
from requorum.lab.salvage_trials.truth import Truth, Written, replay

MEMBERS = ("etcd1", "etcd2", "etcd3")
_APPLIED = (380, 395, 398)
"""The consistent indexes of the members' databases."""


@dataclass(frozen=True)
class MadeCrash:
    """A crash, and the truth that it was made from."""

    recorded: Recorded

    @property
    def truth(self) -> Truth:
        """Return what etcd would make of the log."""
        return self.recorded.truth


def make(directory: Path) -> MadeCrash:
    """Write the members' data directories; all have the same log."""
    log = [Entry(EntryType.NORMAL, 1 + n // 300, n + 1, data) for n, data in enumerate(_requests())]
    for name, applied in zip(MEMBERS, _APPLIED, strict=True):
        _write(db_of(directory / name), database_of(replay(log[:applied]), applied))
        _write(wal_of(directory / name) / segment_name(0, 0), _segment(log))
    members = {name: Member(directory / name) for name in MEMBERS}
    return MadeCrash(Recorded(version="3.5", members=members))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _requests() -> Iterable[bytes]:
    random = Random(4)
    yield b""
    yield grant(0x77, 3600)
    yield grant(0x78, 3600)
    for number in range(398):
        key = b"key-%02d" % random.randrange(40)
        match random.randrange(12):
            case 0 | 1:
                yield _request(5, field_bytes(1, key))
            case 2:
                yield put(key, b"leased %d" % number, lease=0x77)
            case _:
                yield put(key, b"value %d " % number * random.randrange(1, 60))
        if number == 250:
            yield compaction(120)
        if number == 300:
            yield _request(9, field_varint(1, 0x78))


def put(key: bytes, value: bytes, *, lease: int = 0) -> bytes:
    """Return a request to put."""
    content = field_bytes(1, key) + field_bytes(2, value)
    return _request(4, content + (field_varint(3, lease) if lease else b""))


def grant(lease: int, ttl: int) -> bytes:
    """Return a request to grant a lease."""
    return _request(8, field_varint(1, ttl) + field_varint(2, lease))


def compaction(revision: int) -> bytes:
    """Return a request to compact."""
    return _request(7, field_varint(1, revision))


def _request(number: int, content: bytes) -> bytes:
    return field_varint(1, 7) + field_bytes(number, content)


def _segment(log: Iterable[Entry]) -> bytes:
    contents = [(RecordType.CRC, None), (RecordType.METADATA, b"\x08\x01\x10\x02")]
    data, crc = bytearray(), 0
    for kind, content in [*contents, *((RecordType.ENTRY, encode_entry(e)) for e in log)]:
        framed, crc = frame(kind, content, crc)
        data += framed
    return bytes(data) + bytes(8192)


Records = Iterable[tuple[Revision, Written]]


def database_of(
    truth: Truth, index: int, *, change: Callable[[Records], Records] = lambda records: records
) -> bytes:
    """Return a database that holds a truth; `change` takes the records on their way into it."""
    records = change(sorted(truth.needed_at(truth.compacted).items()))
    meta = BackendMeta(
        consistent_index=index,
        term=2,
        finished_compact_revision=truth.compacted or None,
        scheduled_compact_revision=truth.compacted or None,
    )
    content = {
        b"key": [record_row(at, w.kv, tombstone=w.tombstone) for at, w in records],
        b"lease": sorted(lease_row(Lease(lease, truth.ttls[lease], 0)) for lease in truth.leases),
        b"meta": meta.rows(),
    }
    file = bytearray()
    done = write_database(file.extend, backend_buckets(content))
    file[: len(done.head)] = done.head
    return bytes(file)
