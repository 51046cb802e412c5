"""One target a format: takes any bytes, and lets everything that reads the format have them.

A target returns whatever happens, as long as nothing but DamagedInput, or another error of ours, is
raised. Where two ways lead to the same, it asserts that they agree. hypothesis and the
coverage-guided fuzzer begin with the inputs of seeds.py, and change them.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import numpy as np
import readers_of_databases as databases
from crc32c import crc32c
from seeds import BUCKETS, PAGE, SNAP_METADATA, chained, database_of

from requorum.errors import DamagedInput, RequorumError
from requorum.formats.auth_requests import decode_auth_request
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.meta import fnv1a_64
from requorum.formats.json_object import json_number, json_object, json_text, json_texts
from requorum.formats.kv_columns import kv_columns
from requorum.formats.message import Message
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.raftpb import (
    Entry,
    EntryType,
    decode_conf_change,
    decode_conf_state,
    decode_entry,
    decode_hard_state,
    decode_snapshot_metadata,
)
from requorum.formats.records import RecordBatch
from requorum.formats.request_origin import request_origin
from requorum.formats.requests import Auth, decode_request
from requorum.formats.snap import read_snap
from requorum.formats.source import BufferSource
from requorum.formats.wal import (
    decode_metadata,
    decode_wal_snapshot,
    read_segment,
    segment_name,
)
from requorum.formats.wire import field_bytes, field_varint, fields
from requorum.inspection.boot.whole_log import read_whole_log
from requorum.inspection.completed_log import complete_log
from requorum.inspection.entry_story import comparisons_of, operations_of, tell
from requorum.inspection.member_log import SegmentFile, read_member_log
from requorum.inspection.membership import membership_of, voter_sets
from requorum.inspection.replay import replay_onto
from requorum.inspection.wal_listing import list_segment
from requorum.inspection.wal_survey import survey_wal

Target = Callable[[bytes], None]

_META_CHECKED = 56


def wire(data: bytes) -> None:
    """Read any protobuf message: its fields lie within it."""
    with suppress(DamagedInput):
        read = list(fields(data))
        inside = sum(len(value) for _, _, value in read if isinstance(value, memoryview))
        assert inside <= len(data)
        message = Message(data)
        for number, _, value in read:
            assert (message.unsigned if isinstance(value, int) else message.content)(number) or True


def raft_messages(data: bytes) -> None:
    """Decode entries, hard states, configurations, and the marks in a WAL."""
    decoders: Iterable[Callable[[bytes], object]] = (
        decode_entry,
        decode_hard_state,
        decode_conf_state,
        decode_conf_change,
        decode_snapshot_metadata,
        decode_metadata,
        decode_wal_snapshot,
    )
    for decode in decoders:
        with suppress(DamagedInput):
            decode(data)


def requests(data: bytes) -> None:
    """Read what an entry asks for, and tell it."""
    request_origin(data)
    with suppress(DamagedInput):
        request = decode_request(data)
        if isinstance(request, Auth):
            decode_auth_request(data, request.kind)
    for entry_type in EntryType:
        told = tell(Entry(entry_type, 1, 1, data)).told
        list(operations_of(told))
        list(comparisons_of(told))


def json_objects(data: bytes) -> None:
    """Read JSON as etcd stores it; every text that is read of it can be printed."""
    with suppress(DamagedInput):
        members = json_object(data, "it")
        for name in members:
            for read in (json_number, json_text, json_texts):
                with suppress(DamagedInput):
                    str(read(members, name)).encode()


def snap(data: bytes) -> None:
    """Read a .snap file: as it is, and with the bytes as what a right checksum seals."""
    store = field_bytes(1, data) + field_bytes(2, SNAP_METADATA)
    for content in (data, _sealed(data), _sealed(store)):
        with suppress(DamagedInput):
            read_snap(BufferSource(content))


def wal(data: bytes) -> None:
    """Read a WAL segment: as it is, and its records sealed anew so that all are read."""
    for content in (data, chained(data)):
        for last in (True, False):
            segment = read_segment(BufferSource(content), last=last)
            assert segment.end_offset <= len(content)
            ends = [record.end for record in segment.records]
            assert ends == sorted(ends)
            file = SegmentFile(segment_name(0, 0), 0, len(content), segment)
            log = read_member_log([file])
            surveyed = survey_wal([file])
            list(list_segment(surveyed, file))
            read_whole_log([(file.name, BufferSource(content))])
            completed = complete_log({"one": log, "two": log})
            assert completed is not None
            with suppress(RequorumError):
                found = membership_of((), log.entries)
                if found is not None:
                    voter_sets(found, log.entries, after=log.committed_here)
            if len(completed.entries) and len(completed.gaps) < 1000:
                with suppress(RequorumError):
                    first = completed.first_index
                    replay_onto(
                        completed, after=first - 1, staged_index=1, staged_term=1, running_crc=0
                    )


def database(data: bytes) -> None:
    """Read a database: as it is, and with the checksums of its meta pages made right."""
    for content in (data, _with_sealed_metas(data)):
        source = BufferSource(content)
        for reader in databases.READERS.values():
            with suppress(RequorumError):
                list(reader(source))


def small_buckets(data: bytes) -> None:
    """Read the rows of etcd's small buckets that the bytes spell, in a sound database."""
    source = BufferSource(database_of(_rows(data)))
    for name in ("small buckets", "records", "hash", "verdict"):
        with suppress(RequorumError):
            list(databases.READERS[name](source))


