"""Small databases made by hand, with something in every bucket, and what may become of them."""

import hashlib
import json
from pathlib import Path

import bbolt_builder
from mvcc_builder import Event

from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.wire import field_bytes, field_varint

Rows = list[tuple[bytes, bytes]]

MEMBER = 0xFFFFFFFFFFFFFFFD
PASSWORD_HASH = b"$2a$10$N9qo8uLOickgx2ZMRZoMye"


def put(main: int, key: bytes, value: bytes, lease: int = 0) -> tuple[bytes, bytes]:
    """Return a record as etcd writes the first one of a key."""
    content = KeyValue(key, main, main, 1, value, lease)
    return RevisionKey(Revision(main)).encode(), content.encode()


def tombstone(main: int, key: bytes) -> tuple[bytes, bytes]:
    """Return the record of a deletion."""
    return Event(main, 0, key, None).record


def member(number: int, name: str, **others: object) -> tuple[bytes, bytes]:
    """Return a row of `members`."""
    content = {"id": number, "peerURLs": [f"http://{number:x}:2380"], "name": name, **others}
    return f"{number:x}".encode(), json.dumps(content).encode()


BUCKETS: dict[bytes, Rows] = {
    b"alarm": [(field_varint(1, MEMBER) + field_varint(2, 1), b"")],
    b"auth": [(b"authEnabled", b"\x01"), (b"authRevision", (7).to_bytes(8, "big"))],
    b"authRoles": [
        (
            b"reader",
            field_bytes(1, b"reader")
            + field_bytes(2, field_bytes(2, b"/a/") + field_bytes(3, b"/a0")),
        )
    ],
    b"authUsers": [
        (b"app", field_bytes(1, b"app") + field_bytes(2, PASSWORD_HASH) + field_bytes(3, b"reader"))
    ],
    b"cluster": [
        (b"clusterVersion", b"3.6.0"),
        (b"downgrade", b'{"target-version":"3.5.0","enabled":true}'),
    ],
    b"key": [
        *(put(main, b"/a/%d" % main, b"x" * main) for main in range(2, 30)),
        put(30, b"/b/leased", b"", lease=7),
        tombstone(31, b"/a/2"),
    ],
    b"lease": [((7).to_bytes(8, "big"), field_varint(1, 7) + field_varint(2, 60))],
    b"members": [member(MEMBER, "one"), member(4, "", isLearner=True)],
    b"members_removed": [(b"1f", b"removed")],
    b"meta": [
        (b"consistent_index", (41).to_bytes(8, "big")),
        (b"term", (5).to_bytes(8, "big")),
        (b"finishedCompactRev", Revision(9).encode()),
        (b"scheduledCompactRev", Revision(12).encode()),
        (b"storageVersion", b"3.6.0"),
        (b"confState", b'{"voters":[18446744073709551613],"learners":[4],"auto_leave":false}'),
    ],
}


def built(**changed: Rows) -> bbolt_builder.Built:
    """Return the example with some buckets replaced."""
    replaced = {name.encode(): rows for name, rows in changed.items()}
    return bbolt_builder.build({**BUCKETS, **replaced})


def write_db(path: Path, **changed: Rows) -> Path:
    """Write it as the db of a data directory."""
    path.write_bytes(built(**changed).data)
    return path


def write_snapshot(path: Path, **changed: Rows) -> Path:
    """Write it as `etcdctl snapshot save` does."""
    data = built(**changed).data
    path.write_bytes(data + hashlib.sha256(data).digest())
    return path


def overwrite(path: Path, offset: int, content: bytes) -> None:
    """Change some bytes of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
