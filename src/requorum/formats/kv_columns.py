"""mvccpb.KeyValue by the million, as columns: where key and value lie, and the numbers.

Source: etcd api/mvccpb/kv.proto. etcd writes the fields in the order of their numbers and leaves
out what is zero: such records are decoded a field at a time for all of them at once. Whatever else
the format allows is decoded one by one, by `KeyValue.decode`, which is always right.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.columns import I64, U64, ElementRows, FileBytes, Mask, Rows
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.mvcc import KeyValue
from requorum.formats.records import RecordBatch
from requorum.formats.wire import fields

KEY_TAG, CREATE_TAG, MOD_TAG, VERSION_TAG, VALUE_TAG, LEASE_TAG = 0x0A, 0x10, 0x18, 0x20, 0x2A, 0x30
_KEY, _VALUE = 1, 5

_CONTINUES_ONCE, _CONTINUES = np.uint64(0x80), np.uint64(0x8080808080808080)
_SEVEN_BITS_ONCE, _SEVEN_BITS = np.uint64(0x7F), np.uint64(0x7F7F7F7F7F7F7F7F)
_PLACE_OF_BIT = np.uint64(0x0102030405060708)
"""Times 1 << 8n it has n + 1 as its highest byte."""


@dataclass(frozen=True, slots=True)
class KvColumns(Rows):
    """The messages of some records, row by row. Offsets count from the start of the file.

    A missing field is 0, or has size 0. An empty value, which `snapshot restore --bump-revision`
    leaves as a marker, has a key of size 0. Where `malformed` all else is 0.
    """

    key_offset: I64
    key_size: I64
    create_revision: I64
    mod_revision: I64
    version: I64
    value_offset: I64
    value_size: I64
    lease: I64
    malformed: Mask


def kv_columns(file: FileBytes, records: RecordBatch) -> KvColumns:
    """Decode the value of every record. Never raises: see `malformed`."""
    begin, end = records.value_offset, records.value_offset + records.value_size
    key_offset, key_size, at = bytes_field(file, begin, end, KEY_TAG)
    create, at = _number_field(file, at, end, CREATE_TAG)
    mod, at = _number_field(file, at, end, MOD_TAG)
    version, at = _number_field(file, at, end, VERSION_TAG)
    value_offset, value_size, at = bytes_field(file, at, end, VALUE_TAG)
    lease, at = _number_field(file, at, end, LEASE_TAG)
    malformed = np.zeros(len(at), dtype=np.bool_)
    found = KvColumns(
        key_offset, key_size, create, mod, version, value_offset, value_size, lease, malformed
    )
    for row in np.flatnonzero(at != end).tolist():
        _decode_alone(file, found, row, int(begin[row]), int(end[row]))
    _clear_malformed(found)
    return found


def _clear_malformed(found: KvColumns) -> None:
    """Leave nothing of a malformed row: its sizes may be anything."""
    if found.malformed.any():
        for column in dataclasses.fields(found):
            if column.name != "malformed":
                getattr(found, column.name)[found.malformed] = 0


def key_columns(file: FileBytes, records: RecordBatch | ElementRows) -> tuple[I64, I64, Mask]:
    """Return offset, size and `malformed` as `kv_columns` does, reading no further than the key.

    What follows a key that comes first, as etcd writes it, may be damaged, or be another key.
    """
    begin, end = records.value_offset, records.value_offset + records.value_size
    offset, size, following = bytes_field(file, begin, end, KEY_TAG)
    malformed = np.zeros(len(end), dtype=np.bool_)
    none = np.zeros_like(begin)
    found = KvColumns(offset, size, none, none, none, none, none, none, malformed)
    for row in np.flatnonzero((following > end) | (size == 0) & (begin < end)).tolist():
        _decode_alone(file, found, row, int(begin[row]), int(end[row]))
    _clear_malformed(found)
    return offset, size, malformed


def note_odd_records(records: RecordBatch, kv: KvColumns, page_size: int, log: DamageLog) -> None:
    """Note each record that no etcd wrote so: it does not decode, or contradicts itself."""
    note_malformed(records, kv, page_size, log)
    note_contradictions(records, kv, page_size, log)


def note_malformed(records: RecordBatch, kv: KvColumns, page_size: int, log: DamageLog) -> None:
    """Note each record that does not decode: etcd ends as soon as it reads one."""
    place = records.value_offset[kv.malformed]
    log.add_rows(place // page_size, place, "the record is not a key-value message")


def note_contradictions(
    records: RecordBatch, kv: KvColumns, page_size: int, log: DamageLog
) -> None:
    """Note each record that decodes, but not to what any etcd writes; it serves it all the same.

    A record may be damaged and not be noted, within its key, value or lease: nothing seals a
    single record. Leases of any number are legal, a client may choose a negative one.
    """
    fine = ~kv.malformed
    marker = records.value_size == 0
    put = fine & ~records.tombstone & ~marker

    def note(bad: Mask, what: str, values: I64 | None = None) -> None:
        if bad.any():
            place = records.value_offset[bad]
            log.add_rows(place // page_size, place, what, None if values is None else values[bad])

    note(fine & records.tombstone & _more_than_key(records, kv), "tombstone holds more than a key")
    note(fine & ~marker & (kv.key_size == 0), "the record has no key")
    note(put & (kv.mod_revision != records.main), "the record says revision {}", kv.mod_revision)
    since_creation = kv.mod_revision - kv.create_revision
    impossible = (kv.create_revision < 1) | (since_creation < 0)
    note(put & impossible, "the record says it was created at revision {}", kv.create_revision)
    impossible = (kv.version < 1) | (kv.version - 1 > since_creation)
    note(put & impossible, "the record says it is version {}", kv.version)


def _more_than_key(records: RecordBatch, kv: KvColumns) -> Mask:
    more: Mask = kv.key_offset + kv.key_size != records.value_offset + records.value_size
    return more


def bytes_field(file: FileBytes, at: I64, end: I64, tag: int) -> tuple[I64, I64, I64]:
    """Return offset and size of the field's bytes, and where the next field begins.

    Rows whose field at `at` is another one give 0, 0, `at`. Where the field is not what etcd
    writes, the next one "begins" behind `end`: nothing more is read, and the end is not met.
    """
    size, begin = _number_field(file, at, end, tag)
    following = begin + size
    bad = (size < 0) | (size > end - begin)
    if bad.any():
        following[bad] = end[bad] + 1
    there = begin > at
    return begin if there.all() else np.where(there, begin, 0), size, following


def _number_field(file: FileBytes, at: I64, end: I64, tag: int) -> tuple[I64, I64]:
    """Return the field's number, 0 where it is missing, and where the next field begins."""
    inside = at < end
    if inside.all():
        return _number_within(file, at, end, tag)
    value, following = np.zeros_like(at), at.copy()
    if inside.any():
        value[inside], following[inside] = _number_within(file, at[inside], end[inside], tag)
    return value, following


