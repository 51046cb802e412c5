"""Everything that one file tells, whatever is damaged: from both metas, and from stray pages."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from requorum.formats.backend_file import BUCKETS
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta, Metas, read_metas
from requorum.formats.bbolt.page import BUCKET_HEADER_SIZE, FLAG_LEAF, LEAF_FLAG_BUCKET
from requorum.formats.records import BUCKET as KEY
from requorum.formats.source import Head, Source
from requorum.formats.wal_end import end_of_data
from requorum.inspection.salvage.compaction import read_compaction
from requorum.inspection.salvage.key_tree import LOST_TREE, KeyTree, read_key_tree
from requorum.inspection.salvage.mended import mended_strays, mended_tree
from requorum.inspection.salvage.page_map import PageMap, Reached
from requorum.inspection.salvage.small_buckets import (
    LOST_BUCKET,
    SmallBucket,
    bucket_roots,
    leaf_rows,
    read_small_bucket,
)
from requorum.inspection.salvage.strays import NO_STRAYS, Strays, read_strays
from requorum.inspection.salvage.witness import (
    Standing,
    Witness,
    meta_number,
)

SIZE_MIN = 64
"""Smaller ones hold not even a meta page."""

SEARCHED_MAX = 16 << 30
"""So far pages that no tree reaches are looked for. etcd recommends no more than 8 GiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one file tells. `witnesses` begin with the most trustworthy; there may be none.

    `damages` are (page number, what is wrong), of the first witness's trees and of the meta pages.
    """

    file: FileBytes | None
    witnesses: tuple[Witness, ...]
    strays: Strays
    damages: tuple[tuple[int, str], ...]


def gather(source: Source, number: int) -> Gathered:
    """Read a database file, given the number by which its rows name it. Never raises for damage.

    Reads the whole source as one buffer: give it a mapping. A snapshot's trailer must be cut off.
    """
    if source.size < SIZE_MIN:
        why = (0, f"{source.size} bytes are no database")
        return Gathered(file=None, witnesses=(), strays=NO_STRAYS, damages=(why,))
    metas = read_metas(source)
    file = FileBytes(_without_hole(source, metas))
    pages = PageMap(file, metas.page_size)
    reached = Reached(pages)
    witnesses, damages = _witnesses(pages, metas, number, reached)
    whole = bool(witnesses) and witnesses[0].everything_whole
    strays = read_strays(pages, reached, all_bytes=not whole)
    strays = mended_strays(strays, max((w.least_compact for w in witnesses), default=-1))
    meta_damages = [*_cut(source, metas), *((d.page, d.what) for d in metas.damages)]
    return Gathered(
        file=file,
        witnesses=tuple(witnesses),
        strays=strays,
        damages=(*meta_damages, *damages),
    )


def _cut(source: Source, metas: Metas) -> Iterator[tuple[int, str]]:
    """Yield that the file ends before its pages do, with the meta page that says so."""
    cut = metas.current.cut_at(source.size) if metas.valid else None
    if cut is not None:
        yield metas.current.index, cut


def _without_hole(source: Source, metas: Metas) -> Source:
    """Return the file without the zeros at its end: it may claim a terabyte of them.

    All that its trees may reach stays, and whatever lies behind that within `SEARCHED_MAX`.
    """
    used = min(max((meta.logical_size for meta in metas.valid), default=0), source.size)
    head = Head(source, max(used, SEARCHED_MAX))
    pages = -(-end_of_data(head.read(0, head.size)) // metas.page_size)
    return Head(head, max(pages * metas.page_size, used, SIZE_MIN))


def _witnesses(
    pages: PageMap, metas: Metas, number: int, reached: Reached
) -> tuple[list[Witness], list[tuple[int, str]]]:
    """Return the current tree; where it has gaps, or is lost, others of the same file too."""
    found: list[Witness] = []
    damages: list[tuple[int, str]] = []
    for standing, meta in zip((Standing.CURRENT, Standing.PREVIOUS), metas.valid, strict=False):
        if found and (found[0].everything_whole or _same_tree(meta, metas.valid[0])):
            break
        mine = Reached(pages)
        witness, wrong = _read(pages, meta.root, number, standing, mine)
        reached.mask |= mine.mask
        if standing is Standing.CURRENT:
            damages += wrong
        if witness is not None:
            found.append(witness)
    if not found:
        found += _from_root_pages(pages, number, reached)
    return found, damages


def _same_tree(meta: Meta, other: Meta) -> bool:
    """Return whether both meta pages lead to one tree, as in a snapshot."""
    return meta is not other and meta.root == other.root


def _read(
    pages: PageMap, root: int, number: int, standing: Standing, reached: Reached
) -> tuple[Witness | None, list[tuple[int, str]]]:
    roots, whole = bucket_roots(pages, root, reached)
    damages = [] if whole else [(root, "the root bucket is damaged")]
    if not roots:
        return None, damages
    small: dict[bytes, SmallBucket] = {}
    for name, bucket_root in roots.items():
        if name != KEY:
            small[name] = read_small_bucket(pages, bucket_root, reached)
            if not small[name].whole:
                # A damaged name may hold anything; a terminal is given it escaped.
                shown = repr(name[:64])[2:-1]
                damages.append((bucket_root.page, f"bucket {shown} is damaged"))
    tree = read_key_tree(pages, roots[KEY], reached) if KEY in roots else LOST_TREE
    witness = _witness(tree, small, number, standing, whole=whole)
    return witness, [*damages, *tree.damages]


def _witness(
    tree: KeyTree, small: dict[bytes, SmallBucket], number: int, standing: Standing, *, whole: bool
) -> Witness:
    """Put a witness together; buckets that a whole root does not name are empty ones."""
    if whole:
        for name in BUCKETS:
            small.setdefault(name, SmallBucket({}, whole=True))
    meta = small.get(b"meta", LOST_BUCKET)
    compaction = read_compaction(meta, tree)
    if compaction.compact is not None:
        tree = mended_tree(tree, compaction.compact)
    return Witness(
        file=number,
        standing=standing,
        rows=tree.rows,
        gap_before=tree.gap_before,
        gap_at_end=tree.gap_at_end,
        small=small,
        index=meta_number(meta, b"consistent_index"),
        term=meta_number(meta, b"term"),
        compact=compaction.compact,
        finished=compaction.finished,
    )


def _from_root_pages(pages: PageMap, number: int, reached: Reached) -> list[Witness]:
    """Return the most recent tree below any page that looks like the root bucket."""
    best: tuple[tuple[int, int], Witness, Reached] | None = None
    for root in _root_pages(pages):
        mine = Reached(pages)
        witness, _ = _read(pages, root, number, Standing.FOUND, mine)
        if witness is None:
            continue
        rank = (witness.index or 0, witness.last)
        if best is None or rank > best[0]:
            best = (rank, witness, mine)
    if best is None:
        return []
    reached.mask |= best[2].mask
    return [best[1]]


ROOT_PAGES_MAX = 256
"""A file has one such page for each of the last few transactions; each costs a walk."""


def _root_pages(pages: PageMap) -> list[int]:
    numbers = np.arange(2, pages.count, dtype=np.int64)
    headers = pages.headers(numbers)
    fits = (headers.flags == FLAG_LEAF) & (headers.id == numbers.astype(np.uint64))
    fits &= (headers.count > 0) & (headers.count <= 4 * len(BUCKETS))
    begin = numbers * pages.page_size + PAGE_HEADER_SIZE
    fits &= begin + 16 <= pages.file.size
    flags = pages.file.u64(np.where(fits, begin, 0)) & np.uint64(0xFFFFFFFF)
    fits &= flags == LEAF_FLAG_BUCKET
    return [n for n in numbers[fits].tolist() if _names_buckets(pages, n)][-ROOT_PAGES_MAX:]


def _names_buckets(pages: PageMap, number: int) -> bool:
    rows, _ = leaf_rows(
        pages.file.view, number * pages.page_size, pages.span(number), LEAF_FLAG_BUCKET
    )
    known = sum(row.key in BUCKETS and row.value_size >= BUCKET_HEADER_SIZE for row in rows)
    return 2 * known > len(rows)
