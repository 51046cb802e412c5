"""The leaves of one bucket's tree in their order, as far as branches lead to them.

A branch is believed element by element: a child counts where it says itself that it is that page.
What does not is a slot whose leaves are lost, and the place of the loss is kept.
"""

import struct
from dataclasses import dataclass, field

import numpy as np

from requorum.formats.bbolt.bucket import DEPTH_MAX
from requorum.formats.bbolt.columns import I64, Mask
from requorum.formats.bbolt.key_order import compare_keys
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE, FLAG_BRANCH, FLAG_LEAF, KEY_SIZE_MAX
from requorum.inspection.salvage.page_map import PageMap, as_signed

_HEADER = struct.Struct("<QHHI")
_BRANCH_ELEMENT = np.dtype([("position", "<u4"), ("key_size", "<u4"), ("child", "<u8")])


@dataclass
class TreeLeaves:
    """Leaves by the number of the page they lie on, left to right.

    `lost_before`: between the leaf before and this one lay others that nothing leads to any more.
    `fits`: its first key is the one that its parent names. `branches` are the pages that led here,
    with how many bytes each uses.
    """

    numbers: list[int] = field(default_factory=list)
    lost_before: list[bool] = field(default_factory=list)
    fits: list[bool] = field(default_factory=list)
    lost_at_end: bool = False
    branches: dict[int, int] = field(default_factory=dict)
    damages: list[tuple[int, str]] = field(default_factory=list)
    """(page number, what is wrong with it)."""

    def add(self, number: int, *, fits: bool) -> None:
        """Take the next leaf."""
        self.numbers.append(number)
        self.lost_before.append(self.lost_at_end)
        self.fits.append(fits)
        self.lost_at_end = False

    def lose(self, number: int, what: str) -> None:
        """Note that the next slot leads nowhere."""
        self.lost_at_end = True
        self.damages.append((number, what))


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch's elements; where `whole` is false, some are missing or wrong.

    `used` is how many bytes its page has by them. Its header may claim any number.
    """

    children: I64
    key_offset: I64
    key_size: I64
    whole: bool
    used: int


def tree_leaves(pages: PageMap, root: int) -> TreeLeaves:
    """Return the leaves below a root page. Each branch is followed once, so any walk ends."""
    return _without_repeats(_Walk(pages).run(root))


def _without_repeats(found: TreeLeaves) -> TreeLeaves:
    """Return each leaf once: where its first key is the one that its parent names, if anywhere."""
    if len(set(found.numbers)) == len(found.numbers):
        return found
    chosen = {number: row for row, number in reversed(list(enumerate(found.numbers)))}
    chosen |= {number: row for row, number in enumerate(found.numbers) if found.fits[row]}
    once = TreeLeaves(branches=found.branches, damages=found.damages)
    for row, number in enumerate(found.numbers):
        if found.lost_before[row]:
            once.lost_at_end = True
        if chosen[number] == row:
            once.add(number, fits=found.fits[row])
        else:
            once.lose(number, "the page is referenced twice")
    once.lost_at_end = once.lost_at_end or found.lost_at_end
    return once


class _Walk:
    def __init__(self, pages: PageMap) -> None:
        self.pages = pages
        self.found = TreeLeaves()
        self.seen: set[int] = set()

    def run(self, root: int) -> TreeLeaves:
        self._visit(root, depth=0, fits=True)
        return self.found

    def _visit(self, number: int, *, depth: int, fits: bool) -> None:
        where = self._where(number)
        if where is None or depth > DEPTH_MAX:
            self.found.lose(number, "the page that its parent names is not there")
            return
        kind = self.pages.kind(number) if where == number else self._kind_at(where)
        if kind == 0:
            kind = self._guessed(where)
            self.found.damages.append((number, "its header is damaged"))
        if kind != FLAG_BRANCH:
            self.found.add(where, fits=fits)
        elif where in self.seen:
            self.found.lose(number, "the page is referenced twice")
        else:
            self.seen.add(where)
            self._branch(where, depth)

    def _where(self, number: int) -> int | None:
        """Return where a page lies: in its place, or where a disk put it by mistake."""
        if not self.pages.has(number):
            return None
        if self.pages.kind(number):
            return number
        if number in self.pages.misplaced:
            where = self.pages.misplaced[number]
            self.found.damages.append((number, f"found at the place of page {where}"))
            return where
        return number

    def _kind_at(self, where: int) -> int:
        return int(self.pages.headers(np.array([where])).flags[0])

    def _guessed(self, where: int) -> int:
        """Return what a page without a header is: a branch if its elements lead to pages."""
        branch = read_branch(self.pages, where)
        if len(branch.children) == 0:
            return FLAG_LEAF
        good = sum(1 for child in branch.children.tolist() if self._is_page(child))
        return FLAG_BRANCH if 2 * good > len(branch.children) else FLAG_LEAF

    def _is_page(self, number: int) -> bool:
        return self.pages.has(number) and self.pages.kind(number) != 0

    def _branch(self, where: int, depth: int) -> None:
        branch = read_branch(self.pages, where)
        self.found.branches[where] = branch.used
        if not branch.whole:
            self.found.damages.append((where, "its elements are damaged"))
        fits = self._fitting(branch)
        if self._all_leaves(branch.children):
            for child, fit in zip(branch.children.tolist(), fits.tolist(), strict=True):
                self.found.add(child, fits=fit)
        else:
            for child, fit in zip(branch.children.tolist(), fits.tolist(), strict=True):
                self._visit(child, depth=depth + 1, fits=fit)
        if not branch.whole:
            self.found.lost_at_end = True

    def _all_leaves(self, children: I64) -> bool:
        """Return whether the children can be taken together: all of them there, and leaves."""
        if not len(children) or children.min() < 2 or children.max() >= self.pages.count:
            return False
        headers = self.pages.headers(children)
        sound = (headers.id == children.astype(np.uint64)) & (headers.flags == FLAG_LEAF)
        return bool(sound.all())

    def _fitting(self, branch: Branch) -> Mask:
        """Return which children begin with the key that the branch names."""
        offset, size = first_keys(self.pages, branch.children)
        known = (size > 0) & (branch.key_size > 0)
        fits = np.zeros(len(size), dtype=np.bool_)
        fits[known] = (
            compare_keys(
                self.pages.file,
                offset[known], size[known], branch.key_offset[known], branch.key_size[known],
            ) == 0
        )  # fmt: skip  # a pair of keys a line
        return fits


def read_branch(pages: PageMap, number: int) -> Branch:
    """Return a branch's children, damaged or not; a child that is out of question is negative."""
    start, room = number * pages.page_size, pages.span(number)
    counts = _counts(pages.file.view, start, room)
    readings = [_elements(pages, start, room, count) for count in counts]
    if not readings:
        none = np.zeros(0, dtype=np.int64)
        return Branch(none, none, none, whole=False, used=PAGE_HEADER_SIZE)
    return max(readings, key=lambda branch: (branch.whole, int((branch.key_size > 0).sum())))