def _number_within(file: FileBytes, at: I64, end: I64, tag: int) -> tuple[I64, I64]:
    word = file.word(at, end - at)
    there = (word & np.uint64(0xFF)) == tag
    # The word behind the tag has seven bytes; the zero that takes the place of an eighth ends it.
    value, size = _varint(word >> np.uint64(8))
    following = at + 1
    following += size
    if not there.all():
        value[~there] = 0
        following = np.where(there, following, at)
    if int(size.max(initial=0)) == 8 and (wide := np.flatnonzero(there & (size == 8))).size:
        value[wide], size = _wide_varint(file, at[wide] + 1, end[wide])
        following[wide] = np.where(size > 0, at[wide] + 1 + size, end[wide] + 1)
    return value, following


def _varint(word: U64) -> tuple[I64, I64]:
    """Return value and size of the varint that each word begins with; size 0 if it is longer."""
    if not (word & _CONTINUES_ONCE).any():
        return (word & _SEVEN_BITS_ONCE).view(np.int64), np.ones(len(word), dtype=np.int64)
    stops = ~word & _CONTINUES
    stop = stops & (~stops + np.uint64(1))
    size = ((stop >> np.uint64(7)) * _PLACE_OF_BIT) >> np.uint64(56)
    groups = word & (stop - np.uint64(1)) & _SEVEN_BITS
    longest = int(size.max(initial=0)) if size.all() else 8
    # Groups of seven bits are put together in pairs: 2 of them, 4, 8, as far as there are any.
    for shift, low in (1, 0x007F007F007F007F), (2, 0x00003FFF00003FFF), (4, 0x000000000FFFFFFF):
        if longest <= shift:
            break
        high = groups & np.uint64(low << (8 * shift))
        groups = (groups & np.uint64(low)) | (high >> np.uint64(shift))
    return groups.view(np.int64), size.view(np.int64)


def _wide_varint(file: FileBytes, at: I64, end: I64) -> tuple[I64, I64]:
    """Return value and size of varints of up to nine bytes, as leases have; size 0 if longer."""
    value, size = _varint(file.word(at, end - at))
    ninth = file.word(at + 8, end - at - 8) & np.uint64(0xFF)
    value = np.where(size > 0, value, value | (ninth << np.uint64(56)).view(np.int64))
    return value, np.where(size > 0, size, np.where(ninth < 0x80, 9, 0))


def _decode_alone(file: FileBytes, kv: KvColumns, row: int, begin: int, end: int) -> None:
    """Set one row to what `KeyValue.decode` says."""
    view = file.view[begin:end]
    places = {_KEY: (0, 0), _VALUE: (0, 0)}
    try:
        message = KeyValue.decode(view)
        for number, _, content in fields(view):
            if isinstance(content, memoryview) and number in places:
                places[number] = (file.place(content), len(content))
    except DamagedInput:
        kv.malformed[row] = True
        return
    kv.key_offset[row], kv.key_size[row] = places[_KEY]
    kv.value_offset[row], kv.value_size[row] = places[_VALUE]
    kv.create_revision[row], kv.mod_revision[row] = message.create_revision, message.mod_revision
    kv.version[row], kv.lease[row] = message.version, message.lease
