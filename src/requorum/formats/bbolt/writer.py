"""A new bbolt file, written from front to back: leaves first, then what leads to them.

Source: bbolt node.go (`write`, `splitIndex`, `rebalance`), bucket.go (`inlineable`), tx.go
(`WriteTo`, whose two meta pages these are). The freelist is not persisted, as etcd on Linux has it.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.bbolt.meta import (
    FREELIST_NOT_PERSISTED,
    MAGIC,
    PAGE_HEADER_SIZE,
    VERSION,
    fnv1a_64,
)
from requorum.formats.bbolt.page import (
    ELEMENT_SIZE,
    FLAG_BRANCH,
    FLAG_LEAF,
    FLAG_META,
    KEY_SIZE_MAX,
    LEAF_FLAG_BUCKET,
)

Write = Callable[[bytes | memoryview], object]
"""Takes the file's bytes in order. What it returns is not looked at."""

Entries = Iterable[tuple[bytes, bytes | memoryview]]
"""Keys, ascending and without repetition, and their values."""

PAGE_SIZE = 4096
VALUE_SIZE_MAX = (1 << 31) - 2

_KEYS_PER_PAGE_MIN = 2
"""A branch with one child makes bbolt panic when something below it is deleted."""
_KEYS_PER_PAGE_MAX = 0xFFFE
_TXID = 2
_META_PAGES = 2
_HEADER = struct.Struct("<QHHI")
_LEAF_ELEMENT = struct.Struct("<IIII")
_BRANCH_ELEMENT = struct.Struct("<IIQ")
_BUCKET_HEADER = struct.Struct("<QQ")
_META_BODY = struct.Struct("<IIIIQQQQQ")


@dataclass(frozen=True, slots=True)
class Written:
    """What is left to do: put `head` over the first bytes of the file, once the rest is durable.

    Until then both meta pages are zero, and nobody takes the file for a database.
    """

    head: bytes
    page_count: int
    size: int


def write_database(
    write: Write, buckets: Iterable[tuple[bytes, Entries]], *, page_size: int = PAGE_SIZE
) -> Written:
    """Write all pages of a database, in order; the caller adds `Written.head` at the end.

    `buckets` are names, ascending, and what they hold. Values may be views of a mapped file.
    Memory: two pages per level of a tree, and one bucket's entry per bucket.

    Raises DamagedInput for what no bbolt file can hold: keys that are empty, too long or not
    greater than the one before, values of 2 GiB.
    """
    pages = _Pages(write, page_size)
    root = _Tree(pages, b"", LEAF_FLAG_BUCKET)
    for name, entries in buckets:
        root.add(name, _write_bucket(pages, name, entries))
    return pages.finish(root.finish())


def _write_bucket(pages: "_Pages", name: bytes, entries: Entries) -> bytes:
    """Write a bucket's tree; return its header, with all of it where it is small."""
    tree = _Tree(pages, name, 0)
    for key, value in entries:
        tree.add(key, value)
    small = tree.as_inline_page()
    if small is not None:
        return _BUCKET_HEADER.pack(0, 0) + small
    return _BUCKET_HEADER.pack(tree.finish(), 0)


@dataclass(frozen=True, slots=True)
class _Element:
    """A leaf's: `word` is its flags. A branch's: the child's page number, and no value."""

    key: bytes
    value: bytes | memoryview
    word: int

    @property
    def size(self) -> int:
        return ELEMENT_SIZE + len(self.key) + len(self.value)


