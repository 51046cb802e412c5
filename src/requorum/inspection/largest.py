"""What fills a database: the keys and the prefixes that take the most bytes and revisions.

A prefix ends behind a "/" and counts everything below it, as `du` does, so that the list leads
from what is large to where in it. Bytes are those that the records take on their pages: what is
free within pages, and free pages, come on top of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from requorum.formats.bbolt.columns import I64, FileBytes, Mask, Rows
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import Meta, read_metas
from requorum.formats.bbolt.page import ELEMENT_SIZE
from requorum.formats.bbolt.sweep import Sweep
from requorum.formats.key_groups import key_groups
from requorum.formats.kv_columns import kv_columns
from requorum.formats.records import BUCKET, RecordBatch, record_rows
from requorum.formats.source import Source
from requorum.formats.user_keys import UserKeys
from requorum.inspection.path_levels import PathLevels, path_levels

_ROWS_MERGED_MIN = 1 << 18


@dataclass(frozen=True, slots=True)
class Usage:
    """What some keys take. `revisions` are all records there are of them, tombstones too.

    `keys` exist at the current revision; of the deleted ones only the history is left.
    `bytes_live` are those of the newest record of each key that exists; the rest is history,
    which a compaction lets go.
    """

    keys: int
    revisions: int
    bytes: int
    bytes_live: int

    @property
    def bytes_history(self) -> int:
        """Return the bytes of everything superseded or deleted."""
        return self.bytes - self.bytes_live


@dataclass(frozen=True, slots=True)
class Ranked:
    """A key or a prefix, and what it takes."""

    name: bytes
    usage: Usage


@dataclass(frozen=True, slots=True)
class Largest:
    """The first few of each ranking, largest first.

    `undecoded` records have no key that could be believed, and are counted nowhere else.
    """

    total: Usage
    undecoded: int
    prefixes_by_bytes: tuple[Ranked, ...]
    prefixes_by_revisions: tuple[Ranked, ...]
    keys_by_bytes: tuple[Ranked, ...]
    keys_by_revisions: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class _Records(Rows):
    """What is kept of each record: about 35 bytes of memory."""

    offset: I64
    size: I64
    bytes: I64
    tombstone: Mask


@dataclass(frozen=True, slots=True)
class _Table(Rows):
    """A row for each of some keys or prefixes, its name at `offset`.

    `held` counts the keys that ever were; `parent_size` is the size of the prefix one level up.
    """

    offset: I64
    size: I64
    parent_size: I64
    held: I64
    keys: I64
    revisions: I64
    bytes: I64
    bytes_live: I64

    @property
    def names(self) -> UserKeys:
        return UserKeys(self.offset, self.size)


def largest(source: Source, top: int) -> Largest:
    """Rank all keys and prefixes of a database; what damage hides is not counted.

    Raises DamagedInput when neither meta page is valid. Reads the whole source once as one
    buffer: give it a mapping, not a file far away.
    Memory: about 100 bytes for each record and 300 for each prefix that is like no other.
    """
    meta, file = read_metas(source).current, FileBytes(source)
    parts, undecoded = [_no_records()], 0
    for batch in _readable_records(file, meta):
        decoded, odd = _decoded(file, batch)
        parts.append(decoded)
        undecoded += odd
    keys = _by_key(file, _Records.concatenate(parts))
    prefixes = _by_prefix(file, keys)
    return Largest(
        total=_total(keys),
        undecoded=undecoded,
        prefixes_by_bytes=_ranked(file, prefixes, prefixes.bytes, top),
        prefixes_by_revisions=_ranked(file, prefixes, prefixes.revisions, top),
        keys_by_bytes=_ranked(file, keys, keys.bytes, top),
        keys_by_revisions=_ranked(file, keys, keys.revisions, top),
    )


def _readable_records(file: FileBytes, meta: Meta) -> Iterator[RecordBatch]:
    sweep = Sweep(file, meta, DamageLog())
    for chunk in sweep.chunks():
        elements = sweep.leaves_of(BUCKET, chunk)
        if elements is not None:
            records, fine = record_rows(file, elements)
            yield records.take(fine)


def _no_records() -> _Records:
    none = np.zeros(0, dtype=np.int64)
    return _Records(none, none, none, none == 1)


def _decoded(file: FileBytes, batch: RecordBatch) -> tuple[_Records, int]:
    kv = kv_columns(file, batch)
    # An empty value is the marker of a bumped revision: it belongs to no key.
    fine = ~kv.malformed & (batch.value_size > 0)
    rows = _Records(
        kv.key_offset, kv.key_size,
        ELEMENT_SIZE + batch.key_size + batch.value_size, batch.tombstone,
    ).take(fine)  # fmt: skip  # columns in the order of their declaration
    return rows, int(kv.malformed.sum())


def _by_key(file: FileBytes, records: _Records) -> _Table:
    """Return one row for each key, in the order in which their newest records lie in the file."""
    groups = key_groups(file, UserKeys(records.offset, records.size))
    newest = _last_row(groups)
    count, order = len(newest), np.argsort(newest)
    last = records.take(newest[order])
    alive = (~last.tombstone).astype(np.int64)
    revisions, all_bytes = _sums(groups, count), _sums(groups, count, records.bytes)
    return _Table(
        last.offset, last.size, np.zeros_like(alive), np.ones_like(alive), alive,
        revisions[order], all_bytes[order], last.bytes * alive,
    )  # fmt: skip  # columns in the order of their declaration


def _last_row(groups: I64) -> I64:
    """Return for each group its last row."""
    rows = np.zeros(int(groups.max()) + 1 if len(groups) else 0, dtype=np.int64)
    rows[groups] = np.arange(len(groups))  # of repeated indices the last one stays
    return rows


def _sums(groups: I64, count: int, values: I64 | None = None) -> I64:
    """Return the sum per group; exact up to 2^53, which is more bytes than any file has."""
    return np.bincount(groups, weights=values, minlength=count).astype(np.int64)


def _by_prefix(file: FileBytes, keys: _Table) -> _Table:
    merged, waiting = keys.take(slice(0)), list[_Table]()
    for levels in path_levels(file, keys.names):
        waiting.append(_one_row_each(_levels_table(keys, levels), levels.group))
        # Merged when as much waits as was merged before: each row is merged a few times only.
        if sum(map(len, waiting)) > max(len(merged), _ROWS_MERGED_MIN):
            merged, waiting = _merged(file, [merged, *waiting]), []
    return _telling(file, _merged(file, [merged, *waiting]))


def _levels_table(keys: _Table, levels: PathLevels) -> _Table:
    rows = keys.take(levels.row)
    return replace(rows, size=levels.size, parent_size=levels.parent_size)


def _merged(file: FileBytes, tables: list[_Table]) -> _Table:
    rows = _Table.concatenate(tables)
    return _one_row_each(rows, key_groups(file, rows.names))


def _one_row_each(rows: _Table, groups: I64) -> _Table:
    """Return one row for each group of equal names."""
    where = _last_row(groups)
    sums = (rows.held, rows.keys, rows.revisions, rows.bytes, rows.bytes_live)
    return _Table(
        rows.offset[where], rows.size[where], rows.parent_size[where],
        *(_sums(groups, len(where), column) for column in sums),
    )  # fmt: skip  # columns in the order of their declaration


def _telling(file: FileBytes, prefixes: _Table) -> _Table:
    """Leave out what says nothing new: prefixes of one key, or of just what a longer one holds."""
    several = prefixes.take(prefixes.held > 1)
    parents = UserKeys(several.offset, several.parent_size)
    groups = key_groups(file, UserKeys.concatenate([several.names, parents]))
    own, parent = groups[: len(several)], groups[len(several) :]
    held = np.zeros(len(groups), dtype=np.int64)
    held[own] = several.held
    repeated = np.zeros(len(groups), dtype=np.bool_)
    repeated[parent[held[parent] == several.held]] = True
    return several.take(~repeated[own])


def _total(keys: _Table) -> Usage:
    return Usage(*(int(c.sum()) for c in (keys.keys, keys.revisions, keys.bytes, keys.bytes_live)))


def _ranked(file: FileBytes, table: _Table, by: I64, top: int) -> tuple[Ranked, ...]:
    """Return the first of a ranking; among equals those that lie first in the file."""
    least = np.partition(by, -top)[-top] if len(by) > top else 0
    rows = np.flatnonzero(by >= least)
    order = np.lexsort((table.offset[rows], -table.bytes[rows], -by[rows]))[:top]
    return tuple(_entry(file, table, row) for row in rows[order].tolist())


def _entry(file: FileBytes, table: _Table, row: int) -> Ranked:
    offset, size = int(table.offset[row]), int(table.size[row])
    return Ranked(bytes(file.view[offset : offset + size]), _total(table.take(slice(row, row + 1))))
