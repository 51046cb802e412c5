"""A small writer of bbolt files, so that each test can say exactly which byte is wrong."""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from requorum.formats.bbolt.meta import FREELIST_NOT_PERSISTED, fnv1a_64
from requorum.formats.bbolt.page import FLAG_BRANCH, FLAG_FREELIST, FLAG_LEAF, FLAG_META
from requorum.formats.source import BufferSource

PAGE_SIZE = 4096

Entries = Iterable[tuple[bytes, bytes]]


def header(pgid: int, flags: int, count: int, overflow: int = 0) -> bytes:
    """Return a page header."""
    return struct.pack("<QHHI", pgid, flags, count, overflow)


def leaf(
    pgid: int, entries: Entries, *, flags: Callable[[bytes], int] | int = 0, padded: bool = True
) -> bytes:
    """Return a leaf page with as many overflow pages as it needs."""
    entries = list(entries)
    elements, data = b"", b""
    for index, (key, value) in enumerate(entries):
        position = 16 * (len(entries) - index) + len(data)
        flag = flags if isinstance(flags, int) else flags(key)
        elements += struct.pack("<IIII", flag, position, len(key), len(value))
        data += key + value
    return _page(pgid, FLAG_LEAF, len(entries), elements + data, padded=padded)


def branch(pgid: int, children: Iterable[tuple[bytes, int]]) -> bytes:
    """Return a branch page."""
    children = list(children)
    elements, data = b"", b""
    for index, (key, child) in enumerate(children):
        position = 16 * (len(children) - index) + len(data)
        elements += struct.pack("<IIQ", position, len(key), child)
        data += key
    return _page(pgid, FLAG_BRANCH, len(children), elements + data)


def freelist(pgid: int, ids: Iterable[int], *, count_follows: bool = False) -> bytes:
    """Return a freelist page."""
    ids = list(ids)
    body = b"".join(struct.pack("<Q", free) for free in ids)
    if count_follows:
        return _page(pgid, FLAG_FREELIST, 0xFFFF, struct.pack("<Q", len(ids)) + body)
    return _page(pgid, FLAG_FREELIST, len(ids), body)


def meta(
    index: int,
    *,
    root: int,
    mark: int,
    txid: int,
    freelist_page: int = FREELIST_NOT_PERSISTED,
    page_size: int = PAGE_SIZE,
) -> bytes:
    """Return a meta page with a right checksum."""
    body = struct.pack("<IIII", 0xED0CDAED, 2, page_size, 0)
    body += struct.pack("<QQQQQ", root, 0, freelist_page, mark, txid)
    body += struct.pack("<Q", fnv1a_64(body))
    return (header(index, FLAG_META, 0) + body).ljust(page_size, b"\0")


def bucket_value(root: int) -> bytes:
    """Return the value of a bucket whose tree has its root at a page."""
    return struct.pack("<QQ", root, 0)


def inline_bucket(entries: Entries, *, flags: int = 0) -> bytes:
    """Return the value of a bucket that is stored inside its parent."""
    return bucket_value(0) + leaf(0, entries, flags=flags, padded=False)


@dataclass
class Built:
    """A file of pages; the pages may be changed before `data` puts them together."""

    pages: dict[int, bytes]
    root: int
    txid: int = 8
    freelist_page: int = FREELIST_NOT_PERSISTED

    @property
    def mark(self) -> int:
        """Return the first unused page number."""
        last = max(self.pages)
        return last + len(self.pages[last]) // PAGE_SIZE

    @property
    def data(self) -> bytes:
        """Return the file."""
        file = bytearray(self.mark * PAGE_SIZE)
        for index in range(2):
            page = meta(
                index,
                root=self.root,
                mark=self.mark,
                txid=self.txid - index,
                freelist_page=self.freelist_page,
            )
            file[index * PAGE_SIZE : (index + 1) * PAGE_SIZE] = page
        for number, page in self.pages.items():
            file[number * PAGE_SIZE : number * PAGE_SIZE + len(page)] = page
        return bytes(file)

    @property
    def source(self) -> BufferSource:
        """Return the file as a source."""
        return BufferSource(self.data)


def build(buckets: Mapping[bytes, Entries], *, per_leaf: int = 4) -> Built:
    """Return a file in which each bucket is a branch over leaves, or a leaf, or inline if empty.

    Page 2 is the root; the pages of the buckets follow in the order of their names.
    """
    pages: dict[int, bytes] = {}
    roots = []
    number = 3
    for name in sorted(buckets):
        entries = sorted(buckets[name])
        if not entries:
            roots.append((name, inline_bucket([])))
            continue
        root, number = _add_tree(pages, entries, number, per_leaf)
        roots.append((name, bucket_value(root)))
    pages[2] = leaf(2, roots, flags=1)
    return Built(pages, root=2)


def _add_tree(
    pages: dict[int, bytes], entries: list[tuple[bytes, bytes]], number: int, per_leaf: int
) -> tuple[int, int]:
    """Return (the root's page number, the next free number)."""
    children = []
    for begin in range(0, len(entries), per_leaf):
        some = entries[begin : begin + per_leaf]
        pages[number] = leaf(number, some)
        children.append((some[0][0], number))
        number += len(pages[number]) // PAGE_SIZE
    if len(children) == 1:
        return children[0][1], number
    pages[number] = branch(number, children)
    return number, number + len(pages[number]) // PAGE_SIZE


def _page(pgid: int, flags: int, count: int, body: bytes, *, padded: bool = True) -> bytes:
    size = 16 + len(body)
    overflow = (size - 1) // PAGE_SIZE if padded else 0
    page = header(pgid, flags, count, overflow) + body
    return page.ljust((overflow + 1) * PAGE_SIZE, b"\0") if padded else page
