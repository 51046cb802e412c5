"""The users' keys of many records, and which record of each key is its last."""

from dataclasses import dataclass

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.columns import I64, U64, ElementRows, FileBytes, Mask, Rows
from requorum.formats.bbolt.key_order import compare_keys
from requorum.formats.kv_columns import key_columns
from requorum.formats.records import RecordBatch

_LONG_KEY_SIZE = 4096
_MIX = np.uint64(0x9E3779B97F4A7C15)
_U64_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class UserKeys(Rows):
    """Where the user's key of each record lies in the file."""

    offset: I64
    size: I64


def user_keys(file: FileBytes, records: RecordBatch | ElementRows) -> UserKeys:
    """Return the keys, and nothing else of the records; DamagedInput where none can be read."""
    offset, size, malformed = key_columns(file, records)
    if malformed.any():
        where = int(records.value_offset[malformed][0])
        raise DamagedInput(f"database byte {where}: the record's key cannot be read")
    return UserKeys(offset, size)


def last_of_each_key(file: FileBytes, keys: UserKeys) -> Mask:
    """Return which rows are the last with their key."""
    return last_with_prints(file, keys, fingerprints(file, keys))


def last_with_prints(file: FileBytes, keys: UserKeys, prints: U64) -> Mask:
    """Return the same from fingerprints that were taken before."""
    last = np.ones(len(keys), dtype=np.bool_)
    ordered = np.sort(prints)
    if not (ordered[1:] == ordered[:-1]).any():
        return last
    order = np.argsort(prints)
    ordered = prints[order]
    same = ordered[1:] == ordered[:-1]
    before, after = keys.take(order[:-1][same]), keys.take(order[1:][same])
    if compare_keys(file, before.offset, before.size, after.offset, after.size).any():
        return _last_by_dictionary(file, keys)
    firsts = np.flatnonzero(np.concatenate([[True], ~same]))
    last[:] = False
    last[np.maximum.reduceat(order, firsts)] = True
    return last


def fingerprints(file: FileBytes, keys: UserKeys) -> U64:
    """Return 64 bits per key. Equal prints prove nothing: their keys are compared afterwards."""
    prints = keys.size.view(np.uint64) * _MIX
    if not len(keys):
        return prints
    offset, size = keys.offset, keys.size
    if int(size.max()) > _LONG_KEY_SIZE:
        long = np.flatnonzero(size > _LONG_KEY_SIZE)
        prints[long] = _long_prints(file, keys.take(long))
        size = np.where(size > _LONG_KEY_SIZE, 0, size)
    common = int(size.min()) // 8 * 8
    for done in range(0, common, 8):
        _mix(prints, file.u64(offset + done))
    _mix_rest(file, prints, offset + common, size - common)
    return prints


def _mix(prints: U64, words: U64) -> None:
    prints ^= words
    prints *= _MIX
    prints ^= prints >> np.uint64(29)


def _mix_rest(file: FileBytes, prints: U64, offset: I64, size: I64) -> None:
    """Mix in what longer keys have beyond that which all have."""
    while (left := size > 0).any():
        if left.all():
            _mix(prints, file.word(offset, size))
        else:
            mixed = prints[left]
            _mix(mixed, file.word(offset[left], size[left]))
            prints[left] = mixed
        offset, size = offset + 8, size - 8


def _long_prints(file: FileBytes, keys: UserKeys) -> U64:
    """Return prints one by one: eight bytes at a time, one long key would hold up all others."""
    places = zip(keys.offset.tolist(), keys.size.tolist(), strict=True)
    found = (hash(bytes(file.view[offset : offset + size])) & _U64_MASK for offset, size in places)
    return np.fromiter(found, dtype=np.uint64, count=len(keys))


def _last_by_dictionary(file: FileBytes, keys: UserKeys) -> Mask:
    """Return the same, slowly: for fingerprints that collide, as only built ones do."""
    rows: dict[bytes, int] = {}
    places = zip(keys.offset.tolist(), keys.size.tolist(), strict=True)
    for row, (offset, size) in enumerate(places):
        rows[bytes(file.view[offset : offset + size])] = row
    last = np.zeros(len(keys), dtype=np.bool_)
    last[np.fromiter(rows.values(), dtype=np.int64, count=len(rows))] = True
    return last
