"""Records that two databases hold at the same revision, and whether they hold the same."""

from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import I64, Mask
from requorum.formats.records import RecordBatch
from requorum.inspection.difference.readable import Readable
from requorum.inspection.difference.same_bytes import Ranges, same_bytes


@dataclass(frozen=True, slots=True)
class SharedRecords:
    """Pairs of records by (main, sub), ascending. `equal`: byte by byte, deletion or not too."""

    a_rows: I64
    b_rows: I64
    equal: Mask


def shared_records(a: Readable, b: Readable) -> SharedRecords:
    """Return the pairs."""
    a_rows, b_rows = _pairs(a.records, b.records)
    ours, theirs = _ranges(a.records.take(a_rows)), _ranges(b.records.take(b_rows))
    equal = same_bytes(a.file, ours, b.file, theirs)
    return SharedRecords(a_rows, b_rows, equal)


def _ranges(records: RecordBatch) -> Ranges:
    """Return where the records lie: the value right behind its key, so both in one range."""
    return Ranges(records.key_offset, records.key_size + records.value_size)


def _pairs(a: RecordBatch, b: RecordBatch) -> tuple[I64, I64]:
    main = np.concatenate([a.main, b.main])
    sub = np.concatenate([a.sub, b.sub])
    # Stable, so of two equal revisions the first is a's.
    order = np.lexsort((sub, main))
    twice = main[order[1:]] == main[order[:-1]]
    twice &= sub[order[1:]] == sub[order[:-1]]
    first = np.flatnonzero(twice)
    return order[first], order[first + 1] - len(a)
