"""Sizes as operators read them."""

import pytest

from requorum.domain.units import binary_size


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1 << 20, "1.0 MiB"),
        (3 << 29, "1.5 GiB"),
        (5 << 40, "5.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_binary_size(size: int, shown: str) -> None:
    """The unit is the largest that leaves a whole number before the point."""
    assert binary_size(size) == shown
