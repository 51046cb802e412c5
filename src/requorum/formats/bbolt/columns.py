"""Pages and elements by the million, as numpy columns over the bytes of the whole file.

A row of `PageRows` is a page, a row of `ElementRows` an element; `take` picks rows. All offsets
are int64 and count from the start of the file, so that a page, an inline bucket and a key are
addressed alike.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE, FLAG_LEAF, KEY_SIZE_MAX
from requorum.formats.source import Source

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

NO_KEY = -1
"""The size of a key that is not there: no bound on this side."""

ELEMENTS_PER_CHUNK = 1 << 13
"""Keeps temporary columns in the processor's cache, and memory bounded for any file."""

TREE_OF_NAMES = -1
"""The tree whose keys are the names of the top-level buckets; these are numbered from 0."""

NESTED_TREE = -2
"""Any bucket within another one. etcd has none."""

_LOW_32 = np.uint64(0xFFFFFFFF)
_LOW_16 = np.uint64(0xFFFF)
_HALF = np.uint64(32)
_LOW_BYTES = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype="u8")


class FileBytes:
    """A whole file of at least 8 bytes, read by many offsets at once."""

    def __init__(self, source: Source) -> None:
        self.view = source.read(0, source.size)
        self.size = source.size
        # One u64 at every byte, overlapping: keys are packed without alignment.
        self._words: U64 = np.ndarray((self.size - 7,), dtype="<u8", buffer=self.view, strides=(1,))
        self._aligned: U64 = np.frombuffer(self.view, dtype="<u8", count=self.size // 8)
        self._bytes = np.frombuffer(self.view, dtype=np.uint8)

    def u64(self, offsets: I64) -> U64:
        """Return the little-endian words at `offsets`; each must end within the file."""
        return self._words[offsets]

    def u64_pairs(self, offsets: I64) -> tuple[U64, U64]:
        """Return two words next to each other, as a page header and an element are made of.

        Much quicker where all are aligned, as they are on every page but those in inline buckets.
        """
        if len(offsets) and int(np.bitwise_or.reduce(offsets)) & 7 == 0:
            index = offsets >> 3
            return self._aligned.take(index), self._aligned[1:].take(index)
        return self._words[offsets], self._words[offsets + 8]

    def u64_big_endian(self, offsets: I64) -> U64:
        """Return the big-endian words at `offsets`; each must end within the file."""
        return self._words[offsets].byteswap()

    def byte(self, offsets: I64) -> npt.NDArray[np.uint8]:
        """Return single bytes; each must lie within the file."""
        return self._bytes.take(offsets)

    def word(self, offsets: I64, sizes: I64) -> U64:
        """Return the first 8 bytes of some ranges as little-endian numbers.

        Bytes past a range's end are zero; a size of 0 or less gives 0, wherever its offset is.
        """
        words = self._any_words(offsets)
        if len(sizes) and int(sizes.min()) < 8:
            words &= _LOW_BYTES.take(sizes, mode="clip")
        return words

    def key_block(self, offsets: I64, sizes: I64) -> U64:
        """Return the first 8 bytes of keys as numbers that sort as the bytes do.

        Bytes past a key's end are zero; a size of 0 or less gives 0, wherever its offset is.
        """
        return self.word(offsets, sizes).byteswap(inplace=True)

    def place(self, view: memoryview) -> int:
        """Return the offset of a view that was cut out of `self.view`, 0 for an empty one."""
        if not len(view):
            return 0
        address: int = np.frombuffer(view, dtype=np.uint8).ctypes.data
        return address - self._bytes.ctypes.data

    def _any_words(self, offsets: I64) -> U64:
        """Return the words at `offsets`; what lies behind the file's end is zero."""
        last = self.size - 8
        if not len(offsets) or int(offsets.max()) <= last:
            return self._words[offsets]
        lost = np.clip(offsets - last, 0, 7).astype(np.uint64)
        return self._words[np.minimum(offsets, last)] >> (lost * np.uint64(8))


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of equal length."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, which: Mask | I64 | slice) -> Self:
        """Return the rows that a mask, an index or a slice names."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts in order; at least one part."""
        columns: list[npt.NDArray[Any]] = [
            np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)
        ]
        return cls(*columns)


