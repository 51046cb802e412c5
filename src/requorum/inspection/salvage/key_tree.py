"""All records below one root of the bucket `key`, in order, with the gaps between them."""

from dataclasses import dataclass, replace

import numpy as np

from requorum.formats.bbolt.columns import I64, NO_KEY, U64, Mask, PageRows
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE
from requorum.inspection.salvage.bucket_tree import TreeLeaves, tree_leaves
from requorum.inspection.salvage.damaged_leaf import longest_ascending
from requorum.inspection.salvage.key_leaves import KeyLeaves, RecordRows, read_key_leaves
from requorum.inspection.salvage.page_map import PageMap, Reached
from requorum.inspection.salvage.small_buckets import BucketRoot

DAMAGES_MAX = 1000


@dataclass(frozen=True, slots=True)
class KeyTree:
    """Rows ascend. `damages` are (page number, what is wrong), the first thousand."""

    rows: RecordRows
    gap_before: Mask
    gap_at_end: bool
    damages: tuple[tuple[int, str], ...]


NO_ROWS = RecordRows(
    np.zeros(0, dtype=np.uint64),
    np.zeros(0, dtype=np.bool_),
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int64),
)
LOST_TREE = KeyTree(NO_ROWS, np.zeros(0, dtype=np.bool_), gap_at_end=True, damages=())


def read_key_tree(pages: PageMap, root: BucketRoot, reached: Reached) -> KeyTree:
    """Read the tree, or the inline page, of the bucket `key`; mark the pages it takes."""
    if not root.page:
        return _inline(pages, root)
    found = tree_leaves(pages, root.page)
    numbers = np.array(found.numbers, dtype=np.int64)
    leaves = loose_leaves(pages, numbers)
    rooms = np.minimum(reached.rooms_between(numbers), rooms_at_home(pages, leaves))
    read = read_key_leaves(pages.file, leaves, rooms, pages.page_size)
    in_order = _in_order(found, read, len(leaves))
    for number, used in found.branches.items() if in_order.any() else ():
        reached.add(number, used)
    reached.add_all(numbers[in_order], read.used[in_order])
    tree = _joined(found, read, in_order)
    alone = len(numbers) == 1 and not found.branches
    return _empty_if_sound(tree, pages, root.page * pages.page_size) if alone else tree


