"""What the members' evidence says when it is laid side by side."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from requorum.inspection.completed_log import CompletedLog
from requorum.inspection.evidence import DatabaseEvidence, MemberEvidence
from requorum.inspection.member_log import INDEX_JUMP_MAX, MemberLog

COMPARED_ENTRIES_MAX = 50_000
"""Log entries held against a database that nothing else vouches for: they are the newest ones.
A bound, because decoding an entry costs microseconds and a log may hold a million."""

COMPARED_ENTRIES_MIN = 2_000
"""The same where another database holds the same keys: what is left to see is whether it stands
where its consistent index says, and that takes the last few entries."""


@dataclass(frozen=True, slots=True)
class CommonRevision:
    """A revision that these members' databases all hold, as if all were compacted to `compact`."""

    members: tuple[str, ...]
    compact: int
    revision: int


def common_revision(members: Mapping[str, MemberEvidence]) -> CommonRevision | None:
    """Return where the sound databases can be compared; None with fewer than two.

    One that ends before another's compaction, an older copy, has no revision in common with it.
    """
    states = {
        name: m.database.state
        for name, m in members.items()
        if m.database is not None and m.database.readable and m.database.state is not None
    }
    compact = max((s.compact_revision for s in states.values()), default=0)
    reaching = {n: s for n, s in states.items() if s.current_revision >= compact}
    if len(reaching) < 2:
        return None
    revision = min(s.current_revision for s in reaching.values())
    return CommonRevision(tuple(reaching), compact, revision)


def lowest_index_needed(members: Iterable[MemberEvidence]) -> int:
    """Return from where on every log is wanted; 0 for all of it.

    What lies before each sound database and each member's newest snapshot is read by nobody, at a
    start or for an image. Without a sound database the whole log may have to make the state.
    """
    lows: list[int] = []
    for member in members:
        database = member.database
        if database is not None and database.readable:
            newest_snap = max((s.index for s in member.snaps), default=0)
            lows.append(min(database.index, newest_snap))
    return min(lows, default=0)


def entries_to_compare(member: MemberEvidence, members: Mapping[str, MemberEvidence]) -> int:
    """Return how many log entries to hold against this member's database."""
    hashed = {
        n: m.database.content
        for n, m in members.items()
        if m.database is not None and m.database.content is not None
    }
    common = common_revision(members)
    vouched = len(hashed) >= 2 and len(set(hashed.values())) == 1 and member.name in hashed
    if not vouched or common is None or member.database is None:
        return COMPARED_ENTRIES_MAX
    beyond = member.database.revision - common.revision
    return min(COMPARED_ENTRIES_MAX, COMPARED_ENTRIES_MIN + 2 * beyond)


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
    """Return the highest index that anything we believe knows to be committed.

    A damaged database is believed in this alone, and only where its claim can be true: it may
    prove that sound directories are older copies, and must not be overheard.
    """
    commits = [m.log.commit for m in members.values() if m.log is not None]
    applied = [
        m.database.index
        for m in members.values()
        if m.database is not None and not m.database.problems
    ]
    # etcd snapshots what is applied, and only what is committed is applied.
    snapshots = [s.index for m in members.values() if m.log is not None for s in m.snaps]
    last = max((m.log.last_index for m in members.values() if m.log is not None), default=0)
    claimed = [
        m.database.claimed_index
        for m in members.values()
        if m.database is not None and m.database.claimed_index <= last + INDEX_JUMP_MAX
    ]
    return max([*commits, *applied, *snapshots, *claimed], default=0)


def held_commit(members: Mapping[str, MemberEvidence], log: CompletedLog) -> int:
    """Return the highest index known to be committed that the completed log surely holds.

    Less than `known_commit` where a member wrote down that an index is committed, but its entry is
    lost: then the winner may be a log that never had it. A log holds a committed entry when it
    would win an election against one that ends with it.
    """
    position = (log.last_term, log.last_index)
    held = [0]
    for member in members.values():
        if member.log is not None and member.log.metadata is not None:
            held.append(_committed_and_readable(member.log))
            if _bound(member.log) <= position:
                held.append(member.log.commit)
        if member.database is not None and not member.database.problems:
            term = _term_of(member.database, member.log)
            if term is not None and (term, member.database.index) <= position:
                held.append(member.database.index)
    return max(held)


def _committed_and_readable(log: MemberLog) -> int:
    """Return the last entry that is readable here and known to be committed."""
    readable = (i for i in log.entries if i <= log.committed_here and i not in log.doubtful)
    return max(readable, default=0)


def _bound(log: MemberLog) -> tuple[int, int]:
    """Return a position that no log short of the commit written here can reach.

    The entry's own term may be lost; it was at most the member's term when it heard of the commit.
    """
    return (log.hard_state.term if log.hard_state else 0, log.commit)


def _term_of(database: DatabaseEvidence, log: MemberLog | None) -> int | None:
    """Return the term of the entry that the database applied last, or what it was at most.

    None where neither is known: before 3.5 the database does not say, and a log that lost its end
    does not reach to the time when that entry was applied.
    """
    if database.state is not None and database.state.term is not None:
        return database.state.term
    if log is None or log.hard_state is None or log.commit < database.index:
        return None
    return log.hard_state.term
