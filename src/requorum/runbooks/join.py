"""A member joins a cluster that serves: what `member replace` and `member add` have in common.

See docs/concepts/how-a-member-is-replaced.md. Pure: facts in, plan out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from requorum.domain.cluster import Cluster, MemberSpec, StaticPodService
from requorum.domain.ids import hex_id
from requorum.domain.known_bad import known_problems
from requorum.domain.loss import Loss
from requorum.domain.quorum import Move, Seats, failures_tolerated, walk
from requorum.domain.version import EtcdVersion
from requorum.errors import Refused, Unreachable
from requorum.facts.configured_member import ConfiguredMember
from requorum.facts.membership import Membership, Seat
from requorum.runbooks.exchange_data import (
    RecoveryPlan,
    health_step,
    probe_step,
    set_aside_step,
    start_steps,
    stop_steps,
)
from requorum.runbooks.member_settings import change_settings_step
from requorum.runbooks.steps.backup import TakeBackup
from requorum.runbooks.steps.catch_up import AwaitCaughtUp
from requorum.runbooks.steps.data_dir import MakeDataDir
from requorum.runbooks.steps.join_settings import JoinSettings, join_flags
from requorum.runbooks.steps.membership import AddLearner, PromoteMember
from requorum.runbooks.steps.move_leader import MoveLeader
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace
from requorum.workflow.step import Step

LAG_MAX = 5000
"""Entries that a voter may be behind: the leader keeps as many in memory for a slow follower.

Source: etcd server/etcdserver/server.go DefaultSnapshotCatchUpEntries.
"""

LEARNERS_FROM = (3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFacts:
    """What is known of one moment, and of the member that is to join.

    `unreachable` says of members why their hosts do not answer. The other fields are about the
    member that joins: whether its service runs, whether it has data, whether a command of the
    operator's changes its settings, else what it runs with, and what keeps its certificates from
    being used.
    """

    membership: Membership
    unreachable: Mapping[str, str]
    running: bool
    has_data: bool
    configurable: bool
    configured: ConfiguredMember | None = None
    certificates: tuple[str, ...] = ()


def refuse_host_out_of_reach(spec: MemberSpec, facts: JoinFacts) -> None:
    """Raise Unreachable where the machine that the member is to run on does not answer."""
    why = facts.unreachable.get(spec.name)
    if why is not None:
        raise Unreachable(
            f"the host {spec.host} of {spec.name} does not answer: {why}",
            hint="Where it is gone for good, name the new machine as its `host` in the cluster "
            "file, and its `peer_url` and `client_url` where they changed.",
        )


def refuse_unfit_cluster(spec: MemberSpec, facts: JoinFacts) -> None:
    """Raise Refused where the cluster's state forbids a change of its membership."""
    _refuse_waiting_members(spec, facts.membership)
    _refuse_alarms(spec, facts.membership)
    _refuse_old_release(facts.membership)
    _refuse_lag(spec, facts.membership)
    _refuse_taken_url(spec, facts.membership)


def refuse_unconfigurable(spec: MemberSpec, facts: JoinFacts, joined: Mapping[str, str]) -> None:
    """Raise Refused, with what to set by hand, where its settings are not ours to change."""
    if facts.configurable or facts.configured is not None:
        return
    flags = " ".join(f"--{flag}={value}" for flag, value in join_flags(joined).items())
    raise Refused(
        f"the settings of {spec.name} cannot be changed from here, and it has to join with: "
        f"{flags}",
        hint="Give its service a `configure` command in the cluster file that sets the flags which "
        "are appended to it.",
    )


def refuse_voters_down(spec: MemberSpec, now: Membership) -> None:
    """Raise Refused where another voter is down and this etcd would add nobody meanwhile."""
    down = sorted(now.seats.voters - now.seats.healthy - {spec.name})
    least = min(_versions(now).values(), default=None)
    if down and least is not None and not least.adds_while_one_is_down:
        raise Refused(
            f"{down[0]} does not serve, and etcd {least} adds no member while a voter is down "
            "(3.5.30 and 3.6.11 were the first that do)",
            hint=f"Start {down[0]}. Where it is lost: `requorum member remove {down[0]}`, then "
            f"this again, then `requorum member add {down[0]}`.",
        )


def refuse_unfit_machine(spec: MemberSpec, facts: JoinFacts) -> None:
    """Raise Refused where the machine would start another member, or one its peers refuse."""
    if facts.configured is not None and facts.configured.contradictions:
        raise Refused(
            "; ".join(str(each) for each in facts.configured.contradictions),
            hint="Make the two say the same: what is set aside and joined must be what starts.",
        )
    if facts.certificates:
        raise Refused(
            f"{spec.name} cannot use its certificates: {'; '.join(facts.certificates)}",
            hint=_how_certificates_are_made(spec),
        )


