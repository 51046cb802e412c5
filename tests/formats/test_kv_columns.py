"""mvccpb.KeyValue in columns equals KeyValue.decode, for what etcd writes and for any bytes."""

import numpy as np
import pytest
from etcd_data import EtcdDbs
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.kv_columns import KvColumns, kv_columns, note_odd_records
from requorum.formats.mvcc import KeyValue
from requorum.formats.records import RecordBatch, scan_all
from requorum.formats.source import BufferSource
from requorum.formats.user_keys import UserKeys, fingerprints
from requorum.formats.wire import field_bytes, field_varint

INT64 = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 300) | st.integers(0, 1 << 50)
MESSAGES = st.builds(
    KeyValue, st.binary(max_size=300), INT64, INT64, INT64, st.binary(max_size=300), INT64
)
FIELD = st.one_of(
    st.tuples(st.integers(1, 8), INT64).map(lambda drawn: field_varint(*drawn)),
    st.tuples(st.integers(1, 8), st.binary(max_size=9)).map(lambda drawn: field_bytes(*drawn)),
)
ODD = st.lists(FIELD | st.binary(max_size=12), max_size=7).map(b"".join)


def encode(kv: KeyValue) -> bytes:
    """Return the message as etcd writes it: in order, without what is zero."""
    numbers = {2: kv.create_revision, 3: kv.mod_revision, 4: kv.version, 6: kv.lease}
    parts = {number: field_varint(number, value) for number, value in numbers.items() if value}
    parts |= {n: field_bytes(n, data) for n, data in ((1, kv.key), (5, kv.value)) if data}
    return b"".join(parts[number] for number in sorted(parts))


def columns_of(values: list[bytes], *, main: int = 1) -> tuple[FileBytes, RecordBatch, KvColumns]:
    """Return the columns of records with those values, back to back up to the end of a file."""
    size = np.array([len(value) for value in values], dtype=np.int64)
    offset = 8 + np.cumsum(size) - size
    none, mains = np.zeros_like(size), np.full_like(size, main)
    records = RecordBatch(mains, none, none == 1, none, none, offset, size)
    file = FileBytes(BufferSource(b"\xff" * 8 + b"".join(values)))
    return file, records, kv_columns(file, records)


def row(file: FileBytes, kv: KvColumns, number: int) -> KeyValue | None:
    """Return one row as the message that it describes, None for a malformed one."""
    if kv.malformed[number]:
        return None

    def bytes_at(offset: np.int64, size: np.int64) -> bytes:
        return bytes(file.view[int(offset) : int(offset + size)])

    return KeyValue(
        bytes_at(kv.key_offset[number], kv.key_size[number]),
        int(kv.create_revision[number]),
        int(kv.mod_revision[number]),
        int(kv.version[number]),
        bytes_at(kv.value_offset[number], kv.value_size[number]),
        int(kv.lease[number]),
    )


def decoded(value: bytes) -> KeyValue | None:
    """Return what KeyValue.decode says, None for a malformed one."""
    try:
        return KeyValue.decode(value)
    except DamagedInput:
        return None


@given(st.lists(MESSAGES, max_size=20))
def test_what_etcd_writes(messages: list[KeyValue]) -> None:
    """Any message, written as etcd writes it, comes back; numbers of every length."""
    file, _, kv = columns_of([encode(message) for message in messages])
    assert [row(file, kv, number) for number in range(len(messages))] == messages


@given(st.lists(ODD | MESSAGES.map(encode), max_size=20))
def test_any_bytes(values: list[bytes]) -> None:
    """Fields twice, out of order, unknown, mistyped, overlong or cut: as KeyValue.decode says."""
    file, _, kv = columns_of(values)
    assert [row(file, kv, n) for n in range(len(values))] == [decoded(value) for value in values]


