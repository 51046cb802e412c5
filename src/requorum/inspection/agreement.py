"""What the members' evidence says when it is laid side by side."""

from collections import Counter
from collections.abc import Mapping

from requorum.inspection.evidence import MemberEvidence


def vote(members: Mapping[str, MemberEvidence]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return (outvoted member -> why, members in a dispute that no majority settles).

    bbolt has no checksums: a flipped bit in an old value shows only where another database holds
    the same revision differently. `content` hashes were taken at one revision that all hold.
    """
    hashes = {
        name: m.database.content
        for name, m in members.items()
        if m.database is not None and m.database.content is not None
    }
    counts = Counter(hashes.values()).most_common()
    if len(counts) <= 1:
        return {}, ()
    (winner, most), (_, second) = counts[:2]
    if most == second:
        return {}, tuple(sorted(hashes))
    why = f"its keys differ from those of {most} other members at the same revision"
    return {name: why for name, found in hashes.items() if found != winner}, ()


def known_commit(members: Mapping[str, MemberEvidence]) -> int:
    """Return the highest index that anything we believe knows to be committed."""
    commits = [m.log.commit for m in members.values() if m.log is not None]
    applied = [
        m.database.index
        for m in members.values()
        if m.database is not None and not m.database.problems
    ]
    return max([*commits, *applied], default=0)