def _how_certificates_are_made(spec: MemberSpec) -> str:
    own = "One of another member will not do: each names its own address."
    if isinstance(spec.service, StaticPodService):
        return (
            f"{own} With kubeadm, on that host, the cluster's CA in /etc/kubernetes/pki/etcd: "
            "`kubeadm init phase certs etcd-server`, then etcd-peer and etcd-healthcheck-client."
        )
    return (
        f"{own} With kubespray: `ansible-playbook cluster.yml --tags etcd-secrets --limit etcd`; "
        "else sign them with the cluster's CA."
    )


def _refuse_waiting_members(spec: MemberSpec, now: Membership) -> None:
    for seat in now.listed:
        if seat.name == spec.name:
            continue
        if seat.listed.is_learner:
            raise Refused(
                f"{seat.name} is a learner, and etcd takes one at a time",
                hint=f"Wait until {seat.name} has caught up and promote it, or remove it: "
                "`etcdctl member promote` or `member remove`.",
            )
        if not seat.started:
            raise Refused(
                f"a member that never started is listed: {seat.listed.id:x} at "
                f"{', '.join(seat.listed.peer_urls)}",
                hint=f"Start it, or remove it: `etcdctl member remove {seat.listed.id:x}`.",
            )


def _refuse_alarms(spec: MemberSpec, now: Membership) -> None:
    names = {seat.listed.id: seat.name for seat in now.listed}
    for alarm in now.alarms:
        who = names.get(alarm.member_id, f"{alarm.member_id:x}, which is no member any more")
        if alarm.kind == "NOSPACE":
            raise Refused(
                f"the alarm NOSPACE is raised for {who}: the cluster takes no writes",
                hint="Compact, defragment each member, disarm the alarm; then plan anew.",
            )
        if who != spec.name:
            raise Refused(
                f"the alarm CORRUPT is raised for {who}",
                hint=f"Its data differs from the others'. Replace {who} first."
                if alarm.member_id in names
                else "It is left over: `etcdctl alarm disarm`, then plan anew.",
            )


def _refuse_old_release(now: Membership) -> None:
    for name, version in _versions(now).items():
        if version.minor_series < LEARNERS_FROM:
            raise Refused(
                f"{name} runs etcd {version}, which knows no learners (3.4 and later do)",
                hint="Upgrade the cluster first.",
            )


def _refuse_lag(spec: MemberSpec, now: Membership) -> None:
    furthest = max(status.raft_index for status in now.statuses.values())
    for name, status in now.statuses.items():
        behind = furthest - status.raft_applied_index
        if name != spec.name and behind > LAG_MAX:
            raise Refused(
                f"{name} is {behind} log entries behind the others",
                hint="Wait until it has caught up: the quorum would rest on it.",
            )


def _refuse_taken_url(spec: MemberSpec, now: Membership) -> None:
    for seat in now.listed:
        if seat.name != spec.name and spec.client_url in seat.listed.client_urls:
            raise Refused(
                f"the client URL {spec.client_url} of {spec.name} is that of {seat.name}",
                hint="Correct the cluster file: each member has URLs of its own.",
            )


def _versions(now: Membership) -> Mapping[str, EtcdVersion]:
    parsed = {name: EtcdVersion.parse(status.version) for name, status in now.statuses.items()}
    return {name: version for name, version in parsed.items() if version is not None}


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
    versions = set(_versions(facts.membership).values())
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


def listed_as(now: Membership, spec: MemberSpec) -> Seat:
    """Return who is replaced: by its name in etcd's list, since its address may be a new one."""
    seat = now.seat(spec.name)
    namesake = next((s for s in now.listed if s.listed.name == spec.name and s is not seat), None)
    if seat is not None and namesake is not None:
        raise Refused(
            f"etcd lists {spec.name} at {', '.join(namesake.listed.peer_urls)}, and at "
            f"{spec.peer_url} {seat.listed.name}",
            hint="Correct the peer URL in the cluster file.",
        )
    found = seat or namesake
    if found is None:
        raise Refused(
            f"{spec.name} is no member of this cluster",
            hint=f"`requorum member add {spec.name}` makes it one.",
        )
    return found


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
    return [*stops, *asides, made]


def settings_steps(
    spec: MemberSpec, facts: JoinFacts, joined: Mapping[str, str]
) -> list[Step[World]]:
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
            initial_cluster=dict(joined),
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


def serving_members(cluster: Cluster, now: Membership, apart_from: str) -> list[MemberSpec]:
    """Return the members of the cluster file that serve now, without one."""
    return [m for m in cluster.members if m.name in now.statuses and m.name != apart_from]


def joined_urls(cluster: Cluster, now: Membership, spec: MemberSpec) -> dict[str, str]:
    """Return what `initial-cluster` must be: the others as etcd lists them, and the new one.

    In the order of the cluster file, so that a setting that is right already stays as it is.
    """
    order = {member.name: place for place, member in enumerate(cluster.members)}
    urls = {
        seat.name: (seat.listed.name, url)
        for seat in now.listed
        if seat.name != spec.name
        for url in seat.listed.peer_urls
    } | {spec.name: (spec.name, spec.peer_url)}
    return dict(urls[name] for name in sorted(urls, key=lambda n: order.get(n, len(order))))
