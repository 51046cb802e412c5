"""Identifiers as etcd prints them."""

import pytest

from requorum.domain.ids import hex_id


@pytest.mark.parametrize(
    ("number", "printed"), [(0, "0"), (0xCDF818194E3A8C32, "cdf818194e3a8c32"), (10, "a")]
)
def test_ids_are_unpadded_lowercase_hex(number: int, printed: str) -> None:
    """As in etcd's logs and `etcdctl member list`."""
    assert hex_id(number) == printed
