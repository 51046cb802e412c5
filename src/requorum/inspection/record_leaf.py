"""Whether a file still has pages with records, wherever its trees begin."""

import numpy as np

from requorum.formats.bbolt.columns import FileBytes, read_headers
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE, FLAG_LEAF
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.formats.source import Source

_PAGES_AT_ONCE = 1 << 16
_PAGES_MAX = 1 << 24
"""64 GiB of pages. What lies further is the hole of a file that claims terabytes."""

_LEAST_SIZE = PAGE_HEADER_SIZE + ELEMENT_SIZE + TOMBSTONE_SIZE


def has_record_leaf(source: Source, page_size: int) -> bool:
    """Return whether there is a leaf at its own place whose first key looks like a revision.

    A value may hold such a page too; what can be believed of it is for the salvage to tell.
    """
    if source.size < page_size:
        return False
    file = FileBytes(source)
    pages = min((file.size - _LEAST_SIZE) // page_size + 1, _PAGES_MAX)
    return any(
        _has_record_leaf(file, page_size, first, min(first + _PAGES_AT_ONCE, pages))
        for first in range(0, pages, _PAGES_AT_ONCE)
    )


def _has_record_leaf(file: FileBytes, page_size: int, first: int, end: int) -> bool:
    number = np.arange(first, end, dtype=np.int64)
    headers = read_headers(file, number * page_size)
    leaf = (headers.flags == FLAG_LEAF) & (headers.count > 0)
    element = number[leaf & (headers.id == number.astype(np.uint64))] * page_size + PAGE_HEADER_SIZE
    first_word, second = file.u64_pairs(element)
    key = element + (first_word >> np.uint64(32)).view(np.int64)
    size = (second & np.uint64(0xFFFFFFFF)).view(np.int64)
    fits = (key + TOMBSTONE_SIZE <= file.size) & np.isin(size, [REVISION_SIZE, TOMBSTONE_SIZE])
    return bool((file.byte(key[fits] + 8) == ord("_")).any())
