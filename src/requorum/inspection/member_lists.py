"""The two lists of members that a member keeps, and where they differ.

Up to 3.5 etcd believes the v2 store (.snap and log), from 3.6 on the bucket `members` of the
database. They should be the same; bugs of several releases made them differ, which shows when the
data is started by 3.6 (etcd-io/etcd issues 19557, 20793).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from requorum.domain.ids import MemberId, hex_id
from requorum.errors import DamagedInput
from requorum.formats.backend import BackendMember
from requorum.formats.raftpb import Entry
from requorum.formats.snap import Snap
from requorum.inspection.membership import Membership, RaftMember, membership_of


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member in both lists; None where a list does not have it.

    `removed`: one of the two knows that it was removed. `compared`: both lists could be read.
    """

    id: int
    in_log: RaftMember | None
    in_database: BackendMember | None
    removed: bool
    compared: bool = True

    @property
    def difference(self) -> str | None:
        """Return how the lists differ about it; None where they do not."""
        if not self.compared:
            return None
        if self.in_log is None and self.in_database is not None:
            gone = "was removed" if self.removed else "is unknown to the log"
            return f"{hex_id(self.id)} {gone}, and the database lists it: 3.6 would bring it back"
        if self.in_log is not None and self.in_database is None:
            return f"{hex_id(self.id)} is a member, and the database does not list it"
        if self.in_log is None or self.in_database is None:
            return None
        if self.in_log.is_learner != self.in_database.is_learner:
            here, there = _role(self.in_log.is_learner), _role(self.in_database.is_learner)
            return f"{hex_id(self.id)} is a {here} by the log and a {there} by the database"
        return None


def _role(learner: bool) -> str:  # noqa: FBT001  # a fact that is put into words
    return "learner" if learner else "voter"


def compare_lists(
    membership: Membership | None,
    listed: Sequence[BackendMember],
    removed: Iterable[int],
    *,
    both: bool = True,
) -> tuple[MemberRow, ...]:
    """Return a row for every member of either list, by ID; `both`: both lists are known."""
    in_log = dict(membership.members) if membership is not None else {}
    in_database = {m.id: m for m in listed}
    gone = set(removed)
    return tuple(
        MemberRow(i, in_log.get(MemberId(i)), in_database.get(i), i in gone, both)
        for i in sorted({*in_log, *in_database})
    )


def membership_at(
    snaps: Sequence[Snap], entries: Mapping[int, Entry], index: int
) -> Membership | None:
    """Return the members as of an entry, where the database stands; None where unknown."""
    before = [snap for snap in snaps if snap.index <= index]
    known = {i: entry for i, entry in entries.items() if i <= index}
    try:
        return membership_of(before, known)
    except DamagedInput:
        return None
