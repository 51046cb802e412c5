"""Equality of ranges of two files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.source import BufferSource
from requorum.inspection.difference import same_bytes as module
from requorum.inspection.difference.same_bytes import Ranges, same_bytes


def file_of(parts: list[bytes]) -> tuple[FileBytes, Ranges]:
    """Return a file with some ranges, an empty part being a gap of three bytes before the next."""
    data, offset, size = b"", [], []
    for part in parts:
        data += b"gap" if not part else b""
        offset.append(len(data))
        size.append(len(part))
        data += part
    return FileBytes(BufferSource(data + bytes(8))), Ranges(
        np.array(offset, "i8"), np.array(size, "i8")
    )


PARTS = st.lists(st.sampled_from([b"", b"a", b"b", b"aa", b"ab" * 9]), max_size=20)


@given(PARTS, PARTS)
def test_equal_as_bytes_are(left: list[bytes], right: list[bytes]) -> None:
    """However the ranges lie to each other, each pair is equal exactly if its bytes are."""
    count = min(len(left), len(right))
    a, ours = file_of(left[:count])
    b, theirs = file_of(right[:count])
    expected = [x == y for x, y in zip(left[:count], right[:count], strict=True)]
    assert same_bytes(a, ours, b, theirs).tolist() == expected


def test_large_ranges_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference in the last byte of a long range is found, and none is made up."""
    long = bytes(range(256)) * 40
    a, ours = file_of([long, b"", long])
    b, theirs = file_of([long, b"", long[:-1] + b"!"])
    monkeypatch.setattr(module, "_PIECE_SIZE", 100)
    assert same_bytes(a, ours, b, theirs).tolist() == [True, True, False]
