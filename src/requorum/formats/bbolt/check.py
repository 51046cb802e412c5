"""The full integrity check of a bbolt file: what `tx.Check` finds, and where.

Source: bbolt tx_check.go. Level by level and in columns, because a database of a gigabyte has a
million records and an operator waits.
"""

from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import (
    NO_KEY,
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
from requorum.formats.bbolt.damage import Damage, DamageLog
from requorum.formats.bbolt.freelist import check_freelist
from requorum.formats.bbolt.key_order import check_ascending, check_bounds, child_references
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta, Metas, read_metas
from requorum.formats.bbolt.page import (
    BUCKET_HEADER_SIZE,
    FLAG_META,
    LEAF_FLAG_BUCKET,
    read_header,
)
from requorum.formats.bbolt.walk import Walk, empty_pages, root_reference
from requorum.formats.source import Source

LEVELS_MAX = 64
"""Levels of all nested trees together. etcd's own have fewer than ten; each costs a step here."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check of one transaction's trees found.

    `damages` are the first thousand findings, `damage_count` counts all of them. `metas` are
    judged apart: one bad meta page is what a crash leaves, and the other one is whole.
    `reachable_pages` include meta, freelist and overflow pages; `free_pages` are the rest below
    the high water mark.
    """

    meta: Meta
    metas: Metas
    damages: tuple[Damage, ...]
    damage_count: int
    reachable_pages: int
    free_pages: int

    @property
    def intact(self) -> bool:
        """Return whether every page of this transaction is as it was written."""
        return self.damage_count == 0


def check(source: Source, meta: Meta | None = None) -> CheckResult:
    """Check everything that `meta` reaches, the current transaction unless told otherwise.

    Reads the whole source once as one buffer: give it a mapping, not a file far away.
    Raises DamagedInput only when neither meta page is valid.
    """
    metas = read_metas(source)
    meta = meta if meta is not None else metas.current
    file, log = FileBytes(source), DamageLog()
    walk = Walk(file, meta, log)
    _check_meta_pages(source, meta, log)
    _check_trees(file, walk, meta, log)
    check_freelist(source, meta, walk, log)
    reached = int(walk.reached.sum())
    return CheckResult(meta, metas, tuple(log.kept), log.total, reached, walk.page_count - reached)


def _check_meta_pages(source: Source, meta: Meta, log: DamageLog) -> None:
    start = meta.index * meta.page_size
    header = read_header(source, start)
    if header.flags != FLAG_META or header.id != meta.index:
        log.add(meta.index, start, f"meta page says page {header.id}, flags {header.flags:#x}")
    if meta.logical_size > source.size:
        log.add(
            meta.index, start, f"{meta.high_water_mark} pages do not fit into {source.size} bytes"
        )


def _check_trees(file: FileBytes, walk: Walk, meta: Meta, log: DamageLog) -> None:
    level, depth = walk.claim(root_reference(meta.root, from_page=meta.index)), 0
    while len(level):
        depth += 1
        if depth > LEVELS_MAX:
            log.add(int(level.pgid[0]), int(level.start[0]), f"more than {LEVELS_MAX} levels deep")
            return
        parts = [empty_pages()]
        for chunk in level.chunks():
            parts.append(_check_branches(file, walk, chunk.take(~chunk.is_leaf), log))
            parts.append(_check_leaves(file, walk, chunk.take(chunk.is_leaf), log))
        level = PageRows.concatenate(parts)


def _check_branches(file: FileBytes, walk: Walk, pages: PageRows, log: DamageLog) -> PageRows:
    """Return the children."""
    elements = branch_elements(file, pages, log)
    _check_keys(file, pages, elements, log)
    return walk.claim(child_references(pages, elements))


def _check_leaves(file: FileBytes, walk: Walk, pages: PageRows, log: DamageLog) -> PageRows:
    """Return the root pages of the buckets that they hold."""
    elements = leaf_elements(file, pages, log)
    _check_keys(file, pages, elements, log)
    _check_flags(pages, elements, log)
    buckets = elements.take(elements.sound & (elements.word == LEAF_FLAG_BUCKET))
    buckets = _long_enough(pages, buckets, BUCKET_HEADER_SIZE, "bucket has no header", log)
    roots = file.u64(buckets.value_offset)
    _check_inline(file, pages, buckets.take(roots == 0), log)
    return walk.claim(_bucket_references(pages, buckets.take(roots != 0), roots[roots != 0]))


def _check_keys(file: FileBytes, pages: PageRows, elements: ElementRows, log: DamageLog) -> None:
    check_ascending(file, pages, elements, log)
    check_bounds(file, pages, elements, log)


def _check_flags(pages: PageRows, elements: ElementRows, log: DamageLog) -> None:
    unknown = elements.word > LEAF_FLAG_BUCKET
    note_elements(pages, elements, unknown, "element has flags {}", log)
    # The root bucket holds buckets only; a lost flag would hide a whole bucket from readers.
    plain = (elements.word == 0) & (pages.nesting[elements.page] == 0)
    note_elements(pages, elements, plain, "a plain key in the root bucket", log)


def _long_enough(
    pages: PageRows, buckets: ElementRows, size: int, what: str, log: DamageLog
) -> ElementRows:
    short = buckets.value_size < size
    note_elements(pages, buckets, short, what, log)
    return buckets.take(~short)


def _check_inline(file: FileBytes, pages: PageRows, buckets: ElementRows, log: DamageLog) -> None:
    size = BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE
    buckets = _long_enough(pages, buckets, size, "inline bucket has no page", log)
    for inline in inline_pages(file, pages, buckets, log).chunks():
        elements = leaf_elements(file, inline, log)
        check_ascending(file, inline, elements, log)
        nested = elements.word != 0
        note_elements(inline, elements, nested, "flags {} in an inline bucket", log)


def _bucket_references(pages: PageRows, buckets: ElementRows, roots: U64) -> References:
    unbounded = np.full(len(buckets), NO_KEY, dtype=np.int64)
    return References(
        roots, pages.pgid[buckets.page], buckets.value_offset,
        unbounded, unbounded, unbounded, unbounded, pages.nesting[buckets.page] + 1,
    )  # fmt: skip  # columns in the order of their declaration
