"""The hash that `etcdutl snapshot status` prints: CRC32C over the content of all buckets.

Source: etcdutl/snapshot/v3_snapshot.go `Status`. It walks the top-level buckets in the order of
their names, and feeds each name, then each key and value in order; a bucket within a bucket counts
as a key without a value.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from crc32c import crc32c

from requorum.formats.bbolt.columns import I64, FileBytes
from requorum.formats.bbolt.sweep import Chunk
from requorum.formats.crc_parts import joined

Sums = Mapping[int, tuple[int, int]]
"""CRC32C and size of what was hashed of each bucket, by the number of its tree."""


class ContentSums:
    """Takes the leaves of a sweep in order, or those of one of its shares.

    It goes level by level, so each bucket is summed up by itself. `rows` counts those of all of
    them.
    """

    def __init__(self, file: FileBytes) -> None:
        self._view = file.view
        self.sums: dict[int, tuple[int, int]] = {}
        self.rows = 0

    def add(self, chunk: Chunk) -> None:
        """Take the rows of the next chunk; each sound element is read once."""
        self.rows += chunk.row_count
        for tree, begin, end in _pieces(chunk):
            crc, size = self.sums.get(tree, (0, 0))
            for first, last in zip(begin.tolist(), end.tolist(), strict=True):
                crc = crc32c(self._view[first:last], crc)
            self.sums[tree] = crc, size + int((end - begin).sum())


def content_hash(names: list[bytes], shares: Sequence[Sums]) -> int:
    """Return the hash of a database with those buckets, from the sums of all shares in order."""
    parts = []
    for tree, name in enumerate(names):
        parts.append((crc32c(name), len(name)))
        parts += [sums[tree] for sums in shares if tree in sums]
    return joined(parts)


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
