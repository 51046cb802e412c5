"""Which keys of two files are the same, by the million and exactly."""

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, FileBytes
from requorum.formats.user_keys import UserKeys, fingerprints
from requorum.inspection.difference.readable import Readable
from requorum.inspection.difference.same_bytes import Ranges, same_bytes

_LONG_KEY_SIZE = 4096
"""Fingerprints take eight bytes of every key at a time: one long key would hold up all others."""


def matched_keys(a: Readable, a_rows: I64, b: Readable, b_rows: I64) -> tuple[I64, I64, I64, I64]:
    """Return (rows in A, rows in B) of the keys that both have, the others in A, those in B.

    On neither side two rows have the same key.
    """
    a_keys, b_keys = a.keys.take(a_rows), b.keys.take(b_rows)
    pairs = _pairs_by_print(a.file, a_keys, b.file, b_keys)
    if pairs is None:
        pairs = _pairs_by_dictionary(a.file, a_keys, b.file, b_keys)
    in_a, in_b = pairs
    # In the order of the file again: a gigabyte is read much faster so than here and there.
    order = np.argsort(in_a)
    in_a, in_b = in_a[order], in_b[order]
    return (
        a_rows[in_a],
        b_rows[in_b],
        np.delete(a_rows, in_a),
        np.delete(b_rows, in_b),
    )


def _pairs_by_print(
    a: FileBytes, a_keys: UserKeys, b: FileBytes, b_keys: UserKeys
) -> tuple[I64, I64] | None:
    """Return the places of equal keys; None where fingerprints cannot tell keys apart."""
    if (a_keys.size > _LONG_KEY_SIZE).any() or (b_keys.size > _LONG_KEY_SIZE).any():
        return None
    a_prints, b_prints = fingerprints(a, a_keys), fingerprints(b, b_keys)
    if _any_twice(a_prints) or _any_twice(b_prints):
        return None
    _, in_a, in_b = np.intersect1d(a_prints, b_prints, assume_unique=True, return_indices=True)
    ours, theirs = a_keys.take(in_a), b_keys.take(in_b)
    ranges = Ranges(ours.offset, ours.size), Ranges(theirs.offset, theirs.size)
    same = same_bytes(a, ranges[0], b, ranges[1])
    return in_a[same], in_b[same]


def _any_twice(prints: U64) -> bool:
    ordered = np.sort(prints)
    return bool((ordered[1:] == ordered[:-1]).any())


def _pairs_by_dictionary(
    a: FileBytes, a_keys: UserKeys, b: FileBytes, b_keys: UserKeys
) -> tuple[I64, I64]:
    """Return the same, slowly: for long keys, or for fingerprints built to collide."""
    places = {key: place for place, key in enumerate(bytes_of(a, a_keys))}
    found = [(places[key], place) for place, key in enumerate(bytes_of(b, b_keys)) if key in places]
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def bytes_of(file: FileBytes, keys: UserKeys) -> list[bytes]:
    """Return the keys themselves."""
    places = zip(keys.offset.tolist(), keys.size.tolist(), strict=True)
    return [bytes(file.view[offset : offset + size]) for offset, size in places]
