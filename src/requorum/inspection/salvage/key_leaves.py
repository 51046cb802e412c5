"""The records of many leaves of the bucket `key`: in columns where a page is as bbolt writes it.

Each page says everything twice: its first element's position is its number of elements, each
element begins where the one before it ends, a put's message repeats its revision. Pages where that
does not agree are read one by one, record by record.
"""

from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import (
    I64,
    U64,
    ElementRows,
    FileBytes,
    Mask,
    PageRows,
    Rows,
    leaf_elements,
)
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE
from requorum.formats.kv_columns import kv_columns
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.formats.records import RecordBatch
from requorum.inspection.salvage.damaged_leaf import FoundLeaf, read_damaged_leaf
from requorum.inspection.salvage.places import in_reach, places

_EIGHT = 8
_SEPARATOR, _MARK = ord("_"), ord("t")


@dataclass(frozen=True, slots=True)
class RecordRows(Rows):
    """Records that prove themselves; offsets are those of the file."""

    place: U64
    tombstone: Mask
    value_offset: I64
    value_size: I64


@dataclass(frozen=True, slots=True)
class KeyLeaves:
    """The records of some leaves, in the order of the leaves.

    `page` is each record's row among the leaves. `gap_before`: records may be missing between the
    one before it on its page, or the page's beginning, and it. Per leaf: `gap_at_end`, whether
    records may be missing behind its last one (or at all, where it has none); `used`, how many
    bytes it really has; `damaged`, whether anything about it is wrong.
    """

    rows: RecordRows
    page: I64
    gap_before: Mask
    gap_at_end: Mask
    used: I64
    damaged: Mask


def read_key_leaves(file: FileBytes, leaves: PageRows, rooms: I64, page_size: int) -> KeyLeaves:
    """Read the leaves; `rooms` is how many bytes each may have at most where it is damaged."""
    # The first part is empty: there may be no leaf at all.
    parts, begin = [_read_chunk(file, leaves.take(slice(0)), rooms[:0], page_size)], 0
    for chunk in leaves.chunks():
        room = rooms[begin : begin + len(chunk)]
        parts.append(_shifted(_read_chunk(file, chunk, room, page_size), begin))
        begin += len(chunk)
    return KeyLeaves(
        rows=RecordRows.concatenate([p.rows for p in parts]),
        page=np.concatenate([p.page for p in parts]),
        gap_before=np.concatenate([p.gap_before for p in parts]),
        gap_at_end=np.concatenate([p.gap_at_end for p in parts]),
        used=np.concatenate([p.used for p in parts]),
        damaged=np.concatenate([p.damaged for p in parts]),
    )


def _shifted(leaves: KeyLeaves, by: int) -> KeyLeaves:
    return KeyLeaves(
        leaves.rows, leaves.page + by, leaves.gap_before,
        leaves.gap_at_end, leaves.used, leaves.damaged,
    )  # fmt: skip  # in the order of their declaration


def _read_chunk(file: FileBytes, leaves: PageRows, rooms: I64, page_size: int) -> KeyLeaves:
    elements = leaf_elements(file, leaves, DamageLog())
    rows, fine = _records(file, elements)
    odd = _odd_pages(leaves, elements, fine, rows)
    kept = ~odd[elements.page]
    used = _used_bytes(leaves, elements)
    sound = _Sound(rows.take(kept), elements.page[kept], used)
    return _with_damaged(file, leaves, np.flatnonzero(odd), sound, rooms=rooms, page_size=page_size)


def _records(file: FileBytes, elements: ElementRows) -> tuple[RecordRows, Mask]:
    """Return a row for each element, and which of them are records that prove themselves."""
    fine = elements.sound & (elements.word == 0)
    size = elements.key_size
    fine &= (size == REVISION_SIZE) | (size == TOMBSTONE_SIZE)
    # Rows that cannot be followed are read at byte 0, and not believed.
    at = np.where(fine, elements.key_offset, 0)
    tombstone = fine & (size == TOMBSTONE_SIZE)
    eight = np.full(len(at), _EIGHT, dtype=np.int64)
    main, sub = file.key_block(at, eight), file.key_block(at + 9, eight)
    fine &= (_byte(file, at + 8) == _SEPARATOR) & in_reach(main, sub)
    fine &= ~tombstone | (_byte(file, at + REVISION_SIZE) == _MARK)
    value_offset = np.where(fine, elements.value_offset, 0)
    value_size = np.where(fine, elements.value_size, 0)
    rows = RecordRows(places(main, sub), tombstone, value_offset, value_size)
    fine[fine] = _agree(file, elements, rows, main, fine)
    return rows, fine


