"""A member joins a cluster that serves: what `member replace` and `member add` have in common.

See docs/concepts/how-a-member-is-replaced.md. Pure: facts in, plan out.
"""

from collections.abc import Sequence

from requorum.domain.cluster import Cluster, MemberSpec
from requorum.domain.ids import hex_id
from requorum.domain.known_bad import known_problems
from requorum.domain.loss import Loss
from requorum.domain.quorum import Move, Seats, failures_tolerated, walk
from requorum.errors import Refused
from requorum.facts.membership import Membership, Seat
from requorum.runbooks.exchange_data import (
    EXCHANGED,
    RecoveryPlan,
    fence_steps,
    health_step,
    lift_steps,
    probe_step,
    set_aside_step,
    start_steps,
    stop_steps,
)
from requorum.runbooks.join_checks import JoinFacts, versions_of
from requorum.runbooks.member_settings import change_settings_step
from requorum.runbooks.steps.backup import TakeBackup
from requorum.runbooks.steps.catch_up import AwaitCaughtUp
from requorum.runbooks.steps.data_dir import MakeDataDir
from requorum.runbooks.steps.join_settings import JoinSettings, Urls, join_flags
from requorum.runbooks.steps.membership import AddLearner, PromoteMember
from requorum.runbooks.steps.move_leader import MoveLeader
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace
from requorum.workflow.step import Step


def quorum_kept(before: Seats, moves: Sequence[Move]) -> tuple[str, Seats]:
    """Walk the moves; return the sentence that says how the quorum fares, and the last seats.

    Refused, with what would make it safe, where it would be missing at any moment.
    """
    reached = walk(before, moves)
    least = min(seats.spare for seats in (before, *reached))
    last = reached[-1]
    meanwhile = (
        "until then the loss of one more voter stops the cluster"
        if least == 0
        else f"meanwhile it survives the loss of {least} more"
    )
    told = (
        f"a quorum stays healthy at each step: {len(before.voters & before.healthy)} of "
        f"{len(before.voters)} voters serve now, {len(last.voters & last.healthy)} of "
        f"{len(last.voters)} in the end; {meanwhile}"
    )
    return told, last


def warnings_of(facts: JoinFacts, last: Seats) -> tuple[str, ...]:
    """Return what an operator should know before it begins."""
    found: list[str] = []
    versions = set(versions_of(facts.membership).values())
    if len({version.minor_series for version in versions}) > 1:
        shown = ", ".join(str(version) for version in sorted(versions))
        found.append(f"the members run different minors of etcd: {shown}")
    problems = {p for version in versions for p in known_problems(version) if "promotion" in p}
    found += [f"this etcd: {problem}" for problem in sorted(problems)]
    voters = len(last.voters)
    if voters % 2 == 0:
        found.append(
            f"{voters} voters survive the loss of {failures_tolerated(voters)}, as "
            f"{voters - 1} do: add one more, or remove one"
        )
    found += [
        f"{name} is not asked: its host does not answer ({why})"
        for name, why in facts.unreachable.items()
    ]
    return tuple(found)


def leader_moved(old: Seat, now: Membership) -> list[Step[World]]:
    """Return the step that hands the leadership over, where that member has it."""
    if old.listed.id != now.leader:
        return []
    return [
        MoveLeader(
            host="-",
            title=f"move the leadership away from {old.name}",
            reason="handed over it takes milliseconds; a leader that is stopped is missed for a "
            "second or more",
            member=old.name,
            id=hex_id(old.listed.id),
        )
    ]


def backup_first(
    serving: Sequence[MemberSpec], now: Membership, path: str | None
) -> list[Step[World]]:
    """Return the step that saves a snapshot, of a follower where one serves; none for no path."""
    if path is None:
        return []
    leading = now.leading.name if now.leading else ""
    on = next((m for m in serving if m.name != leading), serving[0])
    return [
        TakeBackup(
            host="-",
            title=f"save a snapshot of {on.name} as {path}",
            reason="whatever happens from here on, this file has all that was acknowledged",
            member=on.name,
            path=path,
        )
    ]


