"""What salvage reads of pages whose headers say what cannot be."""

import struct
from collections.abc import Iterator

from made_crash import MadeCrash, database_of

from requorum.formats.bbolt.page import FLAG_BRANCH, FLAG_LEAF
from requorum.formats.source import BufferSource
from requorum.inspection.salvage.gather import gather
from requorum.inspection.salvage.places import main_of
from requorum.lab.salvage_trials.truth import replay

PAGE = 4096
_HEADER = struct.Struct("<QHHI")


def pages_of(data: bytes, kind: int) -> Iterator[int]:
    """Yield where pages of a kind begin."""
    for at in range(2 * PAGE, len(data), PAGE):
        if _HEADER.unpack_from(data, at)[1] == kind:
            yield at


def last_leaf(data: bytes) -> bytes:
    """Return the leaf that holds the last record."""
    last = gather(BufferSource(data), 0).witnesses[0].rows.value_offset[-1]
    at = max(at for at in pages_of(data, FLAG_LEAF) if at <= last)
    assert _HEADER.unpack_from(data, at)[3] == 0
    return data[at : at + PAGE]


def with_stray(data: bytes, leaf: bytes) -> bytes:
    """Return a file that has one more page, to which nothing leads."""
    number = len(data) // PAGE
    return data + number.to_bytes(8, "little") + leaf[8:]


def test_a_branch_hides_no_page_behind_it(crash: MadeCrash) -> None:
    """Its elements say how long it is; a header that claims a thousand pages more is damaged."""
    before, after = (database_of(replay(crash.recorded.log[:n]), n) for n in (380, 400))
    data = bytearray(with_stray(before, last_leaf(after)))
    branch = next(pages_of(before, FLAG_BRANCH))
    found = []
    for overflow in (0, 1 << 10):
        struct.pack_into("<I", data, branch + 12, overflow)
        gathered = gather(BufferSource(bytes(data)), 0)
        found.append([main_of(place) for place in gathered.strays.rows.place.tolist()])
    assert found[0] == found[1]
    assert replay(crash.recorded.log[:400]).revision in found[0]
