"""The full integrity check of a bbolt file: what `tx.Check` finds, and where.

Source: bbolt tx_check.go. Level by level and in columns, because a database of a gigabyte has a
million records and an operator waits.
"""

from dataclasses import dataclass

from requorum.formats.bbolt.columns import TREE_OF_NAMES, FileBytes, note_elements
from requorum.formats.bbolt.damage import Damage, DamageLog
from requorum.formats.bbolt.freelist import check_freelist
from requorum.formats.bbolt.key_order import check_ascending, check_bounds
from requorum.formats.bbolt.meta import Meta, Metas, read_metas
from requorum.formats.bbolt.page import FLAG_META, LEAF_FLAG_BUCKET, read_header
from requorum.formats.bbolt.sweep import Chunk, Sweep
from requorum.formats.source import Source


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
    sweep = Sweep(file, meta, log)
    check_meta_page(source, meta, log)
    for chunk in sweep.chunks():
        check_chunk(file, chunk, log)
    check_freelist(source, meta, sweep.walk, log)
    reached = sweep.walk.reached_count
    free = sweep.walk.page_count - reached
    return CheckResult(meta, metas, tuple(log.kept), log.total, reached, free)


def check_meta_page(source: Source, meta: Meta, log: DamageLog) -> None:
    """Note what is wrong around the sealed part of the meta page that was chosen."""
    start = meta.index * meta.page_size
    header = read_header(source, start)
    if header.flags != FLAG_META or header.id != meta.index:
        log.add(meta.index, start, f"meta page says page {header.id}, flags {header.flags:#x}")
    cut = meta.cut_at(source.size)
    if cut is not None:
        log.add(meta.index, start, cut)


def check_chunk(file: FileBytes, chunk: Chunk, log: DamageLog, *, ascending: bool = False) -> None:
    """Note what is wrong with the order and the flags of the elements; `Sweep` notes the rest.

    `ascending`: whether the caller has found already that each key is greater than the one before.
    """
    pages, elements = chunk.pages, chunk.elements
    if not ascending:
        check_ascending(file, pages, elements, log)
    check_bounds(file, pages, elements, log)
    if chunk.is_leaf and not chunk.is_inline:
        unknown = elements.word > LEAF_FLAG_BUCKET
        note_elements(pages, elements, unknown, "element has flags {}", log)
        # The root bucket holds buckets only; a lost flag would hide a whole bucket from readers.
        if (pages.tree == TREE_OF_NAMES).any():
            plain = (elements.word == 0) & (pages.tree[elements.page] == TREE_OF_NAMES)
            note_elements(pages, elements, plain, "a plain key in the root bucket", log)