def loose_leaves(pages: PageMap, numbers: I64) -> PageRows:
    """Return pages as leaves, whatever their headers say, cut to what the file has.

    What a disk put in the wrong place is one physical page: what follows there is another's.
    """
    start = numbers * pages.page_size
    headers = pages.headers(numbers)
    overflow = np.where(headers.id == numbers.astype(np.uint64), headers.overflow, 0)
    span = np.minimum((overflow + 1) * pages.page_size, pages.file.size - start)
    count = np.minimum(headers.count, np.maximum(span - PAGE_HEADER_SIZE, 0) // ELEMENT_SIZE)
    return _page_rows(numbers, start, span, count)


def rooms_at_home(pages: PageMap, leaves: PageRows) -> I64:
    """Return how many bytes leaves may have at most: one page where it names another number."""
    headers = pages.headers(leaves.pgid)
    strange = (headers.id != leaves.pgid.astype(np.uint64)) & (headers.id < np.uint64(pages.count))
    strange &= headers.id > 1
    left = pages.file.size - leaves.start
    rooms: I64 = np.where(strange, np.minimum(left, pages.page_size), left)
    return rooms


def _page_rows(number: I64, start: I64, span: I64, count: I64) -> PageRows:
    none = np.full(len(number), NO_KEY, dtype=np.int64)
    leaf = np.ones(len(number), dtype=np.bool_)
    return PageRows(number, start, span, count, leaf, none, none, none, none, none)


def _inline(pages: PageMap, root: BucketRoot) -> KeyTree:
    one = np.ones(1, dtype=np.int64)
    start, span = one * root.inline_offset, one * root.inline_size
    end = root.inline_offset + root.inline_size
    if root.inline_size < PAGE_HEADER_SIZE or end > pages.file.size:
        return LOST_TREE
    header = pages.file.view[root.inline_offset : root.inline_offset + PAGE_HEADER_SIZE]
    said = int.from_bytes(header[10:12], "little")
    count = np.minimum(one * said, (span - PAGE_HEADER_SIZE) // ELEMENT_SIZE)
    found = TreeLeaves(numbers=[0], lost_before=[False], fits=[True])
    read = read_key_leaves(
        pages.file, _page_rows(one * 0, start, span, count), span, root.inline_size
    )
    tree = _joined(found, read, np.ones(1, dtype=np.bool_))
    return _empty_if_sound(tree, pages, root.inline_offset)


def _empty_if_sound(tree: KeyTree, pages: PageMap, start: int) -> KeyTree:
    """Return a tree that has no rows as an empty one, where its page says that it has none."""
    header = pages.file.view[start : start + PAGE_HEADER_SIZE]
    empty = header[8] == 2 and int.from_bytes(header[10:12], "little") == 0
    return replace(tree, gap_at_end=False, damages=()) if empty and not len(tree.rows) else tree


def _in_order(found: TreeLeaves, read: KeyLeaves, count: int) -> Mask:
    """Return which leaves are where they belong: each behind all those before it.

    A child number that was damaged may lead to a leaf from elsewhere. Those whose parent names
    another key give way first.
    """
    kept = np.zeros(count, dtype=np.bool_)
    kept[read.page] = True
    first = np.zeros(count, dtype=np.uint64)
    last = np.zeros(count, dtype=np.uint64)
    last[read.page] = read.rows.place
    first[read.page[::-1]] = read.rows.place[::-1]
    fits = np.array(found.fits, dtype=np.bool_)
    if _clashing(first, last, kept).any():
        kept &= fits | ~_clashing(first, last, kept)
    if _clashing(first, last, kept).any():
        rows = np.flatnonzero(kept)
        kept[:] = False
        kept[rows[longest_ascending(first[rows].tolist())]] = True
        kept &= ~_clashing(first, last, kept)
    return kept


def _clashing(first: U64, last: U64, kept: Mask) -> Mask:
    """Return the kept leaves that do not lie before the next, or behind the one before."""
    rows = np.flatnonzero(kept)
    bad = last[rows[:-1]] >= first[rows[1:]]
    clashing = np.zeros(len(kept), dtype=np.bool_)
    clashing[rows[:-1][bad]] = True
    clashing[rows[1:][bad]] = True
    return clashing


def _joined(found: TreeLeaves, read: KeyLeaves, in_order: Mask) -> KeyTree:
    """Return the rows of the leaves that are in order, with the gaps that there are between."""
    kept = in_order[read.page]
    rows, page = read.rows.take(kept), read.page[kept]
    gap = read.gap_before[kept]
    # An odd page out: nobody knows on which side of it records are lost. Where a page is damaged
    # it says itself where; its first key may be what does not agree with its parent.
    unsure = ~in_order | (~np.array(found.fits, dtype=np.bool_) & ~read.damaged)
    events = np.array(found.lost_before, dtype=np.int64) + unsure
    events[1:] += (read.gap_at_end | unsure)[:-1]
    passed = np.cumsum(events)
    first = np.append(True, page[1:] != page[:-1])[: len(page)]
    before = np.append(0, passed[page[:-1]])[: len(page)]
    gap |= first & (passed[page] > before)
    final = int(passed[-1]) if len(passed) else 0
    at_last = int(passed[page[-1]]) if len(page) else 0
    ended = bool(len(in_order)) and bool((read.gap_at_end | unsure)[-1])
    return KeyTree(
        rows, gap, found.lost_at_end or ended or final > at_last,
        tuple(_damages(found, read, in_order)[:DAMAGES_MAX]),
    )  # fmt: skip  # the last two belong together


def _damages(found: TreeLeaves, read: KeyLeaves, in_order: Mask) -> list[tuple[int, str]]:
    odd = np.flatnonzero(read.damaged).tolist()
    strange = np.flatnonzero(~in_order & ~read.damaged).tolist()
    damages = set(found.damages)
    damages |= {(found.numbers[row], "records on it are damaged") for row in odd}
    damages |= {(found.numbers[row], "its parent has it in the wrong place") for row in strange}
    return sorted(damages)
