"""Whether one member's directory can be trusted, and with what.

Three questions, each answered with its reasons:

- `reasons_not_whole`: may its log be missing an entry that this member once acknowledged?
- `reasons_not_bootable`: would etcd start from this directory?
- `reasons_behind`: does the rest of the cluster know of commits that it does not hold?
"""

from requorum.domain.version import EtcdVersion
from requorum.inspection.evidence import MemberEvidence
from requorum.inspection.member_log import LogEnding, MemberLog


def reasons_not_whole(
    member: MemberEvidence, *, known_commit: int, known_term: int
) -> tuple[str, ...]:
    """Return why this log proves nothing about what was acknowledged; empty when it does.

    A log counts as a witness when its end is the end that was written: it ends cleanly, and
    nothing else that is known lies beyond it. Damage further back does not matter here, because
    the last (term, index) alone decides which log holds every committed entry.
    """
    log = member.log
    if log is None or log.metadata is None:
        return (member.unreadable or "no log is left",)
    reasons = [*_ending_reasons(log)]
    if log.last_index < log.commit:
        reasons.append(
            f"its log ends at {log.last_index}, before the commit {log.commit} that it wrote itself"
        )
    database = member.database
    if database is not None and database.readable and database.index > log.last_index:
        reasons.append(
            f"its log ends at {log.last_index}, before its own database at {database.index}"
        )
    behind = reasons_behind(member, known_commit=known_commit, known_term=known_term)
    return (*reasons, *behind)


def _ending_reasons(log: MemberLog) -> tuple[str, ...]:
    match log.ending:
        case LogEnding.TORN:
            return (f"the last record of its log, behind entry {log.last_index}, is incomplete",)
        case LogEnding.DAMAGED:
            return (f"what followed entry {log.last_index} in its log cannot be read",)
        case LogEnding.ABSENT:
            return ("no log is left",)
        case LogEnding.CLEAN if log.last_index in log.doubtful:
            return (f"no checksum proves the last entry of its log, {log.last_index}",)
        case LogEnding.CLEAN:
            return ()


def reasons_behind(
    member: MemberEvidence, *, known_commit: int, known_term: int
) -> tuple[str, ...]:
    """Return why this may be a copy from another time: others committed what it does not hold.

    `known_term` is that of the entry at `known_commit`, 0 where it is unknown. A log holds that
    entry if and only if it would win an election against a log that ends there. A follower that
    merely lagged looks the same as an older copy, so this is a doubt, not a verdict.
    """
    log = member.log
    if log is None:
        return ()
    if log.last_index >= known_commit:
        if log.position >= (known_term, known_commit):
            return ()
        return (
            (
                f"its log ends at {log.last_index} in term {log.last_term}, others know entry "
                f"{known_commit} of term {known_term} as committed: it lagged, or it is an older "
                "copy"
            ),
        )
    return (
        (
            f"its log ends at {log.last_index}, others know entry {known_commit} as committed: "
            "it lagged, or it is an older copy"
        ),
    )


def reasons_not_bootable(member: MemberEvidence) -> tuple[str, ...]:
    """Return why etcd would not start from this directory, or would start wrong."""
    if member.unreadable:
        return (member.unreadable,)
    if member.empty:
        return ("its data directory is empty or gone",)
    log, database = member.log, member.database
    reasons: list[str] = []
    if log is None or log.metadata is None:
        reasons.append("its WAL cannot be read")
    else:
        reasons += [
            f"WAL {d.segment}{'' if d.offset is None else f' at byte {d.offset}'}: {d.what}"
            for d in log.damages
        ]
        reasons += _snapshot_reasons(member, log)
    if database is None:
        reasons.append("its database is missing")
    else:
        reasons += database.problems
    return tuple(reasons)


def _snapshot_reasons(member: MemberEvidence, log: MemberLog) -> list[str]:
    """Return whether etcd finds a .snap to start from, or the log from the very first entry."""
    if _starts_from_marks(member):
        base = max((s.index for s in log.snapshots if s.index <= log.commit), default=0)
        return [*_older_than_snapshot(member, base), *_gap_reasons(log, base)]
    wanted = [s for s in log.snapshots if 0 < s.index <= max(log.commit, log.last_index)]
    kept = {(s.term, s.index) for s in member.snaps}
    usable = [s for s in wanted if (s.term, s.index) in kept]
    if usable:
        base = max(s.index for s in usable)
        return [*_older_than_snapshot(member, base), *_gap_reasons(log, base)]
    if wanted and not (log.starts_at_zero and 1 in log.entries):
        return [f"the snapshot file at index {max(s.index for s in wanted)} is missing"]
    if not wanted and not log.starts_at_zero:
        return ["its WAL has no beginning and names no snapshot"]
    return _gap_reasons(log, 0)


def _starts_from_marks(member: MemberEvidence) -> bool:
    """Return whether etcd goes by the log's own marks and reads no .snap file: 3.7 and later."""
    state = member.database.state if member.database is not None else None
    version = EtcdVersion.parse(state.storage_version or "") if state is not None else None
    return version is not None and version.minor_series >= (3, 7)


def _older_than_snapshot(member: MemberEvidence, base: int) -> list[str]:
    """Return whether etcd would refuse the database: the log before the snapshot may be gone.

    It happens when a damaged meta page makes bbolt fall back to the transaction before.
    """
    database = member.database
    if database is None or not database.readable or not 0 < database.index < base:
        return []
    return [f"its database stands at {database.index}, before its snapshot at {base}"]


def _gap_reasons(log: MemberLog, base: int) -> list[str]:
    gaps = [i for i in log.missing if i > base]
    if log.first_index > base + 1:
        gaps = [base + 1]
    return [f"entry {gaps[0]} is missing in its log"] if gaps else []
