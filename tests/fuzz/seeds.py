"""Well-formed inputs of each target, from which the fuzzers begin."""

import json
from collections.abc import Iterable, Mapping

from requorum.formats.bbolt.writer import write_database
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.raftpb import Entry, EntryType, HardState, encode_entry, encode_hard_state
from requorum.formats.wal import RecordType, frame
from requorum.formats.wire import field_bytes, field_varint

PAGE = 1024

BUCKETS = (
    b"alarm", b"auth", b"authRoles", b"authUsers", b"cluster", b"key", b"lease", b"members",
    b"members_removed", b"meta",
)  # fmt: skip  # one line less to scroll past


def chained(data: bytes) -> bytes:
    """Return a segment of records: each is a type, two bytes of length, and its content."""
    out, crc = frame(RecordType.CRC, None, 0)
    place = 0
    while place + 3 <= len(data):
        kind, length = data[place] % 8, int.from_bytes(data[place + 1 : place + 3], "little")
        content = data[place + 3 : place + 3 + length]
        place += 3 + length
        framed, crc = frame(RecordType(kind) if kind in range(1, 6) else kind, content, crc)  # type: ignore[arg-type]
        out += framed
    return out


def database_of(rows: Mapping[bytes, Mapping[bytes, bytes]]) -> bytes:
    """Return a database of small pages, with rows by bucket."""
    content = bytearray()
    buckets = ((name, sorted(rows[name].items())) for name in sorted(rows))
    written = write_database(content.extend, buckets, page_size=PAGE)
    content[: len(written.head)] = written.head
    return bytes(content)


