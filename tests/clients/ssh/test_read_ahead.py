"""Reads from blocks that are kept."""

from hypothesis import given
from hypothesis import strategies as st

from requorum.clients.hosts.ssh import read_ahead
from requorum.clients.hosts.ssh.read_ahead import BLOCK_BYTES, ReadAhead

_DATA = bytes(number * 7 % 251 for number in range(5 * BLOCK_BYTES + 100))


class Far:
    """A file far away; remembers what was fetched of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.fetched: list[tuple[int, int]] = []

    def fetch(self, offset: int, length: int) -> bytes:
        """Return exactly those bytes."""
        assert 0 <= offset <= offset + length <= len(self.data)
        self.fetched.append((offset, length))
        return self.data[offset : offset + length]


@given(
    st.lists(
        st.tuples(st.integers(0, len(_DATA)), st.integers(0, len(_DATA))).map(
            lambda pair: (pair[0], min(pair[1], len(_DATA) - pair[0]))
        ),
        max_size=30,
    )
)
def test_every_read_is_right(reads: list[tuple[int, int]]) -> None:
    """Whatever was read before."""
    far = Far(_DATA)
    reader = ReadAhead(len(_DATA), far.fetch)
    for offset, length in reads:
        assert reader.read(offset, length) == _DATA[offset : offset + length]


def test_what_is_kept_is_not_fetched_again() -> None:
    """A page is read many times over."""
    far = Far(_DATA)
    reader = ReadAhead(len(_DATA), far.fetch)
    for _ in range(3):
        reader.read(10, 20)
        reader.read(BLOCK_BYTES - 1, 1)
    assert far.fetched == [(0, BLOCK_BYTES)]


def test_who_reads_on_is_given_more() -> None:
    """Twice as much each time; who jumps is given one block."""
    far = Far(bytes(200 * BLOCK_BYTES))
    reader = ReadAhead(200 * BLOCK_BYTES, far.fetch)
    for offset in range(0, 100 * BLOCK_BYTES, 4096):
        reader.read(offset, 4096)
    assert len(far.fetched) < 12
    far.fetched.clear()
    reader.read(190 * BLOCK_BYTES, 1)
    reader.read(180 * BLOCK_BYTES, 1)
    assert far.fetched == [(190 * BLOCK_BYTES, BLOCK_BYTES), (180 * BLOCK_BYTES, BLOCK_BYTES)]


def test_memory_is_bounded() -> None:
    """However much is read."""
    far = Far(bytes(8 * read_ahead._KEPT_MAX_BLOCKS * BLOCK_BYTES))
    reader = ReadAhead(len(far.data), far.fetch)
    for offset in range(0, len(far.data), 40 * BLOCK_BYTES):
        reader.read(offset, min(40 * BLOCK_BYTES, len(far.data) - offset))
    assert len(reader._kept) <= read_ahead._KEPT_MAX_BLOCKS


def test_what_is_large_is_fetched_as_it_is() -> None:
    """And not kept."""
    far = Far(bytes(200 * BLOCK_BYTES))
    reader = ReadAhead(len(far.data), far.fetch)
    assert len(reader.read(5, 150 * BLOCK_BYTES)) == 150 * BLOCK_BYTES
    assert far.fetched == [(5, 150 * BLOCK_BYTES)]
    assert not reader._kept
