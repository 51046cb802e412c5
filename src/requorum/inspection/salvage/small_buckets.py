"""Buckets other than `key`: rows of plain bytes, each believed where its page vouches for it."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import (
    BUCKET_HEADER_SIZE,
    ELEMENT_SIZE,
    KEY_SIZE_MAX,
    LEAF_FLAG_BUCKET,
)
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.inspection.salvage.bucket_tree import tree_leaves
from requorum.inspection.salvage.page_map import PageMap, Reached

_HEADER = struct.Struct("<QHHI")
_ELEMENT = struct.Struct("<IIII")
_BUCKET_HEADER = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; offsets count from the start of the file."""

    key: bytes
    value_offset: int
    value_size: int


@dataclass(frozen=True, slots=True)
class BucketRoot:
    """Where a bucket begins: its root page, or the inline page at `inline_offset`."""

    page: int
    inline_offset: int
    inline_size: int


@dataclass(frozen=True, slots=True)
class SmallBucket:
    """What is left of a bucket. `whole`: its tree was read without a gap."""

    rows: dict[bytes, bytes]
    whole: bool


LOST_BUCKET = SmallBucket({}, whole=False)


def bucket_roots(
    pages: PageMap, root: int, reached: Reached
) -> tuple[dict[bytes, BucketRoot], bool]:
    """Return where the top-level buckets begin, by name, and whether none can be missing."""
    roots = {}
    rows, whole = _tree_rows(pages, root, LEAF_FLAG_BUCKET, reached)
    for row in rows:
        if row.value_size < BUCKET_HEADER_SIZE:
            whole = False
            continue
        page, _sequence = _BUCKET_HEADER.unpack_from(pages.file.view, row.value_offset)
        inline = row.value_offset + BUCKET_HEADER_SIZE
        roots[row.key] = BucketRoot(page, inline, row.value_size - BUCKET_HEADER_SIZE)
    return roots, whole


def read_small_bucket(pages: PageMap, root: BucketRoot, reached: Reached) -> SmallBucket:
    """Return the rows of a bucket, wherever they lie."""
    if root.page:
        rows, whole = _tree_rows(pages, root.page, 0, reached)
    else:
        rows, whole = leaf_rows(pages.file.view, root.inline_offset, root.inline_size, 0)
    view = pages.file.view
    values = {
        row.key: bytes(view[row.value_offset : row.value_offset + row.value_size]) for row in rows
    }
    return SmallBucket(values, whole)


def _tree_rows(pages: PageMap, root: int, flags: int, reached: Reached) -> tuple[list[Row], bool]:
    found = tree_leaves(pages, root)
    whole = not found.lost_at_end and not any(found.lost_before) and not found.damages
    taken = np.array(found.numbers, dtype=np.int64)
    rooms = reached.rooms_between(taken)
    rows: list[Row] = []
    for number, room in zip(found.numbers, rooms.tolist(), strict=True):
        start = number * pages.page_size
        left = pages.file.size - start
        found_rows, all_of_it = leaf_rows(pages.file.view, start, min(room, left), flags)
        some = [row for row in found_rows if not _is_of_a_record(row.key)]
        whole = whole and all_of_it and len(some) == len(found_rows)
        rows += some
        if some:
            # What holds none of this bucket's rows may be something else.
            end = some[-1].value_offset + some[-1].value_size
            reached.add(number, end - start)
    for number, used in found.branches.items() if rows else ():
        reached.add(number, used)
    ascending = all(a.key < b.key for a, b in pairwise(rows))
    return rows, whole and ascending


def _is_of_a_record(key: bytes) -> bool:
    """Return whether a key is a revision: then its page belongs to the bucket `key`."""
    return len(key) in (REVISION_SIZE, TOMBSTONE_SIZE) and key[8:14] == b"_\0\0\0\0\0"


def leaf_rows(view: memoryview, start: int, room: int, flags: int) -> tuple[list[Row], bool]:
    """Return one leaf's rows whose elements carry `flags`, and whether all of them are there."""
    if room < PAGE_HEADER_SIZE or start + room > len(view):
        return [], False
    count = _HEADER.unpack_from(view, start)[2]
    count = min(count, (room - PAGE_HEADER_SIZE) // ELEMENT_SIZE)
    spans = list(_spans(view, start, room, count, flags))
    data = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * count
    begins = [span[0] if span else None for span in spans]
    ends = [span[2] if span else None for span in spans]
    # bbolt leaves no room between rows: one that touches neither neighbour is somewhere else.
    rows = [
        Row(bytes(view[span[0] : span[1]]), span[1], span[2] - span[1])
        for index, span in enumerate(spans)
        if span and _touches(index, begins, ends, data)
    ]
    packed = [*begins[:1], *begins[1:]] == [data, *ends[:-1]][: len(begins)]
    ascending = all(a.key < b.key for a, b in pairwise(rows))
    return rows, len(rows) == count and packed and ascending and _count_agrees(view, start, count)


def _count_agrees(view: memoryview, start: int, count: int) -> bool:
    if count == 0:
        return bool(_HEADER.unpack_from(view, start)[1])
    position = _ELEMENT.unpack_from(view, start + PAGE_HEADER_SIZE)[1]
    return bool(position == ELEMENT_SIZE * count)


def _spans(
    view: memoryview, start: int, room: int, count: int, flags: int
) -> Iterator[tuple[int, int, int] | None]:
    """Yield where each key begins, its value begins, and its value ends."""
    data = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * count
    for index in range(count):
        at = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * index
        flagged, position, key_size, value_size = _ELEMENT.unpack_from(view, at)
        key, end = at + position, at + position + key_size + value_size
        inside = data <= key and end <= start + room and 0 < key_size <= KEY_SIZE_MAX
        yield (key, key + key_size, end) if inside and flagged == flags else None


def _touches(
    index: int, begins: Sequence[int | None], ends: Sequence[int | None], data: int
) -> bool:
    before = data if index == 0 else ends[index - 1]
    after = begins[index + 1] if index + 1 < len(begins) else None
    alone = len(begins) == 1
    return alone or begins[index] == before or (after is not None and ends[index] == after)
