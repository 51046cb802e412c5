"""Whether a rescue can be shown to hold every acknowledged write.

The proof. An acknowledged entry is on the disks of a quorum q of n voters. Any n - q + 1 whole
logs share a disk with that quorum, so one of them holds the entry. And the log with the greatest
(last term, last index) among them holds every committed entry that any of them holds: if the terms
are equal it is the longer copy of the same leader's log; if its term is greater, that term's
leader had every committed entry when it was elected (Raft thesis, 3.6.3).

Where it does not hold, the range that may be missing starts behind the highest index that is known
to be committed and is in the image. No upper end can be known: a lost disk may have held more.
"""

from collections.abc import Mapping

from requorum.domain.loss import Loss, UnprovenRange
from requorum.domain.quorum import witnesses_needed
from requorum.formats.raftpb import EntryType
from requorum.formats.requests import AlarmRequest, Auth, Put, decode_request
from requorum.inspection.completed_log import CompletedLog


def prove_loss(
    *,
    voters: int,
    doubts: Mapping[str, tuple[str, ...]],
    known_commit: int,
    held_commit: int,
    log: CompletedLog,
    base_index: int,
    base_revision: int,
    base_disputed: tuple[str, ...],
    empty_entries: tuple[int, ...],
) -> Loss:
    """Return the statement for an image made of the db at `base_index` and `log` behind it.

    `doubts` names, for each voter whose directory was read, why its log is no witness. Of what is
    known to be committed, up to `known_commit`, the log surely holds what is up to `held_commit`.
    """
    whole = sorted(name for name, reasons in doubts.items() if not reasons)
    needed = witnesses_needed(voters)
    last = max(log.last_index, base_index)
    revisions = _RevisionFloor(log, base_index, base_revision)
    unproven: list[UnprovenRange] = []
    grounds: list[str] = []
    if len(whole) >= needed:
        grounds.append(
            f"the logs of {', '.join(whole)} are whole: {len(whole)} of {voters} voters, "
            f"{needed} meet every quorum that can have acknowledged a write"
        )
    else:
        grounds += [f"{name}: {'; '.join(r)}" for name, r in sorted(doubts.items()) if r]
        unproven.append(
            _too_few_witnesses(whole, voters, needed, min(held_commit, last), revisions)
        )
    if known_commit > last:
        unproven.append(_known_but_gone(last, known_commit, revisions))
    if empty_entries:
        unproven.append(_replayed_with_gaps(empty_entries, revisions))
    if base_disputed:
        unproven.append(_disputed(base_disputed, base_index, base_revision))
    return Loss(unproven=tuple(unproven), grounds=tuple(grounds))


class _RevisionFloor:
    """The least revision that the cluster can have had at a log index.

    A lower bound is what an honest range needs: it can only make the range too wide. Puts count
    one each; deletes and transactions may have changed nothing, and with auth or an alarm in the
    log even puts may have been refused.
    """

    def __init__(self, log: CompletedLog, base_index: int, base_revision: int) -> None:
        self._log = log
        self._base_index = base_index
        self._base_revision = base_revision

    def behind(self, index: int) -> int:
        """Return the first revision that a write after `index` can have been given."""
        if index < self._base_index:
            # Going back, every entry may have been one revision.
            return max(2, self._base_revision - (self._base_index - index) + 1)
        return self._base_revision + self._certain_writes(index) + 1

    def _certain_writes(self, index: int) -> int:
        count = 0
        for place in range(self._base_index + 1, index + 1):
            entry = self._log.entries.get(place)
            if entry is None or entry.type is not EntryType.NORMAL:
                continue
            request = decode_request(entry.data)
            if isinstance(request, AlarmRequest | Auth):
                return 0
            if isinstance(request, Put) and not (
                request.lease or request.ignore_lease or request.ignore_value
            ):
                count += 1
        return count


def _too_few_witnesses(
    whole: list[str], voters: int, needed: int, known: int, revisions: _RevisionFloor
) -> UnprovenRange:
    names = ", ".join(whole) if whole else "no member"
    return UnprovenRange(
        first_index=known + 1,
        last_index=None,
        first_revision=revisions.behind(known),
        last_revision=None,
        reason=(
            f"only {len(whole)} whole logs of {voters} voters ({names}), {needed} are needed: "
            f"up to entry {known} everything is known to be there, a write acknowledged after it "
            "may have been only on the disks that are lost"
        ),
    )


def _known_but_gone(last: int, known_commit: int, revisions: _RevisionFloor) -> UnprovenRange:
    return UnprovenRange(
        first_index=last + 1,
        last_index=None,
        first_revision=revisions.behind(last),
        last_revision=None,
        reason=f"entries {last + 1} to {known_commit} were committed, and are in no readable file",
    )


def _replayed_with_gaps(empty_entries: tuple[int, ...], revisions: _RevisionFloor) -> UnprovenRange:
    first = empty_entries[0]
    return UnprovenRange(
        first_index=first,
        last_index=None,
        first_revision=revisions.behind(first - 1),
        last_revision=None,
        reason=(
            f"{len(empty_entries)} entries from {first} on are damaged in every log that held "
            "them; what follows is replayed without them, so that revisions may be lower and "
            "transactions may have decided otherwise"
        ),
    )


def _disputed(names: tuple[str, ...], base_index: int, base_revision: int) -> UnprovenRange:
    return UnprovenRange(
        first_index=1,
        last_index=base_index,
        first_revision=1,
        last_revision=base_revision,
        reason=(
            f"the databases of {' and '.join(names)} differ at the same revision, and neither "
            "a majority nor the log says which is right"
        ),
    )
