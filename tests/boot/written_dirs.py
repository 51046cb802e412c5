"""Data directories written to disk without any etcd, for facts, use case and command line."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import bbolt_builder
import made_directories as made
import test_snap

from requorum.formats.backend_file import record_row
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.raftpb import EntryType
from requorum.formats.wire import field_bytes, field_varint

PEER_URL = "http://127.0.0.1:2380"


def write_directory(
    directory: Path,
    *,
    entries: int = 4,
    applied: int = 4,
    commit: int = 4,
    version: str = "3.5.0",
    listed: Sequence[int] = (made.MEMBER,),
    contents: Mapping[int, bytes] | None = None,
) -> Path:
    """Write the directory of a single member whose log begins with its own joining.

    `contents` are those of entries that are not empty, by their index.
    """
    (directory / "member" / "wal").mkdir(parents=True, mode=0o700)
    (directory / "member").chmod(0o700)
    (directory / "member" / "snap").mkdir(mode=0o700)
    data_of = contents or {}
    others = (made.entry(i, data=data_of.get(i, b"")) for i in range(2, entries + 1))
    records = [made.mark(0, 0), joining(1), *others]
    for name, data in made.log_files([*records, made.state(commit)]):
        (directory / "member" / "wal" / name).write_bytes(data)
    database_of(directory).write_bytes(database(applied, version=version, listed=listed))
    return directory


def joining(index: int) -> made.Content:
    """Return the entry with which the member joins."""
    context = json.dumps({"id": made.MEMBER, "peerURLs": [PEER_URL], "name": "one"}).encode()
    change = field_varint(1, 1) + field_varint(2, 0) + field_varint(3, made.MEMBER)
    data = change + field_bytes(4, context)
    return made.entry(index, data=data, kind=EntryType.CONF_CHANGE)


def database(applied: int, *, version: str, listed: Sequence[int]) -> bytes:
    """Return a database that stands at an index."""
    members = [
        (b"%x" % i, json.dumps({"id": i, "peerURLs": [PEER_URL], "name": "one"}).encode())
        for i in listed
    ]
    buckets = {
        b"cluster": [(b"clusterVersion", version.encode())],
        b"key": [
            record_row(Revision(main), KeyValue(b"k%d" % main, main, main, 1, b"v"))
            for main in range(2, applied + 2)
        ],
        b"members": members,
        b"meta": [(b"consistent_index", applied.to_bytes(8, "big"))],
    }
    return bytes(bbolt_builder.build(buckets).data)


def database_of(directory: Path) -> Path:
    """Return the database's path."""
    return directory / "member" / "snap" / "db"


def segment_of(directory: Path) -> Path:
    """Return the path of its one segment."""
    (segment,) = (directory / "member" / "wal").glob("*.wal")
    return segment


def write_snap(directory: Path, *, term: int = 2, index: int = 2, data: bytes = b"") -> Path:
    """Write a .snap file: a sound one of another place unless given other bytes."""
    path = directory / "member" / "snap" / f"{term:016x}-{index:016x}.snap"
    path.write_bytes(data or test_snap.snap_file(test_snap.store(test_snap.CLUSTER)))
    return path
