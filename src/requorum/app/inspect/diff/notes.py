"""What a reader of the comparison must know besides the numbers."""

from collections.abc import Iterator

from requorum.app.inspect.diff.sides import Side
from requorum.inspection.difference.compare import Difference
from requorum.inspection.difference.lost_revisions import REVISION_MAX

_RANGES_SHOWN = 5


def notes_of(a: Side, b: Side, found: Difference) -> tuple[str, ...]:
    """Return the notes, the gravest first."""
    sides = (("A", a), ("B", b))
    return (
        *(note for name, side in sides for note in _damage(name, side)),
        *(note for name, side in sides for note in _beyond(name, side)),
        *_alike_again(found),
        *_clusters(a, b, found),
    )


def _damage(name: str, side: Side) -> Iterator[str]:
    readable = side.readable
    if readable.cut is not None:
        yield f"{name} is cut short: {readable.cut}"
    if readable.damage_count:
        yield f"{name} is damaged in {readable.damage_count} places; this compares what can be read"
    if readable.lost:
        ranges = [_range(first, last) for first, last in readable.lost.ranges]
        more = len(ranges) - _RANGES_SHOWN
        shown = ", ".join(ranges[:_RANGES_SHOWN]) + (f" and {more} more ranges" if more > 0 else "")
        yield (
            f"{name} lost records of the revisions {shown}: what they may explain "
            "is counted as unknown, neither as removed nor as changed"
        )
    if readable.compact_revision is None:
        yield f"the compact revision of {name} is damaged, so the histories cannot be compared"
    if side.trailer == "differs":
        yield f"the SHA-256 of {name} does not match: it was altered or cut after it was saved"


def _range(first: int, last: int) -> str:
    if last == REVISION_MAX:
        return f"from {first} on"
    return str(first) if first == last else f"{first} to {last}"


def _beyond(name: str, side: Side) -> Iterator[str]:
    """Yield what the database does not hold though its member does: lag is no loss."""
    yield from side.warnings
    wal = side.wal
    if wal is None:
        return
    if wal.damaged:
        yield f"the log beside {name} is damaged: how far it goes beyond the database is uncertain"
    if wal.entries:
        yield (
            f"the log beside {name} goes on for {wal.entries} entries behind its database "
            f"({wal.first_index} to {wal.last_index}, {wal.committed} of them known as "
            "committed): they are not in this comparison, and not lost"
        )


def _alike_again(found: Difference) -> Iterator[str]:
    histories = found.histories
    if histories.alike_after:
        both = histories.alike_after + histories.unlike_after
        yield (
            f"behind revision {histories.parted_at}, {histories.alike_after} of the {both} records "
            "that both hold are alike again: a damaged record, or a member that diverged, "
            "looks so; another history seldom does"
        )


def _clusters(a: Side, b: Side, found: Difference) -> Iterator[str]:
    if found.strangers:
        yield (
            "A and B list no member in common: they are of different clusters, "
            "or one was restored since"
        )
    ours, theirs = a.readable.state.cluster_version, b.readable.state.cluster_version
    if ours and theirs and ours != theirs:
        yield f"the cluster version is {ours} in A, {theirs} in B"
