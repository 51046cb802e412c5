"""One pass over all that a transaction reaches: a level at a time, each page once, in columns.

Whoever wants something of every page or element takes it from the same pass: reading them is what
costs. Within one bucket the leaves come in the order of their keys, because all of them are on one
level, as bbolt keeps its trees; where they are not, that is noted as damage.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import (
    I64,
    NESTED_TREE,
    NO_KEY,
    TREE_OF_NAMES,
    U64,
    ElementRows,
    FileBytes,
    PageRows,
    References,
    branch_elements,
    inline_pages,
    leaf_elements,
    note_elements,
)
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.key_order import child_references
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta
from requorum.formats.bbolt.page import BUCKET_HEADER_SIZE, LEAF_FLAG_BUCKET
from requorum.formats.bbolt.walk import Walk, empty_pages, root_reference

LEVELS_MAX = 64
"""Levels of all nested trees together. etcd's own have fewer than ten; each costs a step here."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring branches, or leaves, of one level, and their elements."""

    pages: PageRows
    elements: ElementRows
    is_leaf: bool
    is_inline: bool = False

    @property
    def row_count(self) -> int:
        """Return how many rows of top-level buckets these are; a bucket within one is a row."""
        return int(self.pages.count[self.pages.tree >= 0].sum()) if self.is_leaf else 0