def data_steps(
    spec: MemberSpec, facts: JoinFacts, workspace: Workspace, like: MemberSpec
) -> list[Step[World]]:
    """Return the steps that set aside what the member has, and make room for what comes.

    `like` is a member that serves: its directories' owner is that of the new ones.
    """
    stops = stop_steps([spec], "its data is about to be set aside") if facts.running else []
    asides = [set_aside_step(spec, workspace)] if facts.has_data or facts.running else []
    paths = [path for path in (spec.data_dir, spec.wal_dir) if path is not None]
    made = MakeDataDir(
        host=spec.host,
        title=f"make {' and '.join(paths)} of {spec.name}, empty",
        reason="etcd fetches everything into it, and may not make it itself where it is not root",
        member=spec.name,
        like=like.name,
        paths=tuple(paths),
        aside=workspace.swaps[0].aside,
        root=workspace.root,
    )
    return [*stops, *fence_steps([spec], EXCHANGED), *asides, made]


def settings_steps(spec: MemberSpec, facts: JoinFacts, joined: Urls) -> list[Step[World]]:
    """Return the step that tells the new member whom it joins; none where it is set already."""
    reason = "etcd asks these members for the cluster's ID and its own, the first time it starts"
    if facts.configured is not None:
        configuration, wanted = facts.configured.configuration, join_flags(joined)
        step = change_settings_step(spec, configuration, wanted, reason=reason)
        return [] if step is None else [step]
    others = ", ".join(joined)
    return [
        JoinSettings(
            host=spec.host,
            title=f"set {spec.name} to join: initial-cluster of {others}, state existing",
            reason=reason,
            member=spec.name,
            initial_cluster={name: tuple(urls) for name, urls in joined.items()},
        )
    ]


def join_steps(
    spec: MemberSpec, facts: JoinFacts, serving: Sequence[MemberSpec]
) -> list[Step[World]]:
    """Return the steps from an ID of its own to a voter that holds all, and the proof of it."""
    size = max(status.db_size for status in facts.membership.statuses.values())
    everyone = [*serving, spec]
    return [
        AddLearner(
            host="-",
            title=f"add {spec.name} as a learner at {spec.peer_url}",
            reason="a learner has no vote: the quorum stays what it is while it catches up",
            member=spec.name,
            peer_url=spec.peer_url,
        ),
        *lift_steps([spec]),
        *start_steps([spec], "it fetches everything from the leader"),
        AwaitCaughtUp(
            host="-",
            title=f"wait until {spec.name} has applied what the leader has",
            reason="its raft applied index against the leader's; a vote before that would slow "
            "every write, or stop them",
            member=spec.name,
            db_size=size,
        ),
        PromoteMember(
            host="-",
            title=f"promote {spec.name} to a voter",
            reason="etcd itself refuses where it lags",
            member=spec.name,
            peer_url=spec.peer_url,
        ),
        health_step(everyone),
        probe_step(everyone),
    ]


def plan_of(
    path: str,
    summary: Sequence[str],
    warnings: Sequence[str],
    healthy: Sequence[MemberSpec],
    steps: Sequence[Step[World]],
) -> RecoveryPlan:
    """Return the plan; there is no loss where a quorum serves throughout."""
    return RecoveryPlan(
        path=path,
        summary=tuple(summary),
        warnings=tuple(warnings),
        loss=Loss(unproven=(), grounds=("a quorum serves from the first step to the last",)),
        healthy=tuple(m.name for m in healthy),
        steps=tuple(steps),
    )


def serving_members(cluster: Cluster, facts: JoinFacts, apart_from: str) -> list[MemberSpec]:
    """Return the members that serve now, without one; Refused where the file names none of them."""
    there = cluster.without({apart_from, *facts.unreachable}).members
    found = [m for m in there if m.name in facts.membership.statuses]
    if not found:
        raise Refused(
            "no other member of the cluster file serves on a host that answers",
            hint="Correct its hosts and client URLs.",
        )
    return found


def joined_urls(cluster: Cluster, now: Membership, spec: MemberSpec) -> Urls:
    """Return what `initial-cluster` must be: the others as etcd lists them, and the new one.

    In the order of the cluster file, so that a setting that is right already stays as it is.
    """
    order = {member.name: place for place, member in enumerate(cluster.members)}
    urls = {
        seat.name: (seat.listed.name, seat.listed.peer_urls)
        for seat in now.listed
        if seat.name != spec.name
    } | {spec.name: (spec.name, (spec.peer_url,))}
    return dict(urls[name] for name in sorted(urls, key=lambda n: order.get(n, len(order))))
