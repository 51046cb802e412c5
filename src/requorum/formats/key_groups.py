"""Which of many keys are the same, by the million and exactly."""

import numpy as np

from requorum.formats.bbolt.columns import I64, FileBytes, Mask
from requorum.formats.bbolt.key_order import compare_keys
from requorum.formats.user_keys import UserKeys, fingerprints

_LONG_KEY_SIZE = 4096
"""Fingerprints take eight bytes of every key at a time: one long key would hold up all others."""


def key_groups(file: FileBytes, keys: UserKeys) -> I64:
    """Return for each row the number of its group, from 0 without a gap; equal keys share one.

    Which group has which number means nothing.
    """
    if (keys.size > _LONG_KEY_SIZE).any():
        return _groups_by_dictionary(file, keys)
    prints = fingerprints(file, keys)
    order = np.argsort(prints)
    same: Mask = prints[order][1:] == prints[order][:-1]
    before, after = keys.take(order[:-1][same]), keys.take(order[1:][same])
    if compare_keys(file, before.offset, before.size, after.offset, after.size).any():
        return _groups_by_dictionary(file, keys)
    groups = np.zeros(len(keys), dtype=np.int64)
    groups[order[1:]] = np.cumsum(~same)
    return groups


def _groups_by_dictionary(file: FileBytes, keys: UserKeys) -> I64:
    """Return the same, slowly: for long keys, or for fingerprints built to collide."""
    numbers: dict[bytes, int] = {}
    places = zip(keys.offset.tolist(), keys.size.tolist(), strict=True)
    found = (
        numbers.setdefault(bytes(file.view[offset : offset + size]), len(numbers))
        for offset, size in places
    )
    return np.fromiter(found, dtype=np.int64, count=len(keys))
