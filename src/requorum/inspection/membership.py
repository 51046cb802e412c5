"""Who is a member, from snapshots and the configuration changes in the log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from requorum.domain.ids import MemberId
from requorum.errors import DamagedInput
from requorum.formats.raftpb import ConfChange, ConfChangeType, Entry, EntryType, decode_conf_change
from requorum.formats.snap import Snap

_UNDECIDED_CHANGES_MAX = 1000
"""A leader proposes one, and the next when that is committed; each is one more set of voters."""


@dataclass(frozen=True, slots=True)
class RaftMember:
    """A member as Raft knows it. `name` is empty until the member has published it."""

    id: MemberId
    name: str
    peer_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """The members after all changes that were read."""

    members: Mapping[MemberId, RaftMember]

    @property
    def voters(self) -> tuple[RaftMember, ...]:
        """Return those whose vote and disk count for a quorum."""
        return tuple(m for m in self.members.values() if not m.is_learner)


def membership_of(snaps: Iterable[Snap], entries: Mapping[int, Entry]) -> Membership | None:
    """Return the membership that the newest snapshot and the log behind it give.

    None where it cannot be known: no snapshot, and a log that does not reach back to entry 1.
    """
    newest = max(snaps, key=lambda s: s.index, default=None)
    if newest is None and 1 not in entries:
        return None
    members = {} if newest is None else _members_in(newest)
    base = 0 if newest is None else newest.index
    for index in sorted(i for i in entries if i > base):
        if _is_change(entries[index]):
            _apply(decode_conf_change(entries[index].data), members)
    return Membership(members) if members else None


def voter_sets(
    membership: Membership, entries: Mapping[int, Entry], *, after: int
) -> tuple[frozenset[MemberId], ...]:
    """Return every set of voters that may have been in force, the last one first.

    A change counts from when it was committed, which nobody knows of those behind index `after`:
    a quorum has to be one before and behind each of them. The entries that make a new cluster's
    first members were committed before any of them existed.
    """
    sets = [frozenset(m.id for m in membership.voters)]
    founded = _founding_entries(entries)
    changes = [
        decode_conf_change(entries[i].data)
        for i in sorted((i for i in entries if i > max(after, founded)), reverse=True)
        if _is_change(entries[i])
    ]
    if len(changes) > _UNDECIDED_CHANGES_MAX:
        raise DamagedInput(f"{len(changes)} changes of members may or may not be committed")
    for change in changes:
        sets.append(_voters_before(change, sets[-1]))
    return tuple(dict.fromkeys(sets))


def _founding_entries(entries: Mapping[int, Entry]) -> int:
    """Return the last of the entries, from the first on, that make the first members."""
    return next(i for i in count(1) if not _is_change(entries.get(i))) - 1


def _is_change(entry: Entry | None) -> bool:
    return entry is not None and entry.type is EntryType.CONF_CHANGE


def _voters_before(change: ConfChange, behind: frozenset[MemberId]) -> frozenset[MemberId]:
    member_id = frozenset({MemberId(change.node_id)})
    if change.type is ConfChangeType.REMOVE_NODE:
        return behind | member_id
    return behind - member_id if change.type is ConfChangeType.ADD_NODE else behind


def _members_in(snap: Snap) -> dict[MemberId, RaftMember]:
    learners = set(snap.conf_state.learners)
    return {
        MemberId(m.id): RaftMember(
            MemberId(m.id), m.name, m.peer_urls, m.is_learner or m.id in learners
        )
        for m in snap.members
    }


def _apply(change: ConfChange, members: dict[MemberId, RaftMember]) -> None:
    member_id = MemberId(change.node_id)
    if change.type is ConfChangeType.REMOVE_NODE:
        members.pop(member_id, None)
        return
    context = change.context
    known = members.get(member_id)
    urls = context.peer_urls if context and context.peer_urls else known.peer_urls if known else ()
    name = (context.name if context else "") or (known.name if known else "")
    learner = change.type is ConfChangeType.ADD_LEARNER_NODE
    if change.type is ConfChangeType.UPDATE_NODE and known:
        learner = known.is_learner
    members[member_id] = RaftMember(member_id, name, urls, learner)