@dataclass(frozen=True, slots=True)
class References(Rows):
    """Branch elements and bucket headers that point to pages.

    Keys of the page must be >= lower and < upper; `tree` is the top-level bucket that it belongs
    to, `TREE_OF_NAMES` or `NESTED_TREE`.
    """

    pgid: U64
    from_page: I64
    from_offset: I64
    lower_offset: I64
    lower_size: I64
    upper_offset: I64
    upper_size: I64
    tree: I64


@dataclass(frozen=True, slots=True)
class PageRows(Rows):
    """Branches and leaves whose header is sound and whose element array fits into `span` bytes."""

    pgid: I64
    start: I64
    span: I64
    count: I64
    is_leaf: Mask
    lower_offset: I64
    lower_size: I64
    upper_offset: I64
    upper_size: I64
    tree: I64

    def chunks(self) -> Iterator[Self]:
        """Yield the pages in order, about `ELEMENTS_PER_CHUNK` elements at a time."""
        if not len(self):
            return
        numbers = np.cumsum(self.count) // ELEMENTS_PER_CHUNK
        edges = np.flatnonzero(np.diff(numbers)) + 1
        bounds = [0, *edges.tolist(), len(self)]
        for begin, end in itertools.pairwise(bounds):
            yield self.take(slice(begin, end))


@dataclass(frozen=True, slots=True)
class ElementRows(Rows):
    """Elements of some pages, in order. `page` is the row of the page in its `PageRows`.

    `word` is a leaf element's flags or a branch element's child. Where `sound` is false, sizes
    and offsets must not be followed.
    """

    page: I64
    offset: I64
    word: U64
    key_offset: I64
    key_size: I64
    value_offset: I64
    value_size: I64
    sound: Mask


@dataclass(frozen=True, slots=True)
class HeaderRows(Rows):
    """Page headers as they stand in the file, believed by nobody yet."""

    id: U64
    flags: I64
    count: I64
    overflow: I64


def read_headers(file: FileBytes, starts: I64) -> HeaderRows:
    """Return the headers at `starts`; each must end within the file."""
    first, second = file.u64_pairs(starts)
    return HeaderRows(
        first,
        (second & _LOW_16).astype(np.int64),
        ((second >> np.uint64(16)) & _LOW_16).astype(np.int64),
        (second >> _HALF).astype(np.int64),
    )


def leaf_elements(file: FileBytes, pages: PageRows, log: DamageLog) -> ElementRows:
    """Return the elements of leaf pages, with damage noted."""
    page, offset = _explode(pages)
    first, second = file.u64_pairs(offset)
    key_offset = offset + _signed(first >> _HALF)
    key_size = _signed(second & _LOW_32)
    value_size = _signed(second >> _HALF)
    elements = _believed(page, offset, first & _LOW_32, (key_offset, key_size, value_size))
    return elements if _packed_within(pages, elements) else _judged(pages, elements, log)


def branch_elements(file: FileBytes, pages: PageRows, log: DamageLog) -> ElementRows:
    """Return the elements of branch pages, with damage noted. They have no values."""
    page, offset = _explode(pages)
    first, child = file.u64_pairs(offset)
    key_offset = offset + _signed(first & _LOW_32)
    key_size = _signed(first >> _HALF)
    none = np.zeros_like(key_size)
    return _judged(pages, _believed(page, offset, child, (key_offset, key_size, none)), log)


def _signed(small: U64) -> I64:
    """Return numbers of at most 63 bits as they are, without a copy."""
    return small.view(np.int64)


def _believed(page: I64, offset: I64, word: U64, place: tuple[I64, I64, I64]) -> ElementRows:
    key_offset, key_size, value_size = place
    sound = np.ones(len(page), dtype=np.bool_)
    value_offset = key_offset + key_size
    return ElementRows(page, offset, word, key_offset, key_size, value_offset, value_size, sound)


