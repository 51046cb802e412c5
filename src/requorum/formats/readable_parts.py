"""Read what a failing disk still gives, around the places that it does not."""

from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.source import Source

BLOCK_LENGTH = 4096
"""No disk loses less than that at once."""

FAILED_READS_MAX = 200
"""Each may take a disk seconds; what fails behind so many is left out in larger pieces."""


@dataclass(frozen=True, slots=True)
class UnreadableRange:
    """Bytes [start, end) that the disk did not give, and what it said."""

    start: int
    end: int
    problem: str


@dataclass(frozen=True, slots=True)
class ReadableParts:
    """The bytes of a source; zeros stand where it is `unreadable`, in ascending order."""

    content: bytes | memoryview
    unreadable: tuple[UnreadableRange, ...]


def read_parts(source: Source, length: int) -> ReadableParts:
    """Read the first `length` bytes, which must lie within the source; never raises for damage."""
    try:
        return ReadableParts(source.read(0, length), ())
    except DamagedInput:
        reading = _Reading(source, length)
        reading.read(0, length)
        return ReadableParts(bytes(reading.content), tuple(reading.unreadable))


class _Reading:
    def __init__(self, source: Source, length: int) -> None:
        self.content = bytearray(length)
        self.unreadable: list[UnreadableRange] = []
        self._source = source
        self._failed = 0

    def read(self, start: int, end: int) -> None:
        """Read a range; where that fails, read its halves."""
        try:
            self.content[start:end] = self._source.read(start, end - start)
        except DamagedInput as error:
            self._failed += 1
            if end - start <= BLOCK_LENGTH or self._failed > FAILED_READS_MAX:
                self._note(UnreadableRange(start, end, error.message))
                return
            middle = (start + end) // 2 // BLOCK_LENGTH * BLOCK_LENGTH
            middle = middle if middle > start else start + BLOCK_LENGTH
            self.read(start, middle)
            self.read(middle, end)

    def _note(self, found: UnreadableRange) -> None:
        last = self.unreadable[-1] if self.unreadable else None
        if last is not None and last.end == found.start:
            self.unreadable[-1] = UnreadableRange(last.start, found.end, last.problem)
        else:
            self.unreadable.append(found)
