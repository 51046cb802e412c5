"""The users' keys of many records, and which record of each key is its last."""

from dataclasses import dataclass

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.columns import I64, U64, FileBytes, Mask, Rows
from requorum.formats.bbolt.key_order import compare_keys
from requorum.formats.mvcc import KeyValue
from requorum.formats.records import RecordBatch

_KEY_TAG = 0x0A
_LONG_KEY_SIZE = 4096
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class UserKeys(Rows):
    """Where the user's key of each record lies in the file."""

    offset: I64
    size: I64


def user_keys(file: FileBytes, records: RecordBatch) -> UserKeys:
    """Return the keys; DamagedInput when one does not lie within its value.

    etcd writes the key as the first field, its length in at most three bytes.
    """
    eight = np.minimum(records.value_size, 8)
    head = file.key_block(records.value_offset, eight)
    tag, one, two, three = (
        ((head >> np.uint64(shift)) & np.uint64(0xFF)).astype(np.int64)
        for shift in (56, 48, 40, 32)
    )
    wide, wider = one >= 0x80, (one >= 0x80) & (two >= 0x80)
    size = (one & 0x7F) | np.where(wide, (two & 0x7F) << 7, 0) | np.where(wider, three << 14, 0)
    offset = records.value_offset + 2 + wide + wider
    odd = (tag != _KEY_TAG) | (wider & (three >= 0x80))
    size = _with_odd(file, records, size, np.flatnonzero(odd))
    outside = ~odd & (offset + size > records.value_offset + records.value_size)
    if outside.any():
        where = int(records.value_offset[outside][0])
        raise DamagedInput(f"database byte {where}: the record's key does not lie within it")
    return UserKeys(offset, size)


def _with_odd(file: FileBytes, records: RecordBatch, size: I64, odd: I64) -> I64:
    """Return the sizes with 0 for the revision-bump marker; nothing else may begin otherwise."""
    for row in odd.tolist():
        begin = int(records.value_offset[row])
        value = file.view[begin : begin + int(records.value_size[row])]
        if KeyValue.decode(value).key:
            raise DamagedInput(f"database byte {begin}: the record does not begin with its key")
    size[odd] = 0
    return size


def last_of_each_key(file: FileBytes, keys: UserKeys) -> Mask:
    """Return which rows are the last with their key."""
    if (keys.size > _LONG_KEY_SIZE).any():
        return _last_by_dictionary(file, keys)
    prints = _fingerprints(file, keys)
    order = np.argsort(prints, kind="stable")
    same = prints[order][1:] == prints[order][:-1]
    before, after = keys.take(order[:-1][same]), keys.take(order[1:][same])
    if compare_keys(file, before.offset, before.size, after.offset, after.size).any():
        return _last_by_dictionary(file, keys)
    last = np.ones(len(keys), dtype=np.bool_)
    last[order[:-1][same]] = False
    return last


def _fingerprints(file: FileBytes, keys: UserKeys) -> U64:
    """Return 64 bits per key. Equal prints prove nothing: their keys are compared afterwards."""
    prints = keys.size.astype(np.uint64) * _MIX
    rows, offset, size = np.arange(len(keys)), keys.offset, keys.size
    while len(rows):
        mixed = (prints[rows] ^ file.key_block(offset, size)) * _MIX
        prints[rows] = mixed ^ (mixed >> np.uint64(29))
        longer = size > 8
        rows, offset, size = rows[longer], offset[longer] + 8, size[longer] - 8
    return prints


def _last_by_dictionary(file: FileBytes, keys: UserKeys) -> Mask:
    """Return the same, slowly and for any keys: long ones, or a collision that was built."""
    rows: dict[bytes, int] = {}
    places = zip(keys.offset.tolist(), keys.size.tolist(), strict=True)
    for row, (offset, size) in enumerate(places):
        rows[bytes(file.view[offset : offset + size])] = row
    last = np.zeros(len(keys), dtype=np.bool_)
    last[np.fromiter(rows.values(), dtype=np.int64, count=len(rows))] = True
    return last