def _agree(file: FileBytes, elements: ElementRows, rows: RecordRows, main: U64, fine: Mask) -> Mask:
    """Return which of the `fine` rows have a value that etcd can have written; see `agrees`."""
    number = main[fine].astype(np.int64)
    tombstone = rows.tombstone[fine]
    batch = RecordBatch(
        number, np.zeros_like(number), tombstone, elements.key_offset[fine],
        elements.key_size[fine], rows.value_offset[fine], rows.value_size[fine],
    )  # fmt: skip  # in the order of their declaration
    kv = kv_columns(file, batch)
    named = ~kv.malformed & (kv.key_size > 0)
    numbers = (kv.create_revision | kv.mod_revision | kv.version | kv.lease) != 0
    bare = named & ~numbers & (kv.value_size == 0)
    put = named & (kv.mod_revision == number)
    put &= (kv.create_revision >= 1) & (kv.create_revision <= number)
    put &= (kv.version >= 1) & (kv.version <= number - kv.create_revision + 1)
    agreeing: Mask = np.where(tombstone, bare, put | (batch.value_size == 0))
    return agreeing


def _byte(file: FileBytes, offsets: I64) -> I64:
    one = np.ones(len(offsets), dtype=np.int64)
    return file.word(offsets, one).astype(np.int64)


def _odd_pages(leaves: PageRows, elements: ElementRows, fine: Mask, rows: RecordRows) -> Mask:
    """Return the pages that are not in every respect as bbolt writes them."""
    odd = np.zeros(len(leaves), dtype=np.bool_)
    odd[leaves.count == 0] = True
    odd[elements.page[~fine]] = True
    page = elements.page
    first = np.append(True, page[1:] != page[:-1])[: len(page)]
    data = (leaves.start + PAGE_HEADER_SIZE + ELEMENT_SIZE * leaves.count)[page]
    odd[page[first & (elements.key_offset != data)]] = True
    ends = elements.value_offset + elements.value_size
    follows = ~first[1:]
    torn = follows & (elements.key_offset[1:] != ends[:-1])
    torn |= follows & (rows.place[1:] <= rows.place[:-1])
    odd[page[1:][torn]] = True
    return odd


def _used_bytes(leaves: PageRows, elements: ElementRows) -> I64:
    """Return how many bytes each page has; meaningless for odd ones."""
    used = np.full(len(leaves), PAGE_HEADER_SIZE, dtype=np.int64)
    ends = elements.value_offset + elements.value_size - leaves.start[elements.page]
    used[elements.page] = ends  # of a page's elements the last one counts
    return used


@dataclass(frozen=True, slots=True)
class _Sound:
    """The rows of sound pages, and how many bytes each page uses."""

    rows: RecordRows
    page: I64
    used: I64


def _with_damaged(
    file: FileBytes, leaves: PageRows, odd: I64, sound: _Sound, *, rooms: I64, page_size: int
) -> KeyLeaves:
    """Read the odd pages one by one, and put their records where they belong."""
    gap_at_end = np.zeros(len(leaves), dtype=np.bool_)
    damaged = np.zeros(len(leaves), dtype=np.bool_)
    damaged[odd] = True
    parts, pages = [sound.rows], [sound.page]
    gaps = [np.zeros(len(sound.rows), dtype=np.bool_)]
    for row in odd.tolist():
        start = int(leaves.start[row])
        room = min(int(rooms[row]), file.size - start)
        found = read_damaged_leaf(file.view, start, room, page_size)
        gap_at_end[row] = found.gap_at_end
        sound.used[row] = max(found.end - start, PAGE_HEADER_SIZE)
        parts.append(_columns(found))
        pages.append(np.full(len(found.records), row, dtype=np.int64))
        gaps.append(np.array(found.gap_before, dtype=np.bool_))
    all_pages = np.concatenate(pages)
    order = np.argsort(all_pages, kind="stable")
    return KeyLeaves(
        rows=RecordRows.concatenate(parts).take(order),
        page=all_pages[order],
        gap_before=np.concatenate(gaps)[order],
        gap_at_end=gap_at_end,
        used=sound.used,
        damaged=damaged,
    )


def _columns(found: FoundLeaf) -> RecordRows:
    records = found.records
    return RecordRows(
        np.array([r.place for r in records], dtype=np.uint64),
        np.array([r.tombstone for r in records], dtype=np.bool_),
        np.array([r.value_offset for r in records], dtype=np.int64),
        np.array([r.end - r.value_offset for r in records], dtype=np.int64),
    )
