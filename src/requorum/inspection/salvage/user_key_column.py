"""Which records belong to the same user's key, across files."""

from collections.abc import Sequence

import numpy as np

from requorum.formats.bbolt.columns import I64, FileBytes, Mask
from requorum.formats.kv_columns import KEY_TAG, bytes_field
from requorum.formats.mvcc import KeyValue
from requorum.inspection.salvage.claims import Claims


def user_key(files: Sequence[FileBytes | None], records: Claims, row: int) -> bytes:
    """Return the user's key of one record; empty for the mark of a revision bump."""
    return KeyValue.decode(value_of(files, records, row)).key


def value_of(files: Sequence[FileBytes | None], records: Claims, row: int) -> memoryview:
    """Return the bytes of one record's value."""
    file = files[int(records.file[row])]
    if file is None:
        return memoryview(b"")
    begin = int(records.value_offset[row])
    return file.view[begin : begin + int(records.value_size[row])]


def key_prints(files: Sequence[FileBytes | None], records: Claims) -> I64:
    """Return a number per record, the same for the same key.

    It is Python's keyed hash: 64 bits that nobody who wrote the keys can aim at, so that two keys
    with one number need not be reckoned with. It means nothing in another process.
    """
    prints = np.zeros(len(records), dtype=np.int64)
    for number, file in enumerate(files):
        rows = np.flatnonzero(records.file == number)
        if file is not None and len(rows):
            prints[rows] = _prints_in(file, records.take(rows))
    return prints


def print_of(key: bytes) -> int:
    """Return the number of one key."""
    return hash(key)


def _prints_in(file: FileBytes, records: Claims) -> I64:
    begin, end = records.value_offset, records.value_offset + records.value_size
    offset, size, _ = bytes_field(file, begin, end, KEY_TAG)
    view = file.view
    places = zip(offset.tolist(), size.tolist(), strict=True)
    hashes = (hash(bytes(view[at : at + length])) for at, length in places)
    prints = np.fromiter(hashes, dtype=np.int64, count=len(records))
    # etcd writes the key first; whatever else the format allows is decoded one by one.
    for row in np.flatnonzero((size == 0) & (records.value_size > 0)).tolist():
        prints[row] = hash(KeyValue.decode(view[int(begin[row]) : int(end[row])]).key)
    return prints


def by_key(prints: I64) -> tuple[I64, Mask]:
    """Return rows sorted by key and then as they were, and which of them begin a key's group."""
    order = np.argsort(prints, kind="stable")
    first = np.append(True, prints[order][1:] != prints[order][:-1])[: len(order)]
    return order, first
