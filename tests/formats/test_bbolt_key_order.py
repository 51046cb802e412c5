"""Keys compare by the million as they do one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.bbolt.key_order import compare_keys
from requorum.formats.source import BufferSource

KEYS = (
    st.binary(max_size=20)
    | st.integers(0, 30).map(lambda n: b"p" * 8 + bytes(n))
    | st.binary(max_size=3).map(lambda end: b"p" * 520 + end)
)


@pytest.mark.parametrize("copies", [1, 40])
@given(pairs=st.lists(st.tuples(KEYS, KEYS), max_size=30), padding=st.integers(0, 9))
def test_compare_keys(pairs: list[tuple[bytes, bytes]], padding: int, copies: int) -> None:
    """Any pairs compare as bytes do, up to the last byte of the file; few at a time or many."""
    keys = [key for pair in pairs for key in pair]
    sizes = np.array([len(key) for key in keys], dtype=np.int64)
    data = bytes(8) + bytes([255]) * padding + b"".join(keys)
    offsets = 8 + padding + np.cumsum(sizes) - sizes
    columns = [
        np.tile(part, copies) for part in (offsets[::2], sizes[::2], offsets[1::2], sizes[1::2])
    ]
    signs = compare_keys(FileBytes(BufferSource(data)), *columns)
    assert signs.tolist() == [(one > other) - (one < other) for one, other in pairs] * copies
