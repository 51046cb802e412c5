"""The hash that `etcdutl snapshot status` prints: CRC32C over the content of all buckets.

Source: etcdutl/snapshot/v3_snapshot.go `Status`. It walks the top-level buckets in the order of
their names, and feeds each name, then each key and value in order; a bucket within a bucket counts
as a key without a value.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from crc32c import crc32c

from requorum.formats.bbolt.columns import I64, FileBytes
from requorum.formats.bbolt.sweep import Chunk
from requorum.formats.crc_parts import joined


class Sum(NamedTuple):
    """CRC32C and size of some neighbouring rows of a bucket, given by the number of its tree."""

    tree: int
    crc: int
    size: int


def content_hash(names: list[bytes], sums: Iterable[Sum]) -> int:
    """Return the hash of a database with those buckets; `sums` in the order of a sweep.

    It goes level by level, so the sums of one bucket may come between those of another.
    """
    parts: list[list[tuple[int, int]]] = [[(crc32c(name), len(name))] for name in names]
    for found in sums:
        parts[found.tree].append((found.crc, found.size))
    return joined(part for bucket in parts for part in bucket)


def sums_of(file: FileBytes, chunk: Chunk) -> Iterator[Sum]:
    """Yield the sums of a chunk's rows in order. Each sound element is read once."""
    for tree, begin, end in _pieces(chunk):
        crc = 0
        for first, last in zip(begin.tolist(), end.tolist(), strict=True):
            crc = crc32c(file.view[first:last], crc)
        yield Sum(tree, crc, int((end - begin).sum()))


def _pieces(chunk: Chunk) -> Iterator[tuple[int, I64, I64]]:
    """Yield the numbers of trees, and where what is hashed of each begins and ends.

    Elements that lie next to each other are one piece: all of a page, as bbolt packs it.
    """
    elements, tree = chunk.elements, np.repeat(chunk.pages.tree, chunk.pages.count)
    taken = elements.sound & (tree >= 0)
    if not taken.all():
        elements, tree = elements.take(taken), tree[taken]
    if not chunk.is_leaf or not len(tree):
        return
    begin, end = elements.key_offset, elements.value_offset + elements.value_size
    nested = elements.word != 0
    if nested.any():
        end[nested] = elements.value_offset[nested]
    apart = np.flatnonzero((begin[1:] != end[:-1]) | (tree[1:] != tree[:-1]))
    firsts, lasts = np.append(0, apart + 1), np.append(apart, len(end) - 1)
    begin, end, tree = begin[firsts], end[lasts], tree[firsts]
    changes = np.flatnonzero(tree[1:] != tree[:-1]) + 1
    for row, until in zip([0, *changes.tolist()], [*changes.tolist(), len(tree)], strict=True):
        yield int(tree[row]), begin[row:until], end[row:until]