def _counts(view: memoryview, start: int, room: int) -> list[int]:
    if room < PAGE_HEADER_SIZE + ELEMENT_SIZE:
        return []
    said = _HEADER.unpack_from(view, start)[2]
    position = int.from_bytes(
        view[start + PAGE_HEADER_SIZE : start + PAGE_HEADER_SIZE + 4], "little"
    )
    counts = [said, position // ELEMENT_SIZE if position % ELEMENT_SIZE == 0 else 0]
    fitting = (room - PAGE_HEADER_SIZE) // ELEMENT_SIZE
    return [count for count in dict.fromkeys(counts) if 0 < count <= fitting]


def _elements(pages: PageMap, start: int, room: int, count: int) -> Branch:
    begin = start + PAGE_HEADER_SIZE
    raw = np.frombuffer(pages.file.view, dtype=_BRANCH_ELEMENT, count=count, offset=begin)
    at = begin + ELEMENT_SIZE * np.arange(count, dtype=np.int64)
    key, size = at + raw["position"].astype(np.int64), raw["key_size"].astype(np.int64)
    data, end = begin + ELEMENT_SIZE * count, start + room
    inside = (key >= data) & (key + size <= end) & (size > 0) & (size <= KEY_SIZE_MAX)
    packed = np.append(key[:1] == data, key[1:] == (key + size)[:-1])
    whole = bool((inside & packed).all())
    # A key that touches neither neighbour's may be anywhere.
    joined = inside & (packed | np.append(packed[1:], False))
    used = int(np.where(joined, key + size, data).max()) - start
    size = np.where(inside, size, 0)
    return Branch(as_signed(raw["child"]), np.where(inside, key, 0), size, whole, used)


def first_keys(pages: PageMap, numbers: I64) -> tuple[I64, I64]:
    """Return offset and size of each page's first key; size 0 where there is none to be seen."""
    there = (numbers >= 2) & (numbers < pages.count)
    start = np.where(there, numbers, 0) * pages.page_size
    begin = start + PAGE_HEADER_SIZE
    there &= begin + ELEMENT_SIZE <= pages.file.size
    begin = np.where(there, begin, 0)
    first, second = pages.file.u64(begin), pages.file.u64(begin + 8)
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    leaf = pages.file.u64(start + 8) & np.uint64(0xFFFF) == FLAG_LEAF
    position = np.where(leaf, first >> high, first & low).astype(np.int64)
    size = np.where(leaf, second & low, first >> high).astype(np.int64)
    offset = begin + position
    seen = there & (size > 0) & (size <= KEY_SIZE_MAX) & (offset + size <= pages.file.size)
    return np.where(seen, offset, 0), np.where(seen, size, 0)
