"""Logs that lost their last entries and look as if they had ended before them.

Zeros behind a whole record are how every log ends. Where most members' logs are whole up to an
entry, all are zeros behind it, and no database shows more, nobody can know that there was more.
"""

from collections.abc import Mapping
from pathlib import Path

from requorum.lab.salvage_trials.evidence import Evidence
from requorum.lab.salvage_trials.recorded import Member, Recorded, segments_of, wal_of


def last_shown(recorded: Recorded, damaged: Mapping[str, Path], evidence: Evidence) -> int:
    """Return the last committed entry, or that before it behind which nothing shows any entry."""
    logs = [
        (member, damaged[name])
        for name, member in recorded.members.items()
        if segments_of(damaged[name])
    ]
    ends = [end for member, path in logs if (end := _whole_until(member, path)) is not None]
    if len(ends) <= len(recorded.members) // 2:
        return recorded.committed
    end = max(ends)
    nothing = all(_zeros_behind(member, path, end) for member, path in logs)
    if nothing and not _more_in_databases(recorded, evidence, end):
        return min(recorded.committed, end)
    return recorded.committed


def _whole_until(member: Member, damaged: Path) -> int | None:
    """Return the entry up to which a log is as it was; None where more than its end is not."""
    end = 0
    for segment, same in _same_bytes(member, damaged).items():
        for index, place in member.places.items():
            if place.segment == segment and place.end <= same:
                end = index
        if any(p.end > same for p in member.places.values() if p.segment == segment):
            break
    return end if end and _zeros_behind(member, damaged, end) else None


def _same_bytes(member: Member, damaged: Path) -> dict[str, int]:
    """Return up to which byte each segment is as it was."""
    same = {}
    for path in segments_of(member.data_dir):
        used = max((p.end for p in member.places.values() if p.segment == path.name), default=0)
        before, now = (
            _bytes(member.data_dir, path.name, 0, used),
            _bytes(damaged, path.name, 0, used),
        )
        differing = (
            at for at, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]
        )
        same[path.name] = next(differing, min(len(before), len(now)))
    return same


def _zeros_behind(member: Member, damaged: Path, end: int) -> bool:
    """Return whether a log shows nothing from the first entry behind `end` on."""
    behind = [place for index, place in member.places.items() if index > end]
    if not behind:
        return True
    first = behind[0]
    for path in segments_of(damaged):
        begin = first.start if path.name == first.segment else 0
        if path.name >= first.segment and any(_bytes(damaged, path.name, begin, None)):
            return False
    return True


def _bytes(data_dir: Path, segment: str, begin: int, end: int | None) -> bytes:
    path = wal_of(data_dir) / segment
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(-1 if end is None else end - begin)


def _more_in_databases(recorded: Recorded, evidence: Evidence, end: int) -> bool:
    """Return whether a database holds what an entry behind `end` made, or says that it has it."""
    truth = recorded.truth
    revision = max((r for i, r in truth.revision_of.items() if i <= end), default=1)
    return (
        any(at.main > revision for at in evidence.records)
        or any(truth.granted[lease] > end for lease in evidence.leases)
        or any(
            evidence.holds(b"consistent_index" + index.to_bytes(8, "big"))
            for index in range(end + 1, len(recorded.log) + 1)
        )
    )
