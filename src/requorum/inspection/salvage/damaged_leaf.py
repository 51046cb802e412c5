"""One leaf of the bucket `key`, read record by record where it is damaged.

bbolt fills a page without a gap: the elements, then key and value of each in the same order. So
where an element is damaged its record can still be found, behind the one before it; and a page
whose records follow each other from the end of the elements on, as many as there are elements, has
lost none.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from requorum.errors import DamagedInput
from requorum.formats.bbolt.meta import PAGE_HEADER_SIZE
from requorum.formats.bbolt.page import ELEMENT_SIZE
from requorum.formats.mvcc import REVISION_SIZE, Revision
from requorum.inspection.salvage.carving import FoundRecord, carve, record_at
from requorum.inspection.salvage.places import MAIN_MAX, place_of

_ELEMENT = struct.Struct("<IIII")
_HEADER = struct.Struct("<QHHI")


@dataclass(frozen=True, slots=True)
class FoundLeaf:
    """The records of a leaf, ascending.

    `gap_before` says for each whether records may be missing between the one before it, or the
    page's beginning, and itself; `gap_at_end` the same behind the last one. `end` is the byte
    behind everything that was read.
    """

    records: tuple[FoundRecord, ...]
    gap_before: tuple[bool, ...]
    gap_at_end: bool
    end: int


def read_damaged_leaf(view: memoryview, start: int, room: int, page_size: int) -> FoundLeaf:
    """Return the records of the leaf whose header is at `start`.

    It may reach over `room` bytes where an element says so; what no element leads to is looked for
    on the pages that it reaches over. Work is bounded by the elements and bytes of those.
    """
    known = max(
        (_by_elements(view, start, room, count) for count in _counts(view, start, room)),
        key=len,
        default=[],
    )
    records = _in_order([*known, *_carved(view, start, room, page_size, known)])
    if not records:
        return FoundLeaf((), (), gap_at_end=True, end=start)
    count = _proven_count(view, start, room, records)
    begins = count is not None and records[0].start == _data(start, count)
    ends = count is not None and records[-1].start == _key_of(view, start, count - 1)
    return FoundLeaf(
        records=tuple(records),
        gap_before=(not begins, *(a.end != b.start for a, b in pairwise(records))),
        gap_at_end=not ends,
        end=max(r.end for r in records),
    )


def _counts(view: memoryview, start: int, room: int) -> list[int]:
    """Return how many elements there may be: what the header says, what the first element says."""
    if room < PAGE_HEADER_SIZE + ELEMENT_SIZE:
        return []
    counts = [_HEADER.unpack_from(view, start)[2]]
    by_position = _count_by_position(view, start)
    if by_position is not None:
        counts.append(by_position)
    fitting = (room - PAGE_HEADER_SIZE) // ELEMENT_SIZE
    return [count for count in dict.fromkeys(counts) if 0 < count <= fitting]


def _count_by_position(view: memoryview, start: int) -> int | None:
    """Return how many elements lie before the first key, as the first of them says."""
    position: int = _ELEMENT.unpack_from(view, start + PAGE_HEADER_SIZE)[1]
    return position // ELEMENT_SIZE if position % ELEMENT_SIZE == 0 else None


def _by_elements(view: memoryview, start: int, room: int, count: int) -> list[FoundRecord]:
    """Return the records that lie where an element says, and end where it says."""
    records = []
    end = start + room
    for index in range(count):
        at = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * index
        _flags, position, key_size, value_size = _ELEMENT.unpack_from(view, at)
        key, size = at + position, key_size + value_size
        if _data(start, count) <= key and key + size <= end:
            found = _record(view, key, key_size, value_size)
            if found is not None:
                records.append(found)
    return _by_told_main(records)


def _record(view: memoryview, start: int, key_size: int, value_size: int) -> FoundRecord | None:
    """Return the record that has these bytes; its last field must end where they do."""
    end = start + key_size + value_size
    if value_size == 0 and key_size == REVISION_SIZE:
        return _bump_mark(view, start)
    found = record_at(view[start:end], 0, offset=start)
    return found if found is not None and found.end == end else None


def _bump_mark(view: memoryview, start: int) -> FoundRecord | None:
    """Return what `snapshot restore --bump-revision` leaves: a revision without a value."""
    try:
        revision = Revision.parse(view[start : start + REVISION_SIZE])
    except DamagedInput:
        return None
    if revision.main > MAIN_MAX or revision.sub:
        return None
    end = start + REVISION_SIZE
    return FoundRecord(
        place=place_of(revision.main),
        tombstone=False,
        start=start,
        value_offset=end,
        end=end,
        told_main=None,
    )


def _by_told_main(records: Sequence[FoundRecord]) -> list[FoundRecord]:
    """Return the records whose key and message agree, and others whose key alone is damaged.

    The message repeats the revision. Where that fits between the neighbours and what the key says
    does not, the key is damaged.
    """
    by_start = sorted(records, key=lambda r: r.start)
    sure = [record for record in by_start if record.main_agrees]
    chain = [sure[i] for i in longest_ascending([record.place for record in sure])]
    starts = [record.start for record in chain]
    kept = []
    for record in by_start:
        following = bisect_left(starts, record.start)
        before = chain[following - 1].place if following else -1
        after = chain[following].place if following < len(chain) else None
        moved = record.moved()
        if record.main_agrees:
            kept.append(record)
        elif _between(before, moved.place, after) and not _between(before, record.place, after):
            kept.append(moved)
    return kept


def _between(before: int, place: int, after: int | None) -> bool:
    return before < place and (after is None or place < after)


def _key_of(view: memoryview, start: int, index: int) -> int:
    at = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * index
    position: int = _ELEMENT.unpack_from(view, at)[1]
    return at + position


def _data(start: int, count: int) -> int:
    return start + PAGE_HEADER_SIZE + ELEMENT_SIZE * count


def _carved(
    view: memoryview, start: int, room: int, page_size: int, known: Sequence[FoundRecord]
) -> Iterator[FoundRecord]:
    """Yield records from where no element led to one.

    How many pages there are is told by the records that are known; the header may be wrong.
    """
    by_start = sorted(known, key=lambda r: r.start)
    used = max((record.end for record in known), default=start) - start
    end = start + min(max(-(-used // page_size), 1) * page_size, room)
    at = start + PAGE_HEADER_SIZE
    for record in by_start:
        yield from carve(view, at, max(record.start, at))
        at = max(record.end, at)
    yield from carve(view, at, max(end, at), max(start + room, at))


def _in_order(records: Sequence[FoundRecord]) -> list[FoundRecord]:
    """Return the records by their place in the file, without those that are out of order."""
    by_start = sorted(records, key=lambda r: r.start)
    return [by_start[i] for i in longest_ascending([r.place for r in by_start])]


def _proven_count(
    view: memoryview, start: int, room: int, records: Sequence[FoundRecord]
) -> int | None:
    """Return how many records the page has, where that is known.

    Both places that say it must agree, or one of them with where the first record lies.
    """
    fitting = _counts(view, start, room)
    if not fitting:
        return None
    by_header: int = _HEADER.unpack_from(view, start)[2]
    if by_header == _count_by_position(view, start):
        return by_header if by_header in fitting else None
    lies = (records[0].start - start - PAGE_HEADER_SIZE) / ELEMENT_SIZE
    return next((count for count in fitting if count == lies), None)


def longest_ascending(values: Sequence[int]) -> list[int]:
    """Return the indexes of the longest strictly ascending subsequence."""
    tails: list[int] = []
    tail_indexes: list[int] = []
    previous: dict[int, int] = {}
    for index, value in enumerate(values):
        length = bisect_left(tails, value)
        if length:
            previous[index] = tail_indexes[length - 1]
        if length == len(tails):
            tails.append(value)
            tail_indexes.append(index)
        else:
            tails[length], tail_indexes[length] = value, index
    chain: list[int] = []
    at = tail_indexes[-1] if tail_indexes else None
    while at is not None:
        chain.append(at)
        at = previous.get(at)
    return chain[::-1]
