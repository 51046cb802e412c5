"""The pages of one file by number: what each header says, and which page lies where."""

from functools import cached_property

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, FileBytes, HeaderRows, Mask, read_headers
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE, FLAG_BRANCH, FLAG_LEAF

_FIRST_PAGE = 2


class PageMap:
    """All pages whose header lies within the file; a last page that was cut off is one of them."""

    def __init__(self, file: FileBytes, page_size: int) -> None:
        self.file = file
        self.page_size = page_size
        self.count = max((file.size - PAGE_HEADER_SIZE) // page_size + 1, 0)

    def has(self, number: int) -> bool:
        """Return whether there is such a page, the meta pages aside."""
        return _FIRST_PAGE <= number < self.count

    def headers(self, numbers: I64) -> HeaderRows:
        """Return what stands at the beginning of pages that there are."""
        return read_headers(self.file, numbers * self.page_size)

    def span(self, number: int) -> int:
        """Return the bytes that a page has by its header: at least one page, within the file."""
        overflow = int(self.headers(np.array([number])).overflow[0])
        left = self.file.size - number * self.page_size
        return min((overflow + 1) * self.page_size, left)

    def kind(self, number: int) -> int:
        """Return FLAG_LEAF or FLAG_BRANCH where the header can be believed, else 0."""
        header = self.headers(np.array([number]))
        flags = int(header.flags[0])
        believed = int(header.id[0]) == number and flags in (FLAG_LEAF, FLAG_BRANCH)
        return flags if believed else 0

    @cached_property
    def misplaced(self) -> dict[int, int]:
        """Return where pages lie whose header names another number; the first one of each counts.

        A disk that writes to the wrong place leaves them. Values may look like pages too, so
        nobody must believe one that its parent does not ask for.
        """
        numbers = np.arange(_FIRST_PAGE, self.count, dtype=np.int64)
        headers = self.headers(numbers)
        fits = (headers.flags == FLAG_LEAF) | (headers.flags == FLAG_BRANCH)
        fits &= (headers.count > 0) & (headers.id != numbers.astype(np.uint64))
        fits &= headers.id < np.uint64(1 << 48)
        fits &= PAGE_HEADER_SIZE + ELEMENT_SIZE * headers.count <= (
            (headers.overflow + 1) * self.page_size
        )
        found: dict[int, int] = {}
        for number, said in zip(numbers[fits].tolist(), headers.id[fits].tolist(), strict=True):
            found.setdefault(said, number)
        return found


class Reached:
    """Which bytes of a file some tree's pages take, so that what is left can be looked through."""

    def __init__(self, pages: PageMap) -> None:
        self._page_size = pages.page_size
        self.mask: Mask = np.zeros(pages.count, dtype=np.bool_)
        self.mask[:_FIRST_PAGE] = True

    def add(self, number: int, used: int) -> None:
        """Mark one page that uses so many bytes."""
        pages = max(-(-used // self._page_size), 1)
        self.mask[number : number + pages] = True

    def add_all(self, numbers: I64, used: I64) -> None:
        """Mark many pages."""
        pages = np.maximum(-(-used // self._page_size), 1)
        single = pages == 1
        self.mask[numbers[single]] = True
        rest = zip(numbers[~single].tolist(), pages[~single].tolist(), strict=True)
        for number, count in rest:
            self.mask[number : number + count] = True

    def rooms_between(self, numbers: I64) -> I64:
        """Return for pages how many bytes there are up to the next of them, or one reached."""
        taken = self.mask.copy()
        taken[numbers] = True
        ends = np.append(np.flatnonzero(taken), len(taken))
        following = ends[np.searchsorted(ends, numbers + 1)]
        room: I64 = (following - numbers) * self._page_size
        return room


def as_signed(column: U64) -> I64:
    """Return page numbers as int64, with -1 for those that no file has."""
    return np.where(column < np.uint64(1 << 48), column, np.uint64(1 << 63)).astype(np.int64)
