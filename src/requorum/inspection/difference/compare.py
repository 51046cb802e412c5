"""The whole comparison of two databases that were read."""

from dataclasses import dataclass

from requorum.errors import DamagedInput, UsageError
from requorum.formats.kubernetes_keys import DEFAULT_PREFIX
from requorum.inspection.difference.buckets import BucketDifference, compare_buckets
from requorum.inspection.difference.grouping import (
    Counted,
    DifferingKey,
    Grouping,
    grouped,
)
from requorum.inspection.difference.histories import Histories, Relation, compare_histories
from requorum.inspection.difference.keys import ALL_KEYS, KeyFilter, compare_keys_at
from requorum.inspection.difference.readable import Readable
from requorum.inspection.difference.shared_records import shared_records


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is compared, and how much of it is named.

    The revisions are the current ones where they are None. `of_each_kind`: how many keys of each
    kind are named, None for all. `levels`: how many parts of a key make a prefix.
    """

    a_revision: int | None = None
    b_revision: int | None = None
    keys: KeyFilter = ALL_KEYS
    of_each_kind: int | None = 10
    levels: int = 2
    kube_prefix: str = DEFAULT_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What was found. `a_keys` and `b_keys` count what was compared of each.

    `strangers`: each lists members, and they have none in common.
    """

    a_revision: int
    b_revision: int
    a_keys: int
    b_keys: int
    counted: Counted
    named: tuple[DifferingKey, ...]
    histories: Histories
    buckets: tuple[BucketDifference, ...]
    strangers: bool

    @property
    def none(self) -> bool:
        """Return whether all compared keys are alike, and the histories do not part."""
        return not self.counted.total.total and self.histories.relation is not Relation.PARTED


def compare(a: Readable, b: Readable, wishes: Wishes) -> Difference:
    """Compare; UsageError where a wished revision is compacted or not reached."""
    a_revision = _revision(a, "A", wishes.a_revision)
    b_revision = _revision(b, "B", wishes.b_revision)
    shared = shared_records(a, b)
    found = compare_keys_at(
        a, b, shared, a_revision=a_revision, b_revision=b_revision, wanted=wishes.keys
    )
    grouping = Grouping(levels=wishes.levels, kube_prefix=wishes.kube_prefix)
    counted, named = grouped(a, b, found.differing, grouping, of_each_kind=wishes.of_each_kind)
    return Difference(
        a_revision=a_revision,
        b_revision=b_revision,
        a_keys=found.a_count,
        b_keys=found.b_count,
        counted=counted,
        named=named,
        histories=compare_histories(a, b, shared),
        buckets=compare_buckets(a.database, b.database),
        strangers=_strangers(a, b),
    )


def _revision(side: Readable, name: str, wished: int | None) -> int:
    if wished is None:
        return side.current_revision
    if side.compact_revision is None:
        raise DamagedInput(
            f"the compact revision of {name} is damaged, so only its current state can be told",
            hint="Compare without --rev.",
        )
    oldest = max(side.compact_revision, 1)
    if not oldest <= wished <= side.current_revision:
        what = "compacted away" if wished < oldest else "not reached"
        raise UsageError(
            f"revision {wished} is {what} in {name}",
            hint=f"{name} has every revision from {oldest} to {side.current_revision}.",
        )
    return wished


def _strangers(a: Readable, b: Readable) -> bool:
    ours, theirs = ({m.id for m in side.state.members} for side in (a, b))
    return bool(ours and theirs and not ours & theirs)
