"""The log that would win a Raft election, completed from the other members.

Raft's Log Matching property (Raft thesis, 3.5): two logs that hold an entry with the same index
and term are identical up to it. So a record that one member lost may be taken from another whose
log meets the winner's at that place or later; nothing else may fill a gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice

from requorum.formats.raftpb import Entry
from requorum.inspection.member_log import INDEX_JUMP_MAX, LogEnding, MemberLog

GAPS_MAX = 100_000
"""A database so far behind the log that more entries are missing between them is no base for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedLog:
    """One history made of all that can be read.

    `entries` by index; `borrowed` names the member that each filled-in entry was taken from;
    `gaps` are the indexes between first and last that no member can prove.
    """

    winner: str
    entries: Mapping[int, Entry]
    borrowed: Mapping[int, str]
    gaps: tuple[int, ...]
    first_index: int
    last_index: int
    last_term: int

    def backwards_from(self, index: int, *, at_most: int) -> tuple[Entry, ...]:
        """Return the entries from `index` down to the first gap, newest first."""
        found: list[Entry] = []
        while len(found) < at_most and (entry := self.entries.get(index)) is not None:
            found.append(entry)
            index -= 1
        return tuple(found)

    def gaps_after(self, index: int) -> tuple[int, ...]:
        """Return what is missing between `index` and the end, the first `GAPS_MAX` + 1 of it."""
        first = max(index + 1, 1)
        before = range(first, self.first_index) if self.entries else ()
        missing = chain(before, (g for g in self.gaps if g >= first))
        return tuple(islice(missing, GAPS_MAX + 1))


NO_LOG = CompletedLog(
    winner="", entries={}, borrowed={}, gaps=(), first_index=1, last_index=0, last_term=0
)
"""What is left when no member has a log: a database can still be taken as it is."""


def complete_log(
    logs: Mapping[str, MemberLog], *, across_holes: bool = False
) -> CompletedLog | None:
    """Return the winning log, its gaps filled as far as others prove them; None without logs.

    `across_holes`: what others hold before the winner's first entry is taken even where entries
    between are missing. Those are gaps then.
    """
    name = _winner(logs)
    if name is None:
        return None
    winner = logs[name]
    entries = {i: e for i, e in winner.entries.items() if i not in winner.doubtful}
    borrowed: dict[int, str] = {}
    others = [(n, log, _proven_up_to(winner, log)) for n, log in logs.items() if n != name]
    lowest = min(log.first_index for log in logs.values()) if across_holes else winner.first_index
    missing = 0
    for index in count(winner.last_index, -1):
        if index in entries:
            continue
        if missing > INDEX_JUMP_MAX:
            # Between a snapshot's mark and the entries there may be any number.
            entries = {i: e for i, e in entries.items() if i > index}
            break
        found = _borrow(index, others)
        if found is not None:
            borrowed[index], entries[index] = found
        elif index in winner.doubtful:
            # Better than a hole, and named as a gap all the same.
            entries[index] = winner.entries[index]
        elif index < max(lowest, 1):
            # Another log may go on further back, but not without a hole: most cannot use that.
            break
        else:
            missing += 1
    first = min(entries, default=winner.last_index + 1)
    whole = range(first, winner.last_index + 1)
    unproven = {i for i in winner.doubtful if i not in borrowed}
    return CompletedLog(
        winner=name,
        entries=entries,
        borrowed=borrowed,
        gaps=tuple(i for i in whole if i not in entries or i in unproven),
        first_index=first,
        last_index=winner.last_index,
        last_term=winner.last_term,
    )


def _winner(logs: Mapping[str, MemberLog]) -> str | None:
    """Return who would win: greatest last term, then index; among equals the least damaged."""
    if not logs:
        return None
    return max(sorted(logs), key=lambda n: (*logs[n].position, _soundness(logs[n])))


def _soundness(log: MemberLog) -> tuple[bool, int]:
    return (log.ending is LogEnding.CLEAN, len(log.entries))


def _proven_up_to(winner: MemberLog, other: MemberLog) -> int:
    """Return the index up to which the other's entries are the winner's too.

    Either both hold an entry of the same term there (Log Matching), or the other one wrote it down
    as committed, and the winner's log holds every committed entry that any other can show.
    """
    for place in sorted(winner.entries.keys() & other.entries.keys(), reverse=True):
        ours, theirs = winner.entries[place], other.entries[place]
        if place in winner.doubtful or place in other.doubtful:
            continue
        if ours.term == theirs.term:
            return max(place, other.committed_here)
    return other.committed_here


def _borrow(index: int, others: Sequence[tuple[str, MemberLog, int]]) -> tuple[str, Entry] | None:
    """Return the entry that the winner must have had at `index`, and whose copy it is."""
    for name, log, proven_up_to in others:
        candidate = log.entries.get(index)
        if candidate is not None and index <= proven_up_to and index not in log.doubtful:
            return name, candidate
    return None
