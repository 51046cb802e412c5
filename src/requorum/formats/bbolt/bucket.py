"""Buckets, read by key: a look-up costs one page per level, wherever the file is.

Source: bbolt bucket.go and cursor.go.
"""

import struct
from collections.abc import Iterator
from functools import cached_property

from requorum.errors import DamagedInput
from requorum.formats.bbolt.meta import Meta, read_metas
from requorum.formats.bbolt.page import (
    BUCKET_HEADER_SIZE,
    LeafElement,
    Page,
    read_inline_page,
    read_page,
)
from requorum.formats.source import Source

DEPTH_MAX = 64
"""Levels below a root. A real tree of a terabyte has fewer than ten."""

_BUCKET_HEADER = struct.Struct("<QQ")


class Database:
    """A bbolt file seen through one of its transactions: the current one unless told otherwise.

    Raises DamagedInput when neither meta page is valid.
    """

    def __init__(self, source: Source, meta: Meta | None = None) -> None:
        self.source = source
        self.meta = meta if meta is not None else read_metas(source).current

    def refuse_cut(self) -> None:
        """Raise DamagedInput where the file ends before its pages do, for who needs all of them."""
        cut = self.meta.cut_at(self.source.size)
        if cut is not None:
            raise DamagedInput(cut)

    def bucket(self, name: bytes) -> "Bucket | None":
        """Return a top-level bucket, None when there is none of that name."""
        element = self._root.find(name)
        if element is None:
            return None
        page, found = element
        if not found.is_bucket:
            raise page.damaged(f"{name!r} is not a bucket")
        return Bucket(self, self._bucket_root(page, found))

    def bucket_names(self) -> tuple[bytes, ...]:
        """Return the names of the top-level buckets in order."""
        return tuple(key for key, _ in self._root.items())

    def page(self, number: int) -> Page:
        """Return a branch or leaf page by its number."""
        return read_page(self.source, self.meta, number)

    @cached_property
    def _root(self) -> "Bucket":
        return Bucket(self, self.page(self.meta.root))

    def _bucket_root(self, page: Page, element: LeafElement) -> Page:
        if element.value_size < BUCKET_HEADER_SIZE:
            raise page.damaged("a bucket without a header")
        header = page.read(element.value_offset, BUCKET_HEADER_SIZE)
        root, _sequence = _BUCKET_HEADER.unpack(header)
        if root:
            return self.page(root)
        return read_inline_page(
            self.source, self.meta, page.number, element.value_offset, element.value_size
        )


class Bucket:
    """A sorted map of bytes to bytes. Values of nested buckets come as their raw bytes."""

    def __init__(self, database: Database, root: Page) -> None:
        self._database = database
        self.root = root

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None when the bucket has no such key."""
        found = self.find(key)
        if found is None:
            return None
        return _value(*found)

    def find(self, key: bytes) -> tuple[Page, LeafElement] | None:
        """Return the leaf and the element that hold a key."""
        leaf, index = self._leaf_for(key)
        if index == leaf.count or leaf.key(index) != key:
            return None
        return leaf, leaf.leaf_element(index)

    def items(self, start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in order, from the first key that is not less than `start`."""
        for leaf, first in self._leaves(start):
            left = leaf.span
            for index in range(first, leaf.count):
                element = leaf.leaf_element(index)
                # Elements that share their bytes would make a small file yield terabytes.
                left -= element.key_size + element.value_size
                if left < 0:
                    raise leaf.damaged("elements overlap")
                yield leaf.key(index), _value(leaf, element)

    def last(self) -> tuple[bytes, bytes] | None:
        """Return the greatest key and its value, None when the bucket is empty."""
        leaf = self._last_leaf()
        if leaf is None:
            return None
        return leaf.key(leaf.count - 1), _value(leaf, leaf.leaf_element(leaf.count - 1))

    def last_key(self) -> bytes | None:
        """Return the greatest key alone: its value may be megabytes away."""
        leaf = self._last_leaf()
        return None if leaf is None else leaf.key(leaf.count - 1)

    def _last_leaf(self) -> Page | None:
        page, depth = self.root, 0
        while not page.is_leaf:
            page, depth = self._child(page, page.count - 1, depth + 1), depth + 1
        if page.count == 0:
            if page is not self.root:
                raise page.damaged("a leaf without elements below a branch")
            return None
        return page

    def _leaf_for(self, key: bytes) -> tuple[Page, int]:
        page, depth = self.root, 0
        while not page.is_leaf:
            page, depth = self._child(page, page.index_of(key), depth + 1), depth + 1
        return page, page.index_of(key)

    def _leaves(self, start: bytes | None) -> Iterator[tuple[Page, int]]:
        """Yield leaves in order, with the index of the first element that is wanted."""
        seen = {self.root.number}
        database = self._database
        left = min(database.meta.logical_size, database.source.size) - self.root.span
        path = [(self.root, 0 if start is None else self.root.index_of(start))]
        while path:
            page, index = path.pop()
            if page.is_leaf:
                yield page, index
                start = None
            elif index < page.count:
                path.append((page, index + 1))
                child = self._child(page, index, len(path))
                # Shared pages make a walk exponentially long even where no cycle does.
                if child.number in seen:
                    raise page.damaged(f"page {child.number} is referenced twice")
                seen.add(child.number)
                # Pages within each other's overflow do, too, quadratically.
                left -= child.span
                if left < 0:
                    raise page.damaged(f"page {child.number} overlaps others")
                path.append((child, 0 if start is None else child.index_of(start)))

    def _child(self, page: Page, index: int, depth: int) -> Page:
        if depth > DEPTH_MAX:
            raise page.damaged(f"the tree is deeper than {DEPTH_MAX} levels: it has a cycle")
        return self._database.page(page.child(index))


def _value(page: Page, element: LeafElement) -> bytes:
    return bytes(page.read(element.value_offset, element.value_size))
