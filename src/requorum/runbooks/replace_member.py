"""`requorum member replace`: a dead, damaged or wiped member of a cluster that serves."""

from requorum.domain.cluster import Cluster, MemberSpec
from requorum.domain.ids import hex_id
from requorum.domain.quorum import replacement
from requorum.facts.membership import Membership, Seat
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.join import (
    backup_first,
    data_steps,
    join_steps,
    joined_urls,
    leader_moved,
    plan_of,
    quorum_kept,
    serving_members,
    settings_steps,
    warnings_of,
)
from requorum.runbooks.join_checks import (
    JoinFacts,
    listed_as,
    refuse_unconfigurable,
    refuse_unfit_cluster,
    refuse_unfit_machine,
    refuse_voters_down,
    within_reach,
)
from requorum.runbooks.steps.membership import DisarmCorrupt, RemoveMember
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace
from requorum.workflow.step import Step


def plan_replacement(
    cluster: Cluster,
    facts: JoinFacts,
    name: str,
    *,
    workspace: Workspace | None,
    backup: str | None,
) -> RecoveryPlan:
    """Return the plan; Refused where acting would be wrong, with what to do instead.

    `workspace` is the member's, None where its host does not answer. `backup` is where a snapshot
    is saved first, None for none.
    """
    spec, now = cluster.member(name), facts.membership
    places = within_reach(spec, facts, workspace)
    old = listed_as(now, spec)
    refuse_unfit_cluster(spec, facts)
    told, last = quorum_kept(now.seats, replacement(now.seats, name))
    refuse_voters_down(spec, now)
    joined = joined_urls(cluster, now, spec)
    refuse_unconfigurable(spec, facts, joined)
    refuse_unfit_machine(spec, facts)
    serving = serving_members(cluster, facts, name)
    steps = [
        *backup_first(serving, now, backup),
        *leader_moved(old, now),
        *data_steps(spec, facts, places, serving[0]),
        *settings_steps(spec, facts, joined),
        _remove(old, name),
        *_disarm(old, now, name),
        *join_steps(spec, facts, serving),
    ]
    return plan_of(
        "replace",
        (_why(old, facts), told),
        (*_warnings(old, spec), *warnings_of(facts, last)),
        [*serving, spec],
        steps,
    )


def _why(old: Seat, facts: JoinFacts) -> str:
    who = f"{old.name}, {hex_id(old.listed.id)},"
    if old.healthy:
        return f"{who} serves, and is replaced all the same"
    data = "" if facts.has_data else "; it has no data"
    return f"{who} does not serve: {old.live.trouble}{data}"


def _warnings(old: Seat, spec: MemberSpec) -> tuple[str, ...]:
    if spec.peer_url in old.listed.peer_urls:
        return ()
    moved = f"{spec.name} moves from {', '.join(old.listed.peer_urls)} to {spec.peer_url}"
    return (f"{moved}: its certificates must name that address, and nothing may start the old one",)


def _remove(old: Seat, name: str) -> RemoveMember:
    return RemoveMember(
        host="-",
        title=f"remove {name}, {hex_id(old.listed.id)}, from the cluster",
        reason="its vote is missing: it leaves before its successor comes, so the quorum never "
        "grows while a vote is missing",
        risk="an ID that was removed never comes back: from here on the run only goes forward",
        member=name,
        id=hex_id(old.listed.id),
    )


def _disarm(old: Seat, now: Membership, name: str) -> list[Step[World]]:
    if not any(alarm.member_id == old.listed.id for alarm in now.alarms):
        return []
    return [
        DisarmCorrupt(
            host="-",
            title=f"disarm the alarm CORRUPT of {hex_id(old.listed.id)}",
            reason="it stays raised after its member is gone, and the cluster takes no writes",
            member=name,
            id=hex_id(old.listed.id),
        )
    ]
