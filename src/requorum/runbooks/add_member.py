"""`requorum member add`: a cluster that serves grows by one, as after a reset to one member."""

from requorum.domain.cluster import Cluster, MemberSpec
from requorum.domain.quorum import addition
from requorum.errors import Refused
from requorum.facts.membership import Membership
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.join import (
    backup_first,
    data_steps,
    join_steps,
    joined_urls,
    plan_of,
    quorum_kept,
    serving_members,
    settings_steps,
    warnings_of,
)
from requorum.runbooks.join_checks import (
    JoinFacts,
    refuse_unconfigurable,
    refuse_unfit_cluster,
    refuse_unfit_machine,
    within_reach,
)
from requorum.runbooks.workspace import Workspace


def plan_addition(
    cluster: Cluster,
    facts: JoinFacts,
    name: str,
    *,
    workspace: Workspace | None,
    backup: str | None,
) -> RecoveryPlan:
    """Return the plan; Refused where acting would be wrong, with what to do instead.

    `workspace` and `backup` as in `plan_replacement`.
    """
    spec, now = cluster.member(name), facts.membership
    places = within_reach(spec, facts, workspace)
    _refuse_taken(now, spec)
    refuse_unfit_cluster(spec, facts)
    _refuse_ill_voters(now)
    told, last = quorum_kept(now.seats, addition(name))
    joined = joined_urls(cluster, now, spec)
    refuse_unconfigurable(spec, facts, joined)
    refuse_unfit_machine(spec, facts)
    serving = serving_members(cluster, facts, name)
    steps = [
        *backup_first(serving, now, backup),
        *data_steps(spec, facts, places, serving[0]),
        *settings_steps(spec, facts, joined),
        *join_steps(spec, facts, serving),
    ]
    grown = f"the cluster grows from {len(now.seats.voters)} to {len(last.voters)} voters"
    return plan_of(
        "add",
        (grown, told),
        (*_warnings(spec, facts), *warnings_of(facts, last)),
        [*serving, spec],
        steps,
    )


def _refuse_taken(now: Membership, spec: MemberSpec) -> None:
    taken = now.seat(spec.name) or next(
        (seat for seat in now.listed if seat.listed.name == spec.name), None
    )
    if taken is None:
        return
    where = ", ".join(taken.listed.peer_urls)
    raise Refused(
        f"{spec.name} is a member already, {taken.listed.id:x} at {where}",
        hint=f"Where it does not serve: `requorum member replace {spec.name}`. Where a run of "
        "ours added it and was interrupted: `requorum runs resume`.",
    )


def _refuse_ill_voters(now: Membership) -> None:
    ill = sorted(now.seats.voters - now.seats.healthy)
    if ill:
        raise Refused(
            f"{', '.join(ill)} does not serve: a cluster grows while all its voters do",
            hint=f"Start it, or `requorum member replace {ill[0]}`; then add.",
        )


def _warnings(spec: MemberSpec, facts: JoinFacts) -> tuple[str, ...]:
    if not facts.has_data:
        return ()
    return (f"{spec.name} has data of its own: it is set aside, and is no part of this cluster",)
