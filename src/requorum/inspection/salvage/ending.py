"""Whether the history may have gone on behind the last that was saved."""

from collections.abc import Iterator, Mapping, Sequence

from requorum.domain.quorum import witnesses_needed
from requorum.errors import DamagedInput
from requorum.formats.json_object import json_object
from requorum.inspection.member_log import LogEnding, MemberLog
from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.salvage import Salvaged
from requorum.inspection.salvage.witness import Standing, Witness


def lost_ending(salvaged: Salvaged, logs: Mapping[str, MemberLog], *, missing: int) -> str | None:
    """Return why later revisions may be lost, None where no damage says so.

    `missing` counts members' directories that were named and have no log. What lies behind the
    end of files that are whole, on disks that nobody named, cannot be known and is not asked here.
    """
    reasons = [*_cut_off(salvaged, logs, missing)]
    if not reasons:
        return None
    if salvaged.known_commit <= salvaged.index and _enough_whole_logs(salvaged, logs):
        return None
    return reasons[0]


def _cut_off(salvaged: Salvaged, logs: Mapping[str, MemberLog], missing: int) -> Iterator[str]:
    """Yield what is damaged so that its end is unknown, and was not seen whole elsewhere."""
    if salvaged.known_commit > salvaged.index:
        yield (
            f"entries up to {salvaged.known_commit} were committed, what is saved ends with "
            f"entry {salvaged.index}"
        )
    for name, log in logs.items():
        if log.ending is not LogEnding.CLEAN:
            yield f"the log in {name} does not end as it was written to end"
        elif log.damages:
            # Zeros look like the room that etcd sets aside for what it will write next.
            yield f"the log in {name} is damaged, and may have ended later"
    for number, gathered in enumerate(salvaged.settled.gathered):
        current = _current(gathered, salvaged.settled.witnesses, number)
        if current is None:
            yield "a database has lost the way to its last records"
        elif (current.gap_at_end or current.index is None) and not _surpassed(current, salvaged):
            yield "the last records of a database are lost"
    if missing:
        yield "a data directory has no log"
    if salvaged.story is not None and (salvaged.story.assumed or salvaged.story.unread):
        yield "entries of the log are missing"


def _current(gathered: Gathered, witnesses: Sequence[Witness], number: int) -> Witness | None:
    mine = (w for w in witnesses if w.file == number and w.standing is Standing.CURRENT)
    return next(mine, None) if gathered.file is not None else None


def _surpassed(witness: Witness, salvaged: Salvaged) -> bool:
    """Return whether something whole is known to reach beyond where a damaged file stood."""
    if witness.index is None:
        return False
    others = [
        w.index or 0
        for w in salvaged.settled.witnesses
        if w is not witness and not w.gap_at_end and w.standing is Standing.CURRENT
    ]
    if salvaged.story is not None and salvaged.story.state is not None:
        others.append(salvaged.story.state.index)
    return max(others, default=0) >= witness.index


def _enough_whole_logs(salvaged: Salvaged, logs: Mapping[str, MemberLog]) -> bool:
    """Return whether every quorum that can have acknowledged a write has one of the whole logs."""
    state = salvaged.story.state if salvaged.story is not None else None
    if state is None or salvaged.log is None or state.index < salvaged.log.last_index:
        return False
    whole = sum(
        log.ending is LogEnding.CLEAN and not log.damages and not log.doubtful
        for log in logs.values()
    )
    voters = max(_voters(salvaged.settled.witnesses), len(logs), len(salvaged.settled.gathered))
    return whole >= witnesses_needed(voters)


def _voters(witnesses: Sequence[Witness]) -> int:
    """Return how many voting members the databases list at most."""
    return max((_voters_of(w) for w in witnesses), default=1)


def _voters_of(witness: Witness) -> int:
    count = 0
    for value in witness.bucket(b"members").rows.values():
        try:
            count += json_object(value, "a member").get("isLearner") is not True
        except DamagedInput:
            continue
    return count