def _explode(pages: PageRows) -> tuple[I64, I64]:
    """Return for each element its page's row and its own offset."""
    page = np.repeat(np.arange(len(pages)), pages.count)
    before = np.cumsum(pages.count) - pages.count
    offset = np.repeat(pages.start + PAGE_HEADER_SIZE - ELEMENT_SIZE * before, pages.count)
    offset += np.arange(0, ELEMENT_SIZE * len(offset), ELEMENT_SIZE)
    return page, offset


def _packed_within(pages: PageRows, elements: ElementRows) -> bool:
    """Return whether they lie one behind the other within their pages, as bbolt packs them.

    All are sound then: this is the quick way to find that nothing is wrong.
    """
    if not len(elements):
        return True
    filled = pages.count > 0
    lasts = (np.cumsum(pages.count) - 1)[filled]
    firsts = lasts - pages.count[filled] + 1
    end = elements.value_offset + elements.value_size
    packed = elements.key_offset[1:] == end[:-1]
    packed[lasts[:-1]] = True
    data_begin = (pages.start + PAGE_HEADER_SIZE + ELEMENT_SIZE * pages.count)[filled]
    return bool(
        packed.all()
        and (elements.key_offset[firsts] >= data_begin).all()
        and (end[lasts] <= (pages.start + pages.span)[filled]).all()
        and int(elements.key_size.min()) > 0
        and int(elements.key_size.max()) <= KEY_SIZE_MAX
    )


def _judged(pages: PageRows, elements: ElementRows, log: DamageLog) -> ElementRows:
    """Return the elements with `sound` set to what they deserve."""
    data_begin = pages.start + PAGE_HEADER_SIZE + ELEMENT_SIZE * pages.count
    outside = elements.key_offset < np.repeat(data_begin, pages.count)
    end = elements.value_offset + elements.value_size
    outside |= end > np.repeat(pages.start + pages.span, pages.count)
    empty = ~outside & (elements.key_size == 0)
    note_elements(pages, elements, outside, "data does not lie within its page", log)
    long = ~outside & (elements.key_size > KEY_SIZE_MAX)
    note_elements(pages, elements, empty, "zero-length key", log)
    note_elements(pages, elements, long, f"key of more than {KEY_SIZE_MAX} bytes", log)
    sound = ~(outside | empty | long)
    crowded = _crowded(pages, np.where(sound, end - elements.key_offset, 0), log)
    return replace(elements, sound=sound & ~crowded[elements.page])


def _crowded(pages: PageRows, sizes: I64, log: DamageLog) -> Mask:
    """Return the pages whose elements cannot all have bytes of their own.

    Without this, a crafted file could have us compare the same long key a million times.
    """
    total = np.concatenate([[0], np.cumsum(sizes)])
    ends = np.cumsum(pages.count)
    used = total[ends] - total[ends - pages.count]
    crowded: Mask = used > pages.span - PAGE_HEADER_SIZE - ELEMENT_SIZE * pages.count
    log.add_rows(pages.pgid[crowded], pages.start[crowded], "elements overlap")
    return crowded


def note_elements(
    pages: PageRows, elements: ElementRows, bad: Mask, what: str, log: DamageLog
) -> None:
    """Note the elements that a mask names; `{}` in `what` becomes the element's word."""
    if bad.any():
        rows = elements.take(bad)
        log.add_rows(pages.pgid[rows.page], rows.offset, what, rows.word)


def inline_pages(
    file: FileBytes, pages: PageRows, buckets: ElementRows, trees: I64, log: DamageLog
) -> PageRows:
    """Return the leaves within inline buckets, whose values `buckets` are long enough for one."""
    start = buckets.value_offset + PAGE_HEADER_SIZE
    span = buckets.value_size - PAGE_HEADER_SIZE
    headers = read_headers(file, start)
    where = pages.pgid[buckets.page]
    fits = PAGE_HEADER_SIZE + ELEMENT_SIZE * headers.count <= span
    plain = (headers.flags == FLAG_LEAF) & (headers.id == 0) & (headers.overflow == 0)
    bad = ~(fits & plain)
    log.add_rows(where[bad], start[bad], "inline bucket is not a leaf page")
    none = np.full(len(start), NO_KEY, dtype=np.int64)
    rows = PageRows(where, start, span, headers.count, ~bad, none, none, none, none, trees)
    return rows.take(~bad)