def key_values(data: bytes) -> None:
    """Decode records one by one and in columns, which must agree."""
    for parse in (Revision.parse, RevisionKey.parse):
        with suppress(DamagedInput):
            parse(data)
    padded = bytes(8) + data + bytes(8)
    one, size = np.array([8], dtype=np.int64), np.array([len(data)], dtype=np.int64)
    record = RecordBatch(one, one, one == 0, one, one, one, size)
    columns = kv_columns(FileBytes(BufferSource(padded)), record)
    try:
        alone = KeyValue.decode(data)
    except DamagedInput:
        assert columns.malformed[0]
        return
    assert not columns.malformed[0]
    begin, end = int(columns.key_offset[0]), int(columns.key_offset[0] + columns.key_size[0])
    assert padded[begin:end] == alone.key
    begin, end = int(columns.value_offset[0]), int(columns.value_offset[0] + columns.value_size[0])
    assert padded[begin:end] == alone.value
    numbers = (columns.create_revision, columns.mod_revision, columns.version, columns.lease)
    assert [int(column[0]) for column in numbers] == [
        alone.create_revision,
        alone.mod_revision,
        alone.version,
        alone.lease,
    ]


TARGETS: Mapping[str, Target] = {
    "wire": wire,
    "raft": raft_messages,
    "requests": requests,
    "json": json_objects,
    "snap": snap,
    "wal": wal,
    "database": database,
    "buckets": small_buckets,
    "records": key_values,
}


def _sealed(content: bytes) -> bytes:
    return field_varint(1, crc32c(content)) + field_bytes(2, content)


def _with_sealed_metas(data: bytes) -> bytes:
    sealed = bytearray(data)
    for start in (16, PAGE + 16, 4096 + 16):
        checked = sealed[start : start + _META_CHECKED]
        if len(checked) == _META_CHECKED and len(sealed) >= start + _META_CHECKED + 8:
            seal = fnv1a_64(bytes(checked)).to_bytes(8, "little")
            sealed[start + _META_CHECKED : start + _META_CHECKED + 8] = seal
    return bytes(sealed)


def _rows(data: bytes) -> dict[bytes, dict[bytes, bytes]]:
    """Return rows by bucket: each is a bucket's number, two lengths, a key and a value."""
    rows: dict[bytes, dict[bytes, bytes]] = {name: {} for name in BUCKETS}
    place = 0
    while place + 4 <= len(data):
        bucket = rows[BUCKETS[data[place] % len(BUCKETS)]]
        key_size = data[place + 1] or 1
        value_size = int.from_bytes(data[place + 2 : place + 4], "little")
        begin = place + 4
        key = data[begin : begin + key_size]
        if key:
            bucket[key] = data[begin + key_size : begin + key_size + value_size]
        place = begin + key_size + value_size
    return rows