@given(MESSAGES.map(encode), st.data())
def test_cut_and_flipped(value: bytes, data: st.DataObject) -> None:
    """A message that is cut, or with a byte changed, is read as KeyValue.decode reads it."""
    cuts = [value[:size] for size in range(len(value))]
    flips = []
    if value:
        at, mask = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(1, 255))
        flips.append(value[:at] + bytes([value[at] ^ mask]) + value[at + 1 :])
    values = [*cuts, *flips]
    file, _, kv = columns_of(values)
    assert [row(file, kv, n) for n in range(len(values))] == [decoded(value) for value in values]


def test_regular_rows_are_not_decoded_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What etcd writes takes the quick way, leases of 63 bits and long keys included."""
    monkeypatch.setattr("requorum.formats.kv_columns._decode_alone", None)
    kv = KeyValue(b"k" * 20_000, 1, (1 << 62) + 1, 300, b"v" * 70_000, (1 << 63) - 1)
    file, _, found = columns_of([encode(kv), b"", encode(KeyValue(b"key"))])
    assert [row(file, found, n) for n in range(3)] == [kv, KeyValue(), KeyValue(b"key")]


@pytest.mark.parametrize(
    ("value", "tombstone", "what"),
    [
        (b"\x0a\x7fk", False, "not a key-value message"),
        (encode(KeyValue(b"k", 7, 7, 1)), True, "tombstone holds more"),
        (encode(KeyValue(b"", 7, 7, 1)), False, "has no key"),
        (encode(KeyValue(b"k", 7, 8, 1)), False, "says revision 8"),
        (encode(KeyValue(b"k", 8, 7, 1)), False, "created at revision 8"),
        (encode(KeyValue(b"k", 0, 7, 1)), False, "created at revision 0"),
        (encode(KeyValue(b"k", 7, 7, 0)), False, "is version 0"),
        (encode(KeyValue(b"k", 5, 7, 4)), False, "is version 4"),
    ],
)
def test_odd_records(value: bytes, tombstone: bool, what: str) -> None:  # noqa: FBT001 - a column of the table
    """What no etcd writes is noted with its place."""
    _, records, kv = columns_of([value], main=7)
    records.tombstone[:] = tombstone
    log = DamageLog()
    note_odd_records(records, kv, 4096, log)
    assert [damage.offset for damage in log.kept[:1]] == [8]
    assert what in log.kept[0].what


def test_fine_records() -> None:
    """A put, a later version, a tombstone and the revision-bump marker are nothing to note."""
    puts = [encode(KeyValue(b"k", 7, 7, 1, b"v", -5)), encode(KeyValue(b"k", 3, 7, 5))]
    _, records, kv = columns_of([*puts, encode(KeyValue(b"k")), b""], main=7)
    records.tombstone[2] = True
    log = DamageLog()
    note_odd_records(records, kv, 4096, log)
    assert log.kept == []


@pytest.mark.etcd
def test_real_records(etcd_dbs: EtcdDbs, etcd_minor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record of a real db equals what KeyValue.decode says, and none is odd."""
    database = Database(BufferSource(etcd_dbs(etcd_minor, "rich").data))
    file, records = FileBytes(database.source), scan_all(database)
    monkeypatch.setattr("requorum.formats.kv_columns._decode_alone", None)
    kv = kv_columns(file, records)
    begins, sizes = records.value_offset.tolist(), records.value_size.tolist()
    for number, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
        assert row(file, kv, number) == KeyValue.decode(database.source.read(begin, size))
    log = DamageLog()
    note_odd_records(records, kv, database.meta.page_size, log)
    assert log.kept == []


def test_nothing_of_a_malformed_record_is_left() -> None:
    """A key that claims to be 2**63 - 1 bytes long must lead nobody to them."""
    huge = b"\x0a" + b"\xff" * 8 + b"\x7f"
    negative = b"\x0a" + b"\xff" * 9 + b"\x01"
    file, records, kv = columns_of([encode(KeyValue(b"a", 1, 1, 1, b"v")), huge, negative])
    assert kv.malformed.tolist() == [False, True, True]
    for column in (kv.key_offset, kv.key_size, kv.value_offset, kv.value_size):
        assert column[1:].tolist() == [0, 0]
    prints = fingerprints(file, UserKeys(kv.key_offset, kv.key_size))
    assert len(prints) == len(records)
