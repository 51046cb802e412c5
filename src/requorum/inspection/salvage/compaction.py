"""What a file's bucket `meta` says of compactions, as far as it can be.

etcd notes a compaction twice: as scheduled before it begins, and as finished with its last
removals. So none is finished that was not scheduled, and none is scheduled that lies behind the
last revision. These numbers have no checksum, and much is removed on their word.
"""

from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.mvcc import Revision
from requorum.inspection.salvage.key_tree import KeyTree
from requorum.inspection.salvage.places import main_of
from requorum.inspection.salvage.small_buckets import SmallBucket

NEVER = -1


@dataclass(frozen=True, slots=True)
class Compaction:
    """`compact` is what a server would answer as its compact revision (-1: never compacted).

    None where that is not known. `finished` is the revision to which a compaction has surely run,
    -1 where none is known.
    """

    compact: int | None
    finished: int


def read_compaction(meta: SmallBucket, tree: KeyTree) -> Compaction:
    """Return what the bucket says of the tree's compactions; what cannot be is left out."""
    finished = _revision(meta, b"finishedCompactRev")
    scheduled = _revision(meta, b"scheduledCompactRev")
    if finished is None or scheduled is None:
        return Compaction(None, -1 if finished is None else finished)
    if scheduled == finished == NEVER:
        return Compaction(NEVER if meta.whole else None, NEVER)
    if NEVER < scheduled < finished:
        # One of the two is damaged.
        return Compaction(scheduled if _reaches(tree, scheduled, not_to=finished) else None, NEVER)
    compact = max(scheduled, finished)
    damaged = compact > finished and _reaches(tree, finished, not_to=compact)
    return Compaction(None if damaged else compact, finished)


def _revision(meta: SmallBucket, name: bytes) -> int | None:
    """Return a compaction that is noted, `NEVER` where none is, None where that is unreadable."""
    value = meta.rows.get(name)
    if value is None:
        return NEVER
    try:
        return Revision.parse(value).main
    except DamagedInput:
        return None


def _reaches(tree: KeyTree, revision: int, *, not_to: int) -> bool:
    """Return whether a tree, of which the end is known, ends between two revisions."""
    last = main_of(int(tree.rows.place[-1])) if len(tree.rows) else 0
    return not tree.gap_at_end and revision <= last < not_to