class Sweep:
    """The pass. `names` are those of the top-level buckets met so far, by the number of their tree.

    Notes each page and element that cannot be followed, and goes on with the others.

    For work that is done side by side there are shares, numbered from 0, `of` so many. One has the
    leaves below some neighbouring branches, and touches no other leaf: processes that map the same
    pages at the same time hold each other up. What a later share has of a bucket comes after what
    an earlier one has of it.
    """

    def __init__(
        self, file: FileBytes, meta: Meta, log: DamageLog, *, share: int = 0, of: int = 1
    ) -> None:
        self._file = file
        self._meta = meta
        self._log = log
        self.walk = Walk(file, meta, log)
        self.names: list[bytes] = []
        self._share = share
        self._of = of

    def chunks(self) -> Iterator[Chunk]:
        """Yield everything, from the root down."""
        root = root_reference(self._meta.root, from_page=self._meta.index)
        level, depth = self.walk.claim(root), 0
        while len(level):
            depth += 1
            if depth > LEVELS_MAX:
                where = int(level.pgid[0]), int(level.start[0])
                self._log.add(*where, f"more than {LEVELS_MAX} levels deep")
                return
            self._note_uneven(level)
            level = yield from self._level(level)

    def leaves_of(self, name: bytes, chunk: Chunk) -> ElementRows | None:
        """Return the chunk's elements in the top-level bucket of that name, None if not of it."""
        if not chunk.is_leaf or name not in self.names:
            return None
        mine = chunk.pages.tree == self.names.index(name)
        if mine.all():
            return chunk.elements
        if not mine.any():
            return None
        return chunk.elements.take(mine[chunk.elements.page])

    def _level(self, level: PageRows) -> Generator[Chunk, None, PageRows]:
        """Return the level below."""
        branches, leaves = _split(level)
        parts, chunks = [empty_pages()], list(branches.chunks())
        for number, pages in enumerate(chunks):
            ours = number * self._of // len(chunks) == self._share
            children = yield from self._branches(pages, ours=ours)
            parts.append(children)
        for pages in leaves.chunks():
            roots = yield from self._leaves(pages)
            parts.append(roots)
        return PageRows.concatenate(parts)

    def _branches(self, pages: PageRows, *, ours: bool) -> Generator[Chunk, None, PageRows]:
        elements = branch_elements(self._file, pages, self._log)
        yield Chunk(pages, elements, is_leaf=False)
        references = child_references(pages, elements)
        if not ours and self._lead_to_leaves(references):
            references = references.take(references.tree < 0)
        return self.walk.claim(references)

    def _lead_to_leaves(self, references: References) -> bool:
        """Return whether the first one does: so do all, or else that is noted as damage."""
        return bool(self.walk.peek(references.take(slice(0, 1))).is_leaf.any())

    def _leaves(self, pages: PageRows) -> Generator[Chunk, None, PageRows]:
        """Return the root pages of the buckets that the leaves hold."""
        elements = leaf_elements(self._file, pages, self._log)
        yield Chunk(pages, elements, is_leaf=True)
        found = elements.word == LEAF_FLAG_BUCKET
        if not found.any():
            return empty_pages()
        buckets = self._with_header(pages, elements.take(found & elements.sound))
        trees, roots = self._trees(pages, buckets), self._file.u64(buckets.value_offset)
        inline = roots == 0
        yield from self._inline(pages, buckets.take(inline), trees[inline])
        return self._of_share(
            self.walk.claim(
                _bucket_references(pages, buckets.take(~inline), roots[~inline], trees[~inline])
            )
        )

    def _of_share(self, roots: PageRows) -> PageRows:
        """Return the roots to go on with: leaves among them, whole buckets, are the first's."""
        return roots if self._share == 0 else roots.take(~roots.is_leaf | (roots.tree < 0))

    def _with_header(self, pages: PageRows, buckets: ElementRows) -> ElementRows:
        short = buckets.value_size < BUCKET_HEADER_SIZE
        note_elements(pages, buckets, short, "bucket has no header", self._log)
        return buckets.take(~short)

    def _trees(self, pages: PageRows, buckets: ElementRows) -> I64:
        """Return the numbers of the buckets' trees, and remember the names of those at the top."""
        top = pages.tree[buckets.page] == TREE_OF_NAMES
        first = len(self.names)
        named = buckets.take(top)
        for offset, size in zip(named.key_offset.tolist(), named.key_size.tolist(), strict=True):
            self.names.append(bytes(self._file.view[offset : offset + size]))
        trees = np.full(len(buckets), NESTED_TREE, dtype=np.int64)
        trees[top] = np.arange(first, len(self.names))
        return trees

    def _inline(self, pages: PageRows, buckets: ElementRows, trees: I64) -> Iterator[Chunk]:
        short = buckets.value_size < BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE
        note_elements(pages, buckets, short, "inline bucket has no page", self._log)
        whole = buckets.take(~short)
        for inline in inline_pages(self._file, pages, whole, trees[~short], self._log).chunks():
            elements = leaf_elements(self._file, inline, self._log)
            nested = elements.word != 0
            note_elements(inline, elements, nested, "flags {} in an inline bucket", self._log)
            if self._share == 0 or (inline.tree < 0).all():
                yield Chunk(inline, elements, is_leaf=True, is_inline=True)

    def _note_uneven(self, level: PageRows) -> None:
        if level.is_leaf.all() or not level.is_leaf.any():
            return
        uneven = np.intersect1d(level.tree[level.is_leaf], level.tree[~level.is_leaf])
        for tree in uneven[uneven != NESTED_TREE].tolist():
            row = int(np.flatnonzero(level.is_leaf & (level.tree == tree))[0])
            where = int(level.pgid[row]), int(level.start[row])
            self._log.add(*where, "the leaves of its bucket are at different depths")


def _split(level: PageRows) -> tuple[PageRows, PageRows]:
    """Return branches and leaves; nearly every level has but one of them."""
    if level.is_leaf.all():
        return empty_pages(), level
    if not level.is_leaf.any():
        return level, empty_pages()
    return level.take(~level.is_leaf), level.take(level.is_leaf)


def _bucket_references(pages: PageRows, buckets: ElementRows, roots: U64, trees: I64) -> References:
    unbounded = np.full(len(buckets), NO_KEY, dtype=np.int64)
    return References(
        roots, pages.pgid[buckets.page], buckets.value_offset,
        unbounded, unbounded, unbounded, unbounded, trees,
    )  # fmt: skip  # columns in the order of their declaration
