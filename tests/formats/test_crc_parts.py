"""Checksums of parts give that of the whole."""

from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.crc_parts import joined


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_joined(parts: list[bytes]) -> None:
    """Any division of a text, empty parts among it, gives its checksum."""
    assert joined((crc32c(part), len(part)) for part in parts) == crc32c(b"".join(parts))


def test_large_parts() -> None:
    """Sizes of gigabytes are nothing special: zeros are appended without being there."""
    first, zeros = crc32c(b"text"), 3 << 20
    whole = crc32c(b"text" + bytes(zeros))
    assert joined([(first, 4), (crc32c(bytes(zeros)), zeros)]) == whole
    doubled = joined([(whole, zeros + 4), (whole, zeros + 4)])
    assert joined([(doubled, 2 * (zeros + 4))] * 1024) == joined([(whole, zeros + 4)] * 2048)
