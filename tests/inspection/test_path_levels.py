"""The levels of paths, for any keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.source import BufferSource
from requorum.formats.user_keys import UserKeys
from requorum.inspection import path_levels as module
from requorum.inspection.path_levels import LEVELS_MAX, path_levels

KEYS = st.lists(st.text(alphabet="ab/", max_size=12).map(str.encode), max_size=20)


def levels_of(keys: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    """Return (row, level, the level above) of keys that lie side by side."""
    file = FileBytes(BufferSource(b"".join(keys) + bytes(8)))
    sizes = np.array([len(key) for key in keys], dtype=np.int64)
    found = []
    for levels in path_levels(file, UserKeys(np.cumsum(sizes) - sizes, sizes)):
        names = {}
        columns = (levels.row, levels.size, levels.parent_size, levels.group)
        for row, size, above, group in zip(*(c.tolist() for c in columns), strict=True):
            name = keys[row][:size]
            assert names.setdefault(group, name) == name
            found.append((row, name, keys[row][:above]))
        assert len(set(names.values())) == len(names)
    return found


def expected(keys: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    """Return the same, the obvious way."""
    found = []
    for row, key in enumerate(keys):
        above = b""
        ends = [at + 1 for at, byte in enumerate(key) if byte == ord("/") and at > 0]
        for end in ends[:LEVELS_MAX]:
            found.append((row, key[:end], above))
            above = key[:end]
    return found


@given(KEYS)
def test_levels(keys: list[bytes]) -> None:
    """Each slash but one at the begin ends a level, up to the deepest that are told apart."""
    assert levels_of(keys) == expected(keys)


@given(KEYS)
def test_levels_in_small_chunks(keys: list[bytes]) -> None:
    """How many keys are looked at together makes no difference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BYTES_PER_CHUNK", 5)
        assert levels_of(keys) == expected(keys)


def test_a_long_key_is_not_read_to_its_end() -> None:
    """Its first levels are told, the others are not looked for."""
    assert levels_of([b"/a/" + b"x" * 5000 + b"/y"]) == [(0, b"/a/", b"")]
