"""Equal keys get one number, different ones never."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats import key_groups as module
from requorum.formats.bbolt.columns import U64, FileBytes
from requorum.formats.key_groups import key_groups
from requorum.formats.source import BufferSource
from requorum.formats.user_keys import UserKeys

KEYS = st.lists(
    st.binary(max_size=3) | st.integers(0, 20).map(lambda n: b"same" * 4 + bytes(n)), max_size=40
)


def groups_of(keys: list[bytes]) -> list[int]:
    """Return the numbers of keys that lie side by side."""
    file = FileBytes(BufferSource(b"".join(keys) + bytes(8)))
    sizes = np.array([len(key) for key in keys], dtype=np.int64)
    found: list[int] = key_groups(file, UserKeys(np.cumsum(sizes) - sizes, sizes)).tolist()
    return found


def hold(keys: list[bytes]) -> None:
    """Compare with the obvious way: as many numbers as keys, and always the same for the same."""
    groups = groups_of(keys)
    assert len(set(zip(keys, groups, strict=True))) == len(set(keys)) == len(set(groups))
    assert sorted(set(groups)) == list(range(len(set(keys))))


@given(KEYS)
def test_equal_keys_share_a_number(keys: list[bytes]) -> None:
    """For any keys."""
    hold(keys)


@given(KEYS)
def test_collisions_are_harmless(keys: list[bytes]) -> None:
    """With fingerprints that all collide the numbers still tell the keys apart."""

    def worthless(_file: FileBytes, found: UserKeys) -> U64:
        return np.zeros(len(found), dtype=np.uint64)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fingerprints", worthless)
        hold(keys)


def test_long_keys() -> None:
    """One key of a megabyte among small ones."""
    hold([b"a", b"x" * (1 << 20), b"a", b"x" * (1 << 20), b"x" * (1 << 20) + b"y"])
