"""The freelist, where one is persisted: free pages must be exactly those that nothing reaches.

Source: bbolt internal/freelist/shared.go and tx_check.go.
"""

import numpy as np

from requorum.formats.bbolt.columns import U64
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta
from requorum.formats.bbolt.page import FLAG_FREELIST, Header, read_header
from requorum.formats.bbolt.walk import Walk
from requorum.formats.source import Source

_COUNT_FOLLOWS = 0xFFFF


def check_freelist(source: Source, meta: Meta, walk: Walk, log: DamageLog) -> None:
    """Compare the freelist with what `walk` has reached by now, which must be everything."""
    if not meta.freelist_persisted:
        return
    ids = _read_ids(source, meta, walk, log)
    if ids is None:
        return
    ids = _in_range(ids, meta, walk, log)
    _compare(ids, meta, walk, log)


def _read_ids(source: Source, meta: Meta, walk: Walk, log: DamageLog) -> U64 | None:
    page, start = meta.freelist, meta.freelist * meta.page_size
    if not 2 <= page < walk.page_count:
        log.add(meta.index, meta.index * meta.page_size, f"refers to freelist page {page}")
        return None
    header = read_header(source, start)
    if header.id != page or header.flags != FLAG_FREELIST:
        log.add(page, start, "not a freelist page")
        return None
    if page + header.overflow >= walk.page_count:
        log.add(page, start, f"{header.overflow} overflow pages do not fit")
        return None
    if not walk.mark(np.array([page]), np.array([header.overflow])).all():
        log.add(page, start, "freelist page is referenced twice")
    return _ids_on(source, meta, header, log)


def _ids_on(source: Source, meta: Meta, header: Header, log: DamageLog) -> U64 | None:
    start, room = header.id * meta.page_size, (header.overflow + 1) * meta.page_size
    begin, count = PAGE_HEADER_SIZE, header.count
    if count == _COUNT_FOLLOWS:
        count = int.from_bytes(source.read(start + begin, 8), "little")
        begin += 8
    if begin + 8 * count > room:
        log.add(header.id, start, f"{count} free pages do not fit")
        return None
    return np.frombuffer(source.read(start + begin, 8 * count), dtype="<u8")


def _in_range(ids: U64, meta: Meta, walk: Walk, log: DamageLog) -> U64:
    fine = (ids >= 2) & (ids < walk.page_count)
    _note(ids[~fine], meta, "frees page {}, which does not exist", log)
    return ids[fine]


def _compare(ids: U64, meta: Meta, walk: Walk, log: DamageLog) -> None:
    freed = np.bincount(ids.astype(np.int64), minlength=walk.page_count)
    pages = np.arange(walk.page_count, dtype=np.uint64)
    _note(pages[freed > 1], meta, "frees page {} twice", log)
    _note(pages[(freed > 0) & walk.reached], meta, "frees page {}, which is in use", log)
    _note(pages[(freed == 0) & ~walk.reached], meta, "page {} is neither in use nor free", log)


def _note(ids: U64, meta: Meta, what: str, log: DamageLog) -> None:
    where = np.full(len(ids), meta.freelist, dtype=np.int64)
    log.add_rows(where, where * meta.page_size, what, ids)
