"""Where things lie in a whole database, for damage that knows what it hits."""

from collections.abc import Iterator
from dataclasses import dataclass

from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.page import LeafElement, Page
from requorum.formats.source import BufferSource

_KEY_BUCKET = b"key"


@dataclass(frozen=True, slots=True)
class Element:
    """One record of the bucket `key`: where its 16 bytes of element lie, and where they point."""

    offset: int
    at: LeafElement


@dataclass(frozen=True, slots=True)
class DbLayout:
    """Pages below the high water mark. Offsets of headers in bytes."""

    page_size: int
    page_count: int
    root: int
    leaves: tuple[int, ...]
    branches: tuple[int, ...]
    elements: tuple[Element, ...]


def db_layout(data: bytes) -> DbLayout:
    """Read a whole database; DamagedInput where it is not whole."""
    database = Database(BufferSource(data))
    bucket = database.bucket(_KEY_BUCKET)
    pages = list(_pages(database, bucket.root)) if bucket is not None else []
    leaves = [page for page in pages if page.is_leaf]
    return DbLayout(
        page_size=database.meta.page_size,
        page_count=database.meta.high_water_mark,
        root=database.meta.root * database.meta.page_size,
        leaves=tuple(page.start for page in leaves),
        branches=tuple(page.start for page in pages if not page.is_leaf),
        elements=tuple(element for page in leaves for element in _elements(page)),
    )


def _pages(database: Database, page: Page) -> Iterator[Page]:
    yield page
    if not page.is_leaf:
        for index in range(page.count):
            yield from _pages(database, database.page(page.child(index)))


def _elements(page: Page) -> Iterator[Element]:
    for index in range(page.count):
        yield Element(page.start + 16 * (index + 1), page.leaf_element(index))
