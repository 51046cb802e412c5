"""`requorum member remove`: one member less, of a cluster that serves before and after it."""

from requorum.domain.cluster import Cluster, MemberSpec
from requorum.domain.ids import hex_id
from requorum.domain.quorum import Kind, Move, failures_tolerated
from requorum.facts.membership import Seat
from requorum.runbooks.exchange_data import (
    RecoveryPlan,
    fence_steps,
    health_step,
    probe_step,
    set_aside_step,
    stop_steps,
)
from requorum.runbooks.join import (
    backup_first,
    leader_moved,
    plan_of,
    quorum_kept,
    serving_members,
)
from requorum.runbooks.join_checks import (
    JoinFacts,
    listed_as,
)
from requorum.runbooks.steps.membership import RemoveMember
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace
from requorum.workflow.step import Step


def plan_removal(
    cluster: Cluster,
    facts: JoinFacts,
    name: str,
    *,
    workspace: Workspace | None,
    backup: str | None,
) -> RecoveryPlan:
    """Return the plan; Refused where the others would have no quorum, with what to do instead.

    `workspace` and `backup` as in `plan_replacement`. The vote goes first, the process after it:
    where every vote counts, a voter that is stopped and still listed could be one too many.
    """
    spec, now = cluster.member(name), facts.membership
    old = listed_as(now, spec)
    told, last = quorum_kept(now.seats, [Move(Kind.REMOVE, name)])
    serving = serving_members(cluster, facts, name)
    return plan_of(
        "remove",
        (f"the cluster shrinks to {len(last.voters)} voters", told),
        _warnings(spec, facts, len(last.voters)),
        serving,
        [
            *backup_first(serving, now, backup),
            *(leader_moved(old, now) if workspace is not None else []),
            _remove(old, name),
            *_out_of_the_way(spec, facts, workspace),
            health_step(serving),
            probe_step(serving),
        ],
    )


def _remove(old: Seat, name: str) -> RemoveMember:
    return RemoveMember(
        host="-",
        title=f"remove {name}, {hex_id(old.listed.id)}, from the cluster",
        reason="its etcd ends by itself once it learns of it",
        risk="an ID that was removed never comes back: from here on the run only goes forward",
        member=name,
        id=hex_id(old.listed.id),
    )


def _out_of_the_way(
    spec: MemberSpec, facts: JoinFacts, workspace: Workspace | None
) -> list[Step[World]]:
    """Return what keeps the member from coming back: nothing where its host does not answer."""
    if workspace is None:
        return []
    stops = stop_steps([spec], "it is no member any more") if facts.running else []
    asides = [set_aside_step(spec, workspace)] if facts.has_data or facts.running else []
    fences = fence_steps([spec], "it is no member any more", stays=True)
    return [*stops, *fences, *asides]


def _warnings(spec: MemberSpec, facts: JoinFacts, voters: int) -> list[str]:
    found: list[str] = []
    if voters % 2 == 0:
        found.append(
            f"{voters} voters survive the loss of {failures_tolerated(voters)}, as {voters - 1} do"
        )
    if spec.name in facts.unreachable:
        found.append(
            f"the host of {spec.name} does not answer ({facts.unreachable[spec.name]}): its etcd "
            "is not stopped and its data not set aside; peers refuse it once it is back"
        )
    found.append(f"take {spec.name} out of the cluster file, unless it is to be added again")
    return found
