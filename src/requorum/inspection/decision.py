"""Start, Rescue or Restore: the first that fits the evidence, with its reasons.

The order is the order of how much is rewritten. Start rewrites nothing. Rescue builds one image
from everything that can be read. Where neither is possible, only a backup helps.

Pure: evidence in, decision out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from requorum.domain.ids import MemberId
from requorum.domain.loss import Loss
from requorum.domain.quorum import quorum_size, witnesses_needed
from requorum.inspection.agreement import held_commit
from requorum.inspection.completed_log import GAPS_MAX, NO_LOG, CompletedLog
from requorum.inspection.evidence import MemberEvidence
from requorum.inspection.loss_proof import prove_loss
from requorum.inspection.membership import Membership, voter_sets
from requorum.inspection.soundness import (
    reasons_behind,
    reasons_not_bootable,
    reasons_not_whole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEvidence:
    """All members' evidence, and what was made of it together.

    `members` are those whose directory belongs to this cluster, by name; `foreign` names the
    others and says why they do not count. `log` is the completed winning log. `known_commit` is
    the highest index that anything readable knows to be committed. `databases_agree` is False when
    readable databases differ and no majority says which is right.
    """

    members: Mapping[str, MemberEvidence]
    foreign: Mapping[str, str]
    membership: Membership
    log: CompletedLog | None
    known_commit: int
    outvoted: Mapping[str, str] = field(default_factory=dict)
    disputed: tuple[str, ...] = ()

    @property
    def voters(self) -> int:
        """Return how many voters the cluster has, whether or not we know their hosts."""
        return len(self.membership.voters)

    @property
    def quorum(self) -> int:
        """Return how many of them make a quorum."""
        return quorum_size(self.voters)

    @property
    def known_term(self) -> int:
        """Return the term of the entry at `known_commit`, 0 where no log proves it."""
        if self.log is None or self.known_commit in self.log.gaps:
            return 0
        entry = self.log.entries.get(self.known_commit)
        return entry.term if entry else 0

    @property
    def held_commit(self) -> int:
        """Return up to where `log` surely holds what is known to be committed."""
        return 0 if self.log is None else held_commit(self.members, self.log)

    @property
    def voter_sets(self) -> tuple[frozenset[MemberId], ...]:
        """Return the voters, and those that they were before changes perhaps never committed."""
        entries = {} if self.log is None else self.log.entries
        return voter_sets(self.membership, entries, after=self.held_commit)

    def is_voter(self, name: str) -> bool:
        """Return whether the member's directory belongs to one that is a voter, or may be."""
        return any(self.members[name].member_id in voters for voters in self.voter_sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A quorum of directories is intact: start `first`, and once they serve, `then`.

    `left_out` would not start, or would start wrong: they are to be replaced. Member -> reasons.
    """

    first: tuple[str, ...]
    then: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """Build one image: a database, and the part of the winning log behind it.

    `base` is the member whose db is taken, None for an empty one (the log reaches back to the
    first entry). The entries `first_index` to `last_index` are replayed; `first_index` is
    `last_index` + 1 when the db already holds them all. `empty_entries` are the gaps among them.
    `uses_log` is False where no log belongs to that database: it is taken as it is.
    """

    base: str | None
    base_index: int
    base_revision: int
    log_from: str
    borrowed_from: tuple[str, ...]
    first_index: int
    last_index: int
    last_term: int
    empty_entries: tuple[int, ...]
    uses_log: bool
    loss: Loss
    left_out: Mapping[str, tuple[str, ...]]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Nothing on disk can be used; `reasons` say why, member by member."""

    reasons: tuple[str, ...]


Decision = Start | Rescue | Restore


def decide(evidence: ClusterEvidence) -> Decision:
    """Return the first of Start, Rescue, Restore that the evidence allows."""
    doubts = {name: _doubts(evidence, member) for name, member in evidence.members.items()}
    intact = [n for n, reasons in doubts.items() if not reasons and evidence.is_voter(n)]
    if all(len(_of(evidence, intact, v)) >= quorum_size(len(v)) for v in evidence.voter_sets):
        return _start(evidence, tuple(intact), doubts)
    return _rescue(evidence, doubts)


def _of(
    evidence: ClusterEvidence, names: Iterable[str], voters: frozenset[MemberId]
) -> tuple[str, ...]:
    """Return those of these members that belong to a set of voters."""
    return tuple(n for n in names if evidence.members[n].member_id in voters)


def _doubts(evidence: ClusterEvidence, member: MemberEvidence) -> tuple[str, ...]:
    """Return every reason not to let this member form the first quorum."""
    outvoted = evidence.outvoted.get(member.name)
    return (
        *reasons_not_bootable(member),
        *_reasons_not_whole(evidence, member),
        *([outvoted] if outvoted else []),
    )


def _reasons_not_whole(evidence: ClusterEvidence, member: MemberEvidence) -> tuple[str, ...]:
    """Return why this member is no witness: its log's own reasons, or that it is there twice."""
    twins = [
        name
        for name, other in evidence.members.items()
        if name != member.name and member.member_id == other.member_id is not None
    ]
    reasons = reasons_not_whole(
        member, known_commit=evidence.known_commit, known_term=evidence.known_term
    )
    if not twins:
        return reasons
    return (*reasons, f"it holds the same member as {', '.join(twins)}: one is a copy")


def _start(
    evidence: ClusterEvidence, intact: tuple[str, ...], doubts: Mapping[str, tuple[str, ...]]
) -> Start:
    then = tuple(n for n in doubts if n not in intact and _safe_after_quorum(evidence, n))
    left_out = {n: r for n, r in doubts.items() if n not in intact and n not in then}
    left_out |= {n: (reason,) for n, reason in evidence.foreign.items()}
    return Start(
        first=intact,
        then=then,
        left_out=left_out,
        reasons=(
            (
                f"{len(intact)} of {evidence.voters} voters have an intact data directory, "
                f"{evidence.quorum} make a quorum: Raft repeats its log by itself"
            ),
            "nothing is rewritten, so nothing can be lost by it",
        ),
    )


def _safe_after_quorum(evidence: ClusterEvidence, name: str) -> bool:
    """Return whether a member may join once the others serve: sound files that merely lag.

    With a leader elected by an intact quorum, a member whose log is shorter than it should be is
    brought up to date, and can no longer vote an older history into power.
    """
    member = evidence.members[name]
    log = member.log
    if name in evidence.outvoted or reasons_not_bootable(member) or log is None:
        return False
    ends_early = log.last_index < log.commit or (
        member.database is not None and member.database.index > log.last_index
    )
    behind = reasons_behind(
        member, known_commit=evidence.known_commit, known_term=evidence.known_term
    )
    return not ends_early and (bool(behind) or not evidence.is_voter(name))


def _rescue(evidence: ClusterEvidence, doubts: Mapping[str, tuple[str, ...]]) -> Rescue | Restore:
    log = evidence.log or NO_LOG
    bases = _bases(evidence, log)
    if not bases:
        reasons = _by_reason(doubts)
        reasons += [f"{name}: {reason}" for name, reason in evidence.foreign.items()]
        return Restore(reasons=tuple(reasons) or ("no member's data directory could be read",))
    base = max(bases, key=lambda b: b.preference)
    if base.supersedes:
        log = NO_LOG
    voters, whole_doubts = _weakest_witnesses(evidence)
    loss = prove_loss(
        voters=voters,
        doubts=whole_doubts,
        known_commit=evidence.known_commit,
        held_commit=max(evidence.held_commit, base.index),
        log=log,
        base_index=base.index,
        base_revision=base.revision,
        base_disputed=evidence.disputed if base.name in evidence.disputed else (),
        empty_entries=base.gaps,
    )
    last = max(log.last_index, base.index)
    return Rescue(
        base=base.name,
        base_index=base.index,
        base_revision=base.revision,
        log_from=log.winner or base.name or "",
        borrowed_from=tuple(sorted({m for i, m in log.borrowed.items() if i > base.index})),
        first_index=base.index + 1,
        last_index=last,
        last_term=log.last_term,
        empty_entries=base.gaps,
        uses_log=log is not NO_LOG,
        loss=loss,
        left_out={n: r for n, r in doubts.items() if r}
        | {n: (reason,) for n, reason in evidence.foreign.items()},
        reasons=_rescue_reasons(log, base),
    )


def _by_reason(doubts: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return one line for each set of reasons, with all members that share it."""
    sharing: dict[tuple[str, ...], list[str]] = {}
    for name, reasons in doubts.items():
        sharing.setdefault(reasons or ("no database",), []).append(name)
    return [f"{', '.join(names)}: {'; '.join(reasons)}" for reasons, names in sharing.items()]


@dataclass(frozen=True, slots=True)
class _Base:
    """A database that the log can be replayed onto; `gaps` are what the log lacks behind it."""

    name: str | None
    index: int
    revision: int
    gaps: tuple[int, ...]
    disputed: bool
    supersedes: bool = False

    @property
    def preference(self) -> tuple[bool, bool, int, int, str]:
        """Order: later than every log, no dispute, fewest gaps, least to replay; then by name."""
        gaps = -len(self.gaps)
        return (self.supersedes, not self.disputed, gaps, self.index, self.name or "")


def _bases(evidence: ClusterEvidence, log: CompletedLog) -> list[_Base]:
    bases = [
        _Base(
            name,
            db.index,
            db.revision,
            () if db.supersedes_log else log.gaps_after(db.index),
            name in evidence.disputed,
            db.supersedes_log,
        )
        for name, member in evidence.members.items()
        if (db := member.database) is not None and not db.problems and name not in evidence.outvoted
    ]
    if _reaches_back_to_the_first_write(evidence, log):
        bases.append(_Base(None, 0, 1, log.gaps_after(0), disputed=False))
    return [base for base in bases if len(base.gaps) <= GAPS_MAX]


def _reaches_back_to_the_first_write(evidence: ClusterEvidence, log: CompletedLog) -> bool:
    """Return whether the log alone makes the whole state.

    A restored cluster's log starts at 1 too, but on top of the restored database: its first
    snapshot stands right behind the members' own entries, at term 1.
    """
    if log.first_index != 1 or 1 not in log.entries or 1 in log.gaps:
        return False
    marks = [
        s.index
        for member in evidence.members.values()
        if member.log is not None
        for s in member.log.snapshots
        if s.index and s.term <= 1
    ]
    snaps = [s.index for m in evidence.members.values() for s in m.snaps if s.term <= 1]
    return not marks and not snaps


def _weakest_witnesses(evidence: ClusterEvidence) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Return (number of voters, member -> why its log is no witness) where they prove least.

    Of all the sets of voters that may have been in force, each must be met by enough witnesses.
    """
    doubts = {name: _reasons_not_whole(evidence, m) for name, m in evidence.members.items()}

    def spare(voters: frozenset[MemberId]) -> int:
        whole = [name for name in _of(evidence, doubts, voters) if not doubts[name]]
        return len(whole) - witnesses_needed(len(voters))

    weakest = min(evidence.voter_sets, key=spare)
    return len(weakest), {name: doubts[name] for name in _of(evidence, doubts, weakest)}


def _rescue_reasons(log: CompletedLog, base: _Base) -> tuple[str, ...]:
    reasons: list[str] = []
    if base.name is None:
        reasons.append("no database can be used, but the log reaches back to its first entry")
    else:
        reasons.append(
            f"the database of {base.name} is sound and stands at index {base.index}, "
            f"revision {base.revision}"
        )
    if log.last_index > base.index:
        reasons.append(
            f"the log of {log.winner} would win an election (term {log.last_term}, index "
            f"{log.last_index}); its entries {base.index + 1} to {log.last_index} are replayed"
        )
    reasons += [
        f"{count} of its entries that cannot be read are taken from {name}, whose log proves them"
        for name, count in _borrowed_counts(log, base.index).items()
    ]
    if base.gaps:
        reasons.append(f"{len(base.gaps)} entries are in no log and are replayed as empty")
    return tuple(reasons)


def _borrowed_counts(log: CompletedLog, above: int) -> dict[str, int]:
    names: Sequence[str] = [name for index, name in log.borrowed.items() if index > above]
    return {name: names.count(name) for name in sorted(set(names))}
