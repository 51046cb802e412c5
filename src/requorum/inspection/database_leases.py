"""Which keys a database says have, or had, a lease."""

from collections import defaultdict

import numpy as np

from requorum.formats.backend import read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import I64, FileBytes
from requorum.formats.key_groups import key_groups
from requorum.formats.kv_columns import KvColumns, kv_columns
from requorum.formats.records import RecordBatch, scan_all
from requorum.formats.source import Source
from requorum.formats.user_keys import user_keys
from requorum.inspection.lease_keys import DatabaseLeases

_NONE = -1


def database_leases(source: Source) -> DatabaseLeases:
    """Read keys and leases; DamagedInput where the database cannot be read.

    A few seconds and about 200 bytes of memory for each record of a million.
    """
    database = Database(source)
    index = read_backend(database).consistent_index
    if database.bucket(b"key") is None:
        return DatabaseLeases(index, {}, {})
    file = FileBytes(source)
    records = scan_all(database, file)
    columns = kv_columns(file, records)
    following = _following_of_same_key(file, records)
    attached: dict[bytes, int] = {}
    deleted: defaultdict[int, set[bytes]] = defaultdict(set)
    for row in np.flatnonzero((columns.lease != 0) & ~columns.malformed).tolist():
        key, lease = _key(file, columns, row), int(columns.lease[row])
        next_row = int(following[row])
        if next_row == _NONE:
            attached[key] = lease
        elif records.tombstone[next_row]:
            deleted[lease].add(key)
    return DatabaseLeases(index, attached, {k: frozenset(v) for k, v in deleted.items()})


def _following_of_same_key(file: FileBytes, records: RecordBatch) -> I64:
    """Return for each row the next one with the same key, -1 where there is none."""
    groups = key_groups(file, user_keys(file, records))
    order = np.argsort(groups, kind="stable")
    following = np.full(len(records), _NONE, dtype=np.int64)
    same = groups[order][1:] == groups[order][:-1]
    following[order[:-1][same]] = order[1:][same]
    return following


def _key(file: FileBytes, columns: KvColumns, row: int) -> bytes:
    begin = int(columns.key_offset[row])
    return bytes(file.view[begin : begin + int(columns.key_size[row])])
