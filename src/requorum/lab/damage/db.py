"""Damage to `member/snap/db`."""

import os
import random
from pathlib import Path

from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE, Meta, read_metas
from requorum.formats.source import BufferSource
from requorum.lab.damage.bits import flip_bits

_META_BODY_SIZE = 64
_BOTH_METAS_BYTES = 128 * 1024  # bbolt's largest page is 16 KiB


def truncate(db: Path, rng: random.Random) -> str:
    """Cut the file off somewhere in its used pages, the metas kept."""
    meta = _current_meta(db)
    offset = rng.randrange(2 * meta.page_size, meta.logical_size)
    os.truncate(db, offset)
    return f"{db}: cut off at offset {offset} of {meta.logical_size} used bytes"


def flip_page(db: Path, rng: random.Random) -> str:
    """Flip bits in one page below the high-water mark. It may be a free one, as on a real disk."""
    meta = _current_meta(db)
    page = rng.randrange(2, meta.high_water_mark)
    begin = page * meta.page_size
    offset, bits = flip_bits(db, begin, begin + meta.page_size, rng)
    return f"{db}: {bits} bits flipped in page {page}, from offset {offset} on"


def flip_meta(db: Path, rng: random.Random) -> str:
    """Flip bits in the body of one of the two meta pages."""
    page = rng.randrange(2)
    begin = page * _current_meta(db).page_size + PAGE_HEADER_SIZE
    offset, bits = flip_bits(db, begin, begin + _META_BODY_SIZE, rng)
    return f"{db}: {bits} bits flipped in meta page {page}, from offset {offset} on"


def _current_meta(db: Path) -> Meta:
    with db.open("rb") as file:
        return read_metas(BufferSource(file.read(_BOTH_METAS_BYTES))).current