class _Pages:
    """Numbers and writes pages."""

    def __init__(self, write: Write, page_size: int) -> None:
        self._write = write
        self.page_size = page_size
        self._next = _META_PAGES
        write(bytes(_META_PAGES * page_size))

    def add(self, flag: int, elements: list[_Element]) -> int:
        """Write a page with as many overflow pages as it needs; return its number."""
        number, size = self._next, _page_size(elements)
        span = -(-size // self.page_size)
        self._write(_HEADER.pack(number, flag, len(elements), span - 1))
        self._write(_element_array(flag, elements))
        for element in elements:
            self._write(element.key)
            self._write(element.value)
        self._write(bytes(span * self.page_size - size))
        self._next += span
        return number

    def finish(self, root: int) -> Written:
        metas = [self._meta(index, root) for index in range(_META_PAGES)]
        return Written(b"".join(metas), self._next, self._next * self.page_size)

    def _meta(self, index: int, root: int) -> bytes:
        # Transaction T lies on page T % 2, so that the next commit leaves the other one alone.
        body = _META_BODY.pack(
            MAGIC, VERSION, self.page_size, 0,
            root, 0, FREELIST_NOT_PERSISTED, self._next, _TXID - index,
        )  # fmt: skip  # in the order of the format
        page = _HEADER.pack(index, FLAG_META, 0, 0) + body + struct.pack("<Q", fnv1a_64(body))
        return page.ljust(self.page_size, b"\0")


class _Tree:
    """One tree, built from below. A page that is full goes out, and up as its first key.

    The name of the bucket is there for errors only.
    """

    def __init__(self, pages: _Pages, name: bytes, flags: int) -> None:
        self._pages = pages
        self._name = name
        self._flags = flags
        self._last_key = b""
        self._levels = [_Level(pages.page_size)]

    def add(self, key: bytes, value: bytes | memoryview) -> None:
        self._check(key, value)
        self._last_key = key
        self._add(0, _Element(key, value, self._flags))

    def as_inline_page(self) -> bytes | None:
        """Return the whole tree as a page within its parent's, None when it is too large."""
        leaf = self._levels[0].unwritten()
        if leaf is None or _page_size(leaf) > self._pages.page_size // 4:
            return None
        header = _HEADER.pack(0, FLAG_LEAF, len(leaf), 0)
        data = [part for element in leaf for part in (element.key, element.value)]
        return b"".join([header, _element_array(FLAG_LEAF, leaf), *data])

    def finish(self) -> int:
        """Write what is left; return the root's page number."""
        depth = 0
        while True:
            level = self._levels[depth]
            last = level.finish()
            if len(last) == 1 and not level.handed_out:
                return self._write(depth, last[0])
            for page in last:
                self._pass_up(depth, page)
            depth += 1

    def _add(self, depth: int, element: _Element) -> None:
        full = self._levels[depth].add(element)
        if full is not None:
            self._pass_up(depth, full)

    def _pass_up(self, depth: int, page: list[_Element]) -> None:
        number = self._write(depth, page)
        if depth + 1 == len(self._levels):
            self._levels.append(_Level(self._pages.page_size))
        self._add(depth + 1, _Element(page[0].key, b"", number))

    def _write(self, depth: int, page: list[_Element]) -> int:
        return self._pages.add(FLAG_BRANCH if depth else FLAG_LEAF, page)

    def _check(self, key: bytes, value: bytes | memoryview) -> None:
        if key <= self._last_key:
            what = "is empty" if not key else f"does not come after {self._last_key[:64]!r}"
        elif len(key) > KEY_SIZE_MAX:
            what = f"has {len(key)} bytes, {KEY_SIZE_MAX} are allowed"
        elif len(value) > VALUE_SIZE_MAX:
            what = f"has a value of {len(value)} bytes, {VALUE_SIZE_MAX} are allowed"
        else:
            return
        raise DamagedInput(f"bucket {self._name!r}: the key {key[:64]!r} {what}")


class _Level:
    """The pages of one depth. The last full one waits, so that none ends with too few keys."""

    def __init__(self, page_size: int) -> None:
        self._page_size = page_size
        self._waiting: list[_Element] = []
        self._open: list[_Element] = []
        self._open_size = PAGE_HEADER_SIZE
        self.handed_out = False

    def add(self, element: _Element) -> list[_Element] | None:
        """Take an element; return the page that need not wait any longer, if there is one."""
        full = None
        if self._is_full(element):
            full, self._waiting, self._open = self._waiting, self._open, []
            self._open_size = PAGE_HEADER_SIZE
        self._open.append(element)
        self._open_size += element.size
        self.handed_out = self.handed_out or bool(full)
        return full or None

    def unwritten(self) -> list[_Element] | None:
        """Return all elements while they are one page, None once they are more."""
        return None if self._waiting else self._open

    def finish(self) -> list[list[_Element]]:
        """Return the last page or the last two."""
        if not self._waiting:
            return [self._open]
        both = self._waiting + self._open
        if len(self._open) >= _KEYS_PER_PAGE_MIN:
            return [self._waiting, self._open]
        if len(both) < 2 * _KEYS_PER_PAGE_MIN:
            return [both]
        return [both[:-_KEYS_PER_PAGE_MIN], both[-_KEYS_PER_PAGE_MIN:]]

    def _is_full(self, element: _Element) -> bool:
        if len(self._open) < _KEYS_PER_PAGE_MIN:
            return False
        too_large = self._open_size + element.size > self._page_size
        return too_large or len(self._open) == _KEYS_PER_PAGE_MAX


def _page_size(elements: list[_Element]) -> int:
    return PAGE_HEADER_SIZE + sum(element.size for element in elements)


def _element_array(flag: int, elements: list[_Element]) -> bytes:
    """Return what precedes the keys: each element says how far its key is from itself."""
    array = bytearray()
    position = ELEMENT_SIZE * len(elements)
    for element in elements:
        key_size, value_size = len(element.key), len(element.value)
        if flag == FLAG_LEAF:
            array += _LEAF_ELEMENT.pack(element.word, position, key_size, value_size)
        else:
            array += _BRANCH_ELEMENT.pack(position, key_size, element.word)
        position += key_size + value_size - ELEMENT_SIZE
    return bytes(array)
