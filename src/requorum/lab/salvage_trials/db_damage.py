"""Ways to damage a database, as disks, file systems and people do: bytes in, changed bytes.

Each returns what it did in one line. Unlike `lab.damage.db`, which harms a file so that recovery
must do without it, these aim at every part of a page, many at a time.
"""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from requorum.lab.salvage_trials.db_layout import DbLayout, Element

T = TypeVar("T")

DbDamage = Callable[[bytearray, DbLayout, random.Random], str]


def zero_pages(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Clear some pages, as lost writes on a new file do."""
    pages = _some_pages(layout, rng)
    for page in pages:
        _put(data, layout, page, bytes(layout.page_size))
    return f"{len(pages)} pages zeroed"


def noise_pages(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Fill some pages with noise."""
    pages = _some_pages(layout, rng)
    for page in pages:
        _put(data, layout, page, rng.randbytes(layout.page_size))
    return f"{len(pages)} pages overwritten with noise"


def misdirected_pages(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Put a copy of another page over some pages, as misdirected writes do."""
    pages = _some_pages(layout, rng)
    for page in pages:
        _put(data, layout, page, _page(data, layout, _any_page(layout, rng)))
    return f"{len(pages)} pages overwritten by others"


def swapped_pages(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Exchange some pages with others."""
    pages = _some_pages(layout, rng)
    for page in pages:
        other = _any_page(layout, rng)
        first, second = _page(data, layout, page), _page(data, layout, other)
        _put(data, layout, page, second)
        _put(data, layout, other, first)
    return f"{len(pages)} pages swapped with others"


def zero_stretch(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Clear a stretch of bytes that begins and ends anywhere."""
    size = layout.page_count * layout.page_size
    begin = rng.randrange(2 * layout.page_size, size)
    end = min(size, begin + rng.randrange(1, max(2, size // 2)))
    data[begin:end] = bytes(end - begin)
    return f"bytes {begin} to {end} zeroed"


def cut_off(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Cut the file off within its used pages."""
    size = rng.randrange(layout.page_size // 2, layout.page_count * layout.page_size)
    del data[size:]
    return f"cut off at byte {size}"


def flip_metas(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits in one meta page or in both."""
    chosen = rng.choice([(0,), (1,), (0, 1)])
    for page in chosen:
        _flip(data, page * layout.page_size, 80, rng)
    return f"bits flipped in meta pages {chosen}"


def flip_page_headers(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits in the headers of some leaves and branches."""
    places = _some([*layout.leaves, *layout.branches, layout.root], rng)
    for place in places:
        _flip(data, place, 16, rng)
    return f"bits flipped in {len(places)} page headers"


def flip_branches(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits in some branches, or in the root bucket where there is no branch."""
    places = _some(layout.branches or (layout.root,), rng)
    for place in places:
        for _ in range(rng.randint(1, 6)):
            _flip(data, place + 16, layout.page_size // 4, rng)
    return f"bits flipped in {len(places)} branches"


def flip_elements(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits in what says where some records lie."""
    return _flip_records(data, layout, rng, lambda e: (e.offset, 16), "elements")


def flip_revisions(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits in some records' keys."""
    return _flip_records(data, layout, rng, lambda e: (e.at.key_offset, e.at.key_size), "revisions")


def flip_values(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits in some records' values: key, numbers, or the user's bytes."""
    return _flip_records(
        data, layout, rng, lambda e: (e.at.value_offset, e.at.value_size), "values"
    )


def flip_anywhere(data: bytearray, layout: DbLayout, rng: random.Random) -> str:
    """Flip bits anywhere in the used pages."""
    count = rng.randint(1, 40)
    for _ in range(count):
        _flip(data, 0, layout.page_count * layout.page_size, rng)
    return f"bits flipped at {count} places"


DB_DAMAGES: dict[str, DbDamage] = {
    "zero-pages": zero_pages,
    "noise-pages": noise_pages,
    "misdirected-pages": misdirected_pages,
    "swapped-pages": swapped_pages,
    "zero-stretch": zero_stretch,
    "cut-off": cut_off,
    "flip-metas": flip_metas,
    "flip-page-headers": flip_page_headers,
    "flip-branches": flip_branches,
    "flip-elements": flip_elements,
    "flip-revisions": flip_revisions,
    "flip-values": flip_values,
    "flip-anywhere": flip_anywhere,
}


def _flip_records(
    data: bytearray,
    layout: DbLayout,
    rng: random.Random,
    where: Callable[[Element], tuple[int, int]],
    what: str,
) -> str:
    elements = _some(layout.elements, rng)
    for element in elements:
        begin, size = where(element)
        _flip(data, begin, size, rng)
    return f"bits flipped in {len(elements)} {what}"


def _flip(data: bytearray, begin: int, size: int, rng: random.Random) -> None:
    """Flip a bit or a few of [begin, begin + size), as far as the file still goes."""
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        offset = begin + rng.randrange(max(size, 1))
        if offset < len(data):
            data[offset] ^= 1 << rng.randrange(8)


def _some_pages(layout: DbLayout, rng: random.Random) -> list[int]:
    """Return pages that are in use, mostly: free ones harm nobody."""
    used = [place // layout.page_size for place in (*layout.leaves, *layout.branches, layout.root)]
    return [_any_page(layout, rng) if rng.random() < 0.2 else page for page in _some(used, rng)]


def _any_page(layout: DbLayout, rng: random.Random) -> int:
    return rng.randrange(2, layout.page_count)


def _some(items: Sequence[T], rng: random.Random) -> list[T]:
    """Return one, or a few, or many of them."""
    most = rng.choice([1, 3, max(1, len(items) // 10), max(1, len(items) // 2)])
    return rng.sample(items, min(len(items), rng.randint(1, most)))


def _page(data: bytearray, layout: DbLayout, page: int) -> bytes:
    return bytes(data[page * layout.page_size : (page + 1) * layout.page_size])


def _put(data: bytearray, layout: DbLayout, page: int, content: bytes) -> None:
    """Overwrite a page, as far as the file still goes."""
    begin = page * layout.page_size
    end = min(begin + len(content), len(data))
    if begin < end:
        data[begin:end] = content[: end - begin]