def _packed_rows(rows: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
    packed = b""
    for bucket, key, value in rows:
        packed += bytes([BUCKETS.index(bucket), len(key)]) + len(value).to_bytes(2, "little")
        packed += key + value
    return packed


SNAP_METADATA = field_bytes(1, field_varint(1, 7)) + field_varint(2, 9) + field_varint(3, 2)
_MEMBER = {"id": 7, "peerURLs": ["http://a:1"], "name": "a", "clientURLs": ["http://a:2"]}
_MEMBER_JSON = json.dumps(_MEMBER).encode()
_HEADER = field_bytes(100, field_varint(1, 1 << 62) + field_bytes(2, b"root") + field_varint(3, 4))
_PUT = field_bytes(1, b"k") + field_bytes(2, b"v") + field_varint(3, 5) + field_varint(4, 1)
_RANGE = field_bytes(1, b"k") + field_bytes(2, b"l") + field_varint(4, 3)
_COMPARE = field_varint(1, 1) + field_varint(2, 2) + field_bytes(3, b"k") + field_varint(6, 3)
_TXN = (
    field_bytes(1, _COMPARE)
    + field_bytes(2, field_bytes(2, _PUT))
    + field_bytes(2, field_bytes(4, field_bytes(2, field_bytes(1, _RANGE))))
    + field_bytes(3, field_bytes(3, _RANGE))
)
_CHANGE = field_varint(1, 9) + field_varint(2, 0) + field_varint(3, 7)
_CHANGE += field_bytes(4, _MEMBER_JSON)
_CONTENTS = {
    3: _RANGE,
    4: _PUT,
    5: _RANGE,
    6: _TXN,
    7: field_varint(1, 9) + field_varint(2, 1),
    8: field_varint(1, 60) + field_varint(2, 77),
    9: field_varint(1, 77),
    10: field_varint(1, 1) + field_varint(2, 7) + field_varint(3, 1),
    11: field_bytes(1, field_varint(1, 77) + field_varint(2, 30)),
    1100: field_bytes(1, b"user") + field_bytes(2, b"secret"),
    1203: field_bytes(1, b"role") + field_bytes(2, field_varint(1, 2) + field_bytes(2, b"k")),
    1300: field_bytes(1, b"3.5.0"),
    1301: field_varint(1, 7) + field_bytes(2, field_bytes(1, b"a") + field_bytes(2, b"u")),
    1302: field_varint(1, 1) + field_bytes(2, b"3.4.0"),
}
_REQUESTS = (
    *(field_bytes(number, content) + _HEADER for number, content in _CONTENTS.items()),
    field_bytes(2, b"PUT") + field_bytes(3, b"/0/members/7") + field_bytes(4, b"{}"),
)
_CONF_STATE = field_varint(1, 7) + field_varint(1, 8) + field_bytes(2, b"\x09\x0a")
_RAFT = (
    encode_entry(Entry(EntryType.NORMAL, 2, 5, _REQUESTS[1])),
    encode_entry(Entry(EntryType.CONF_CHANGE, 1, 1, _CHANGE)),
    encode_hard_state(HardState(2, 7, 5)),
    _CONF_STATE,
    _CHANGE,
    field_varint(1, 9) + field_varint(2, 2) + field_bytes(3, _CONF_STATE),
    SNAP_METADATA,
)
_ATTRIBUTES = {"raftAttributes": {"Value": json.dumps(_MEMBER)}}
_STORE = {
    "Root": {
        "Children": {
            "0": {
                "Children": {
                    "members": {"Children": {"7": {"Children": _ATTRIBUTES}}},
                    "removed_members": {"Children": {"8": {}}},
                    "version": {"Value": "3.5.0"},
                }
            },
            "1": {"Children": {"a": {"Value": "v2"}}},
        }
    }
}
_STORE_JSON = json.dumps(_STORE).encode()
_RECORD = KeyValue(b"key", 2, 2, 1, b"value" * 9, 77).encode()
_TOMBSTONE = RevisionKey(Revision(3, 1), tombstone=True).encode()
_ROWS = (
    (b"alarm", field_varint(1, 7) + field_varint(2, 1), b""),
    (b"auth", b"authEnabled", b"\x01"),
    (b"auth", b"authRevision", (9).to_bytes(8, "big")),
    (b"authRoles", b"r", field_bytes(1, b"r") + field_bytes(2, field_bytes(2, b"k"))),
    (b"authUsers", b"u", field_bytes(1, b"u") + field_bytes(2, b"hash") + field_bytes(3, b"r")),
    (b"cluster", b"clusterVersion", b"3.5.0"),
    (b"cluster", b"downgrade", b'{"target-version":"3.4.0","enabled":true}'),
    (b"key", Revision(2, 0).encode(), _RECORD),
    (b"key", _TOMBSTONE, KeyValue(b"key").encode()),
    (b"lease", (77).to_bytes(8, "big"), field_varint(1, 77) + field_varint(2, 60)),
    (b"members", b"7", _MEMBER_JSON),
    (b"members_removed", b"8", b"removed"),
    (b"meta", b"consistent_index", (9).to_bytes(8, "big")),
    (b"meta", b"confState", b'{"voters":[7],"auto_leave":false}'),
    (b"meta", b"finishedCompactRev", Revision(1, 0).encode()),
    (b"meta", b"storageVersion", b"3.6.0"),
    (b"meta", b"term", (2).to_bytes(8, "big")),
)


def _small_database() -> bytes:
    """Return a database of a dozen pages, with a bucket of two levels and an overflow page."""
    rows: dict[bytes, dict[bytes, bytes]] = {name: {} for name in BUCKETS}
    for bucket, key, value in _ROWS:
        rows[bucket][key] = value
    for main in range(4, 40):
        kv = KeyValue(b"/registry/%d" % main, main, main, 1, bytes(40 if main % 9 else 1500))
        rows[b"key"][Revision(main, 0).encode()] = kv.encode()
    return database_of(rows)


def _packed_records() -> bytes:
    records = [(1, field_varint(1, 7) + field_varint(2, 8)), (5, b"\x08\x00\x10\x00")]
    records += [(2, message) for message in _RAFT[:2]]
    records += [(3, _RAFT[2]), (5, field_varint(1, 5) + field_varint(2, 2))]
    records += [
        (2, encode_entry(Entry(EntryType.NORMAL, 2, 6 + number, request)))
        for number, request in enumerate(_REQUESTS)
    ]
    return b"".join(
        bytes([kind]) + len(content).to_bytes(2, "little") + content for kind, content in records
    )


SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "wire": (*_RAFT, *_REQUESTS),
    "raft": _RAFT,
    "requests": (*_REQUESTS, _CHANGE),
    "json": (_MEMBER_JSON, _STORE_JSON, b'{"name":"\\ud800","peerURLs":["\\udfff"]}'),
    "snap": (_STORE_JSON, field_bytes(1, _STORE_JSON) + field_bytes(2, SNAP_METADATA)),
    "wal": (_packed_records(), chained(_packed_records())),
    "database": (_small_database(),),
    "buckets": (_packed_rows(_ROWS),),
    "records": (_RECORD, Revision(2, 0).encode(), _TOMBSTONE),
}
