"""The logs as they were before any damage: which entry lies where, and which log is the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.raftpb import Entry, decode_entry
from requorum.formats.source import BufferSource
from requorum.formats.wal import Ending, RecordType, read_segment


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry is written: bytes of one segment.

    `proof_start` is where the record before it begins, whose checksum this one's is chained to.
    """

    entry: Entry
    segment: str
    proof_start: int
    start: int
    end: int


def entry_places(segments: Mapping[str, bytes]) -> dict[int, Place]:
    """Return the entries of a whole log by index: the last one that was written for each.

    `segments` are whole files by name, in order. DamagedInput where they are not whole.
    """
    places: dict[int, Place] = {}
    for name, data in segments.items():
        segment = read_segment(BufferSource(data), last=name == max(segments))
        if segment.damages or segment.ending is Ending.DAMAGED:
            raise DamagedInput(f"{name} is damaged before any damage was done")
        before = 0
        for record in segment.records:
            if record.type == RecordType.ENTRY:
                entry = decode_entry(record.data)
                while places and next(reversed(places)) >= entry.index:
                    places.popitem()
                places[entry.index] = Place(entry, name, before, record.offset, record.end)
            before = record.offset
    return places


def true_log(logs: Sequence[Mapping[int, Place]]) -> list[Entry]:
    """Return the log that wins an election among all members, from its first entry on."""
    winner = max(logs, key=_position)
    if list(winner) != list(range(1, len(winner) + 1)):
        raise DamagedInput("a log that was never damaged has no first entry, or a hole")
    return [place.entry for place in winner.values()]


def committed(logs: Sequence[Mapping[int, Place]], log: Sequence[Entry]) -> int:
    """Return the last entry of the true log that a majority has: none behind it was acknowledged.

    A leader may have written more. It was true all the same had the leader won the next election.
    """
    held = (_held(log, places) for places in logs)
    return sorted(held, reverse=True)[len(logs) // 2]


def _held(log: Sequence[Entry], places: Mapping[int, Place]) -> int:
    """Return up to which entry a member's log is the true one."""
    same = (e.index for e in reversed(log) if e.index in places)
    return next((i for i in same if places[i].entry.term == log[i - 1].term), 0)


def _position(log: Mapping[int, Place]) -> tuple[int, int]:
    if not log:
        return 0, 0
    last = max(log)
    return log[last].entry.term, last
