"""Records of a damaged database, and the revisions that are lost with what cannot be read.

The bucket `key` is a tree over revisions, so a page that is gone takes a range of revisions with
it: from its own key in the page above, up to the next one. Nothing says which keys they were of.
"""

from collections.abc import Iterator

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import DEPTH_MAX, Database
from requorum.formats.bbolt.columns import (
    I64,
    U64,
    ElementRows,
    FileBytes,
    Mask,
    PageRows,
    References,
    branch_elements,
    leaf_elements,
    note_elements,
)
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.key_order import child_references
from requorum.formats.bbolt.walk import Walk, root_reference
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.formats.records import BUCKET, RecordBatch
from requorum.inspection.difference.lost_revisions import REVISION_MAX, LostRevisions

Range = tuple[int, int]


def no_records() -> RecordBatch:
    """Return an empty batch, for concatenation."""
    none = np.zeros(0, dtype=np.int64)
    return RecordBatch(none, none, none == 1, none, none, none, none)


def records_despite_damage(
    database: Database, file: FileBytes, log: DamageLog
) -> tuple[RecordBatch, LostRevisions]:
    """Return what can be read in the order of revisions, and which revisions may be missing.

    Notes only what `check` does not: records whose key is no revision, or stands where it must
    not. A page with such a record is read, and its whole range counts as lost besides.
    Raises DamagedInput where the bucket's root cannot be read.
    """
    bucket = database.bucket(BUCKET)
    if bucket is None or bucket.root.start != bucket.root.number * database.meta.page_size:
        raise DamagedInput("the bucket of the records cannot be read")
    # What is wrong with the pages themselves is noted by `check` already.
    walk = Walk(file, database.meta, DamageLog())
    lost: list[Range] = []
    parts = [
        _records(file, chunk, lost, log)
        for leaves in _leaves(file, walk, bucket.root.number, lost)
        for chunk in leaves.chunks()
    ]
    return _in_order(RecordBatch.concatenate([no_records(), *parts])), LostRevisions.of(lost)


def _leaves(file: FileBytes, walk: Walk, root: int, lost: list[Range]) -> Iterator[PageRows]:
    """Yield the leaves that can be reached; a damaged tree may have some at any depth."""
    level = walk.claim(root_reference(root))
    if not len(level):
        raise DamagedInput("the bucket of the records cannot be read")
    for _ in range(DEPTH_MAX):
        yield level.take(level.is_leaf)
        parts = [level.take(slice(0, 0))]
        for chunk in level.take(~level.is_leaf).chunks():
            references = child_references(chunk, branch_elements(file, chunk, DamageLog()))
            parts.append(walk.claim(references))
            # By the place of its key, since a damaged page may refer to one child twice.
            gone = ~np.isin(references.lower_offset, parts[-1].lower_offset)
            lost += _ranges(file, references.take(gone))
        level = PageRows.concatenate(parts)
    lost += _ranges(file, level)


def _ranges(file: FileBytes, pages: References | PageRows) -> list[Range]:
    """Return the revisions between the bounds of some pages, both ends inclusive."""
    lower, _ = _bound(file, pages.lower_offset, pages.lower_size)
    upper, sub = _bound(file, pages.upper_offset, pages.upper_size)
    bounded = _is_revision_size(pages.upper_size) & (upper >= 0)
    last = np.where(bounded, upper - (sub == 0), REVISION_MAX)
    first = np.where(_is_revision_size(pages.lower_size), np.maximum(lower, 0), 0)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _bound(file: FileBytes, offset: I64, size: I64) -> tuple[I64, I64]:
    inside = np.where(_is_revision_size(size), offset, 0)
    main, sub = _numbers(file, inside)
    return main.astype(np.int64), sub.astype(np.int64)


def _numbers(file: FileBytes, offset: I64) -> tuple[U64, U64]:
    """Return main and sub of the revisions at some places."""
    eight = np.full(len(offset), 8, dtype=np.int64)
    return file.key_block(offset, eight), file.key_block(offset + 9, eight)


def _is_revision_size(size: I64) -> Mask:
    right: Mask = (size == REVISION_SIZE) | (size == TOMBSTONE_SIZE)
    return right


def _records(file: FileBytes, leaves: PageRows, lost: list[Range], log: DamageLog) -> RecordBatch:
    elements = leaf_elements(file, leaves, DamageLog())
    named = elements.sound & (elements.word == 0)
    named[named] = _is_revision(file, elements.take(named))
    note_elements(
        leaves, elements, elements.sound & ~named, "the key of a record is not a revision", log
    )
    misplaced = _misplaced(file, leaves, elements, named)
    note_elements(leaves, elements, misplaced, "a record's revision is out of order", log)
    suspect = np.unique(elements.page[~named | misplaced])
    lost += _ranges(file, leaves.take(suspect))
    return _batch(file, elements.take(named & ~misplaced))


def _is_revision(file: FileBytes, elements: ElementRows) -> Mask:
    offset, size = elements.key_offset, elements.key_size
    right = _is_revision_size(size)
    at = np.where(right, offset, 0)
    main, sub = _numbers(file, at)
    separator, mark = _byte(file, at + 8), _byte(file, np.where(right, offset + size - 1, 0))
    right &= (main >> np.uint64(63) == 0) & (sub >> np.uint64(63) == 0)
    right &= (separator == ord("_")) & ((size == REVISION_SIZE) | (mark == ord("t")))
    return right


def _byte(file: FileBytes, offset: I64) -> U64:
    return file.word(offset, np.ones(len(offset), dtype=np.int64))


def _misplaced(file: FileBytes, leaves: PageRows, elements: ElementRows, named: Mask) -> Mask:
    """Return the revisions that their page must not hold, or not behind those before them."""
    page = elements.page
    at = np.where(named, elements.key_offset, 0)
    main, sub = (column.astype(np.int64) for column in _numbers(file, at))
    lower, lower_sub = _bound(file, leaves.lower_offset, leaves.lower_size)
    upper, upper_sub = _bound(file, leaves.upper_offset, leaves.upper_size)
    low, high = _is_revision_size(leaves.lower_size), _is_revision_size(leaves.upper_size)
    wrong = low[page] & _less(main, sub, lower[page], lower_sub[page])
    wrong |= high[page] & ~_less(main, sub, upper[page], upper_sub[page])
    wrong[1:] |= (page[1:] == page[:-1]) & ~_less(main[:-1], sub[:-1], main[1:], sub[1:])
    return wrong & named


def _less(main: I64, sub: I64, than_main: I64, than_sub: I64) -> Mask:
    less: Mask = (main < than_main) | (main == than_main) & (sub < than_sub)
    return less


def _batch(file: FileBytes, elements: ElementRows) -> RecordBatch:
    main, sub = _numbers(file, elements.key_offset)
    return RecordBatch(
        main.astype(np.int64), sub.astype(np.int64), elements.key_size == TOMBSTONE_SIZE,
        elements.key_offset, elements.key_size, elements.value_offset, elements.value_size,
    )  # fmt: skip  # columns in the order of their declaration


def _in_order(records: RecordBatch) -> RecordBatch:
    """Return the records by revision; of those that claim the same one, the first."""
    ordered = records.take(np.lexsort((records.sub, records.main)))
    again = (ordered.main[1:] == ordered.main[:-1]) & (ordered.sub[1:] == ordered.sub[:-1])
    return ordered.take(np.concatenate([np.ones(min(len(ordered), 1), np.bool_), ~again]))
