"""Single pages, read one at a time: header, elements, and nothing that lies outside of them.

Source: bbolt internal/common/page.go and inode.go. For millions of pages see `columns.py`.
"""

import struct
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta
from requorum.formats.source import Source

FLAG_BRANCH = 0x01
FLAG_LEAF = 0x02
FLAG_META = 0x04
FLAG_FREELIST = 0x10
ELEMENT_SIZE = 16
BUCKET_HEADER_SIZE = 16
KEY_SIZE_MAX = 32768
"""What bbolt accepts; longer ones are damage, and would be slow to compare."""
LEAF_FLAG_BUCKET = 0x01

_HEADER = struct.Struct("<QHHI")
_LEAF_ELEMENT = struct.Struct("<IIII")
_BRANCH_ELEMENT = struct.Struct("<IIQ")


@dataclass(frozen=True, slots=True)
class Header:
    """The 16 bytes before a page's elements; `overflow` counts the physical pages after it."""

    id: int
    flags: int
    count: int
    overflow: int


def read_header(source: Source, offset: int) -> Header:
    """Return the page header at a byte of the file."""
    return Header(*_HEADER.unpack(source.read(offset, PAGE_HEADER_SIZE)))


@dataclass(frozen=True, slots=True)
class LeafElement:
    """A key and its value, both already known to lie within the page. Offsets in the file."""

    flags: int
    key_offset: int
    key_size: int
    value_offset: int
    value_size: int

    @property
    def is_bucket(self) -> bool:
        """Return whether the value is a bucket."""
        return bool(self.flags & LEAF_FLAG_BUCKET)


@dataclass(frozen=True, slots=True)
class Page:
    """A branch or a leaf, or the leaf inside an inline bucket.

    `number` names the page it lives on, `start` the byte of its header, `span` how many bytes
    it and its overflow pages have. `head` is its beginning, at most one physical page: enough
    for keys and elements in nearly every case, and one read from afar.
    """

    source: Source
    number: int
    start: int
    span: int
    is_leaf: bool
    count: int
    head: memoryview

    def read(self, offset: int, length: int) -> memoryview:
        """Return bytes of the page by their offset in the file."""
        begin = offset - self.start
        if begin >= 0 and begin + length <= len(self.head):
            return self.head[begin : begin + length]
        return self.source.read(offset, length)

    def key(self, index: int) -> bytes:
        """Return the key of an element."""
        if self.is_leaf:
            element = self.leaf_element(index)
            return bytes(self.read(element.key_offset, element.key_size))
        at = self._element_offset(index)
        position, size, _ = _BRANCH_ELEMENT.unpack(self.read(at, ELEMENT_SIZE))
        self._check_data(at + position, size)
        return bytes(self.read(at + position, size))

    def child(self, index: int) -> int:
        """Return the page number that a branch element points to."""
        at = self._element_offset(index)
        child: int = _BRANCH_ELEMENT.unpack(self.read(at, ELEMENT_SIZE))[2]
        return child

    def leaf_element(self, index: int) -> LeafElement:
        """Return where a leaf element's key and value lie."""
        at = self._element_offset(index)
        flags, position, key_size, value_size = _LEAF_ELEMENT.unpack(self.read(at, ELEMENT_SIZE))
        self._check_data(at + position, key_size + value_size)
        return LeafElement(flags, at + position, key_size, at + position + key_size, value_size)

    def index_of(self, key: bytes) -> int:
        """Return the first element of a leaf whose key is not less; the child of a branch."""
        if self.is_leaf:
            return bisect_left(range(self.count), key, key=self.key)
        return max(bisect_right(range(self.count), key, key=self.key) - 1, 0)

    def damaged(self, what: str) -> DamagedInput:
        """Return the error for something wrong on this page."""
        return DamagedInput(f"database page {self.number} at byte {self.start}: {what}")

    def _element_offset(self, index: int) -> int:
        return self.start + PAGE_HEADER_SIZE + index * ELEMENT_SIZE

    def _check_data(self, offset: int, length: int) -> None:
        if offset < self._element_offset(self.count) or offset + length > self.start + self.span:
            raise self.damaged(f"data at byte {offset} does not lie within the page")


def read_page(source: Source, meta: Meta, number: int) -> Page:
    """Return a branch or leaf page; DamagedInput when it is anything else."""
    if not 2 <= number < meta.high_water_mark:
        raise DamagedInput(f"database page {number} lies outside of the {meta.high_water_mark}")
    start = number * meta.page_size
    _refuse_beyond_file(source, meta, start + meta.page_size)
    head = source.read(start, meta.page_size)
    header = Header(*_HEADER.unpack(head[:PAGE_HEADER_SIZE]))
    span = (header.overflow + 1) * meta.page_size
    if number + header.overflow >= meta.high_water_mark:
        raise DamagedInput(
            f"database page {number} at byte {start}: {header.overflow} overflow pages do not fit"
        )
    _refuse_beyond_file(source, meta, start + span)
    if header.id != number:
        raise DamagedInput(f"database page {number} at byte {start} says that it is {header.id}")
    return _checked_page(source, head, header, number=number, start=start, span=span)


def _refuse_beyond_file(source: Source, meta: Meta, end: int) -> None:
    """Raise DamagedInput where a page below the high water mark ends behind the file."""
    cut = meta.cut_at(source.size)
    if cut is not None and end > source.size:
        raise DamagedInput(cut)


def read_inline_page(source: Source, meta: Meta, number: int, offset: int, size: int) -> Page:
    """Return the leaf inside an inline bucket, whose value has `size` bytes at `offset`."""
    start, span = offset + BUCKET_HEADER_SIZE, size - BUCKET_HEADER_SIZE
    if span < PAGE_HEADER_SIZE:
        raise DamagedInput(f"database page {number}: inline bucket at byte {offset} is too short")
    head = source.read(start, min(span, meta.page_size))
    header = Header(*_HEADER.unpack(head[:PAGE_HEADER_SIZE]))
    page = _checked_page(source, head, header, number=number, start=start, span=span)
    if not page.is_leaf:
        raise page.damaged("an inline bucket is not a leaf")
    return page


def _checked_page(
    source: Source, head: memoryview, header: Header, *, number: int, start: int, span: int
) -> Page:
    page = Page(source, number, start, span, header.flags == FLAG_LEAF, header.count, head)
    if header.flags not in (FLAG_BRANCH, FLAG_LEAF):
        raise page.damaged(f"neither a branch nor a leaf (flags {header.flags:#x})")
    if PAGE_HEADER_SIZE + header.count * ELEMENT_SIZE > span:
        raise page.damaged(f"{header.count} elements do not fit")
    if header.flags == FLAG_BRANCH and header.count == 0:
        raise page.damaged("a branch without elements")
    return page
