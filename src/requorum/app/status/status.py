"""The use case behind `requorum status`."""

from collections.abc import Iterator
from dataclasses import dataclass

from requorum.app.recovery.operator import Operator
from requorum.app.status.results import ClusterStatusResult, MemberStatusResult, Role
from requorum.app.wiring import open_reach
from requorum.domain.cluster import Cluster
from requorum.domain.ids import MemberId, hex_id
from requorum.domain.quorum import Seats
from requorum.facts.cluster_status import ClusterStatus, Measured, ask_status

BEHIND_MAX = 5000
"""Log entries; see runbooks.join_checks.LAG_MAX."""

QUOTA_SHARE_MAX = 0.8


async def cluster_status(operator: Operator, cluster: Cluster) -> ClusterStatusResult:
    """Ask all members; the result says how the cluster is, also where nobody answers."""
    async with open_reach(cluster, operator.credentials) as reach:
        found = await ask_status(cluster, reach)
    return judged(cluster, found)


def judged(cluster: Cluster, found: ClusterStatus) -> ClusterStatusResult:
    """Return the verdict of what was found."""
    view = _View(cluster, found)
    seats = view.seats
    findings = tuple(view.findings())
    hashes = found.hashes or {}
    return ClusterStatusResult(
        cluster=cluster.name,
        cluster_id=view.cluster_id,
        verdict=_verdict(seats, findings),
        serves=seats.serves,
        voters=len(seats.voters),
        healthy_voters=len(seats.voters & seats.healthy),
        quorum=seats.quorum,
        survives=seats.spare,
        hash_revision=next((h.revision for h in hashes.values()), None),
        findings=findings,
        members=tuple(view.row(m) for m in found.members),
    )


def _verdict(seats: Seats, findings: tuple[str, ...]) -> str:
    healthy = f"{len(seats.voters & seats.healthy)} of {len(seats.voters)} voters serve"
    if not seats.serves:
        return (
            f"no quorum serves: {healthy}, {seats.quorum} are needed; `requorum recover --plan` "
            "says how it comes back"
        )
    more = "the loss of no more" if seats.spare == 0 else f"the loss of {seats.spare} more"
    looked = "" if findings else "; nothing is wrong"
    return f"{healthy}: the cluster survives {more}{looked}"


@dataclass(frozen=True)
class _View:
    cluster: Cluster
    found: ClusterStatus

    @property
    def seats(self) -> Seats:
        """Return who votes: by etcd's list, by the cluster file where nobody tells that."""
        members = self.found.members
        told = [m for m in members if m.listed is not None] or list(members)
        learners = frozenset(m.name for m in told if m.listed and m.listed.is_learner)
        return Seats(
            voters=frozenset(m.name for m in told) - learners,
            learners=learners,
            healthy=frozenset(m.name for m in told if self.healthy(m)),
        )

    def healthy(self, member: Measured) -> bool:
        if member.listed is not None and member.listed.is_learner:
            return member.status is not None and member.status.leader is not None
        return member.linearizable is not None

    @property
    def cluster_id(self) -> str | None:
        ids = [m.status.header.cluster_id for m in self.found.members if m.status]
        return hex_id(ids[0]) if ids else None

    @property
    def leader(self) -> MemberId | None:
        leaders = [m.status.leader for m in self.found.members if m.status]
        return next((leader for leader in leaders if leader is not None), None)

    @property
    def furthest(self) -> int:
        return max((m.status.raft_index for m in self.found.members if m.status), default=0)

    def findings(self) -> Iterator[str]:
        if self.found.alarms is None:
            yield "nobody tells which alarms are raised"
        names = {m.listed.id: m.name for m in self.found.members if m.listed}
        for alarm in self.found.alarms or ():
            yield f"alarm {alarm.kind} of {names.get(alarm.member_id, hex_id(alarm.member_id))}"
        yield from self._of_hashes()
        for member in self.found.members:
            yield from self._of_member(member)

    def _of_hashes(self) -> Iterator[str]:
        hashes = self.found.hashes
        if hashes is None:
            yield "the members' hashes were not compared"
        elif len({h.hash for h in hashes.values()}) > 1:
            told = ", ".join(f"{name} {h.hash}" for name, h in hashes.items())
            yield f"the members do not hold the same: hashes {told}"

    def _of_member(self, member: Measured) -> Iterator[str]:
        if self._listed_at_all and member.listed is None:
            yield (
                f"{member.name} is no member: the cluster file names it, etcd does not list it; "
                f"`requorum member add {member.name}` makes it one"
            )
            return
        if not self.healthy(member):
            mend = f"; start it, or `requorum member replace {member.name}`"
            why = member.trouble or "it has no leader"
            yield f"{member.name} does not serve: {why}{mend if self.seats.serves else ''}"
        status = member.status
        if status is None:
            return
        behind = self.furthest - status.raft_applied_index
        if behind > BEHIND_MAX:
            yield f"{member.name} is {behind} log entries behind"
        quota = status.db_size_quota
        if quota and status.db_size > quota * QUOTA_SHARE_MAX:
            yield f"{member.name} uses {status.db_size * 100 // quota} % of its quota"

    @property
    def _listed_at_all(self) -> bool:
        return any(m.listed is not None for m in self.found.members)

    def row(self, member: Measured) -> MemberStatusResult:
        status, listed = member.status, member.listed
        hashed = (self.found.hashes or {}).get(member.name)
        number = listed.id if listed else status.header.member_id if status else None
        return MemberStatusResult(
            name=member.name,
            id=hex_id(number) if number is not None else None,
            role=self._role(member),
            healthy=self.healthy(member),
            version=status.version if status else None,
            client_url=member.client_url,
            db_size=status.db_size if status else None,
            db_size_in_use=status.db_size_in_use if status else None,
            quota=status.db_size_quota if status else None,
            revision=status.header.revision if status else None,
            raft_term=status.raft_term if status else None,
            raft_index=status.raft_index if status else None,
            raft_applied_index=status.raft_applied_index if status else None,
            behind=max(self.furthest - status.raft_applied_index, 0) if status else None,
            linearizable_read_ms=_ms(member.linearizable),
            serializable_read_ms=_ms(member.serializable),
            hash=hashed.hash if hashed else None,
            trouble=member.trouble,
        )

    def _role(self, member: Measured) -> Role:
        if member.listed is None:
            return "not listed" if self._listed_at_all else "voter"
        if member.listed.is_learner:
            return "learner"
        return "leader" if member.listed.id == self.leader else "voter"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
