"""A disk that gives only parts of a file."""

from dataclasses import dataclass

import pytest

from requorum.errors import DamagedInput
from requorum.formats.readable_parts import (
    BLOCK_LENGTH,
    FAILED_READS_MAX,
    UnreadableRange,
    read_parts,
)
from requorum.formats.source import BufferSource


@dataclass
class FailingDisk:
    """Gives bytes 1, but fails to read whatever touches a bad block."""

    size: int
    bad: frozenset[int]
    reads: int = 0

    def read(self, offset: int, length: int) -> memoryview:
        """Return the bytes, or fail as the kernel does."""
        self.reads += 1
        blocks = range(offset // BLOCK_LENGTH, (offset + length - 1) // BLOCK_LENGTH + 1)
        if self.bad.intersection(blocks):
            raise DamagedInput(f"byte {offset}: input/output error")
        return memoryview(b"\1" * length)


def test_a_sound_disk_is_read_at_once() -> None:
    """No copy is made of what can be had."""
    parts = read_parts(BufferSource(b"abc"), 3)
    assert (bytes(parts.content), parts.unreadable) == (b"abc", ())


@pytest.mark.parametrize("size", [10 * BLOCK_LENGTH, 10 * BLOCK_LENGTH + 77])
@pytest.mark.parametrize("bad", [{0}, {3}, {3, 4}, {9}, {1, 7}])
def test_only_the_bad_blocks_are_lost(bad: set[int], size: int) -> None:
    """Zeros stand in their place, and their ranges are told."""
    parts = read_parts(FailingDisk(size, frozenset(bad)), size)
    lost = b"".join((b"\0" if block in bad else b"\1") * BLOCK_LENGTH for block in range(11))
    assert bytes(parts.content) == lost[:size]
    told = {
        b
        for r in parts.unreadable
        for b in range(r.start // BLOCK_LENGTH, -(-r.end // BLOCK_LENGTH))
    }
    assert told == bad
    assert all("input/output error" in r.problem for r in parts.unreadable)


def test_neighbours_are_one_range() -> None:
    """So that one scratch is told once."""
    parts = read_parts(FailingDisk(8 * BLOCK_LENGTH, frozenset({3, 4})), 8 * BLOCK_LENGTH)
    (found,) = parts.unreadable
    assert isinstance(found, UnreadableRange)
    assert (found.start, found.end) == (3 * BLOCK_LENGTH, 5 * BLOCK_LENGTH)


def test_a_dead_disk_is_given_up() -> None:
    """Each failing read may take seconds: their number is bounded, whatever the size."""
    disk = FailingDisk(64_000_000, frozenset(range(64_000_000 // BLOCK_LENGTH + 1)))
    parts = read_parts(disk, disk.size)
    assert [(r.start, r.end) for r in parts.unreadable] == [(0, disk.size)]
    assert disk.reads <= 3 * FAILED_READS_MAX
