"""Ends of segments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.wal_end import end_of_data, is_torn
from requorum.formats.wal_records import RecordType, frame


@given(st.binary(max_size=100), st.integers(0, 3_000_000))
def test_end_of_data(content: bytes, zeros: int) -> None:
    """The end lies behind the last byte that is not zero, less than a word behind it."""
    used = len(content.rstrip(b"\0"))
    end = end_of_data(memoryview(content + bytes(zeros)))
    assert used <= end < used + 8


@pytest.mark.parametrize(
    ("zeroed", "torn"),
    [
        ((512, 1024), True),  # one whole sector
        ((513, 1024), False),  # all of it but one byte
        ((8, 512), True),  # what the frame has of its first sector
        ((1536, 2000), True),  # what it has of its last one
        ((700, 1400), False),  # longer than a sector, but across two
    ],
)
def test_zero_sectors(zeroed: tuple[int, int], torn: bool) -> None:  # noqa: FBT001 - parametrized
    """Sectors count from the beginning of the file, whatever frame lies in them."""
    content = bytearray(frame(RecordType.ENTRY, b"\xff" * 1980, 0)[0])
    assert len(content) == 2000
    start, end = zeroed
    content[start:end] = bytes(end - start)
    assert is_torn(memoryview(content), 0) is torn


def test_beyond_the_file() -> None:
    """A frame that the file ends within is torn, and so is a cut length word."""
    content = frame(RecordType.ENTRY, b"\xff" * 100, 0)[0]
    assert not is_torn(memoryview(content), 0)
    assert is_torn(memoryview(content[:-1]), 0)
    assert is_torn(memoryview(content[:5]), 0)
