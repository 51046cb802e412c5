"""What has to hold before a member joins a cluster that serves, and what is refused. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from requorum.domain.cluster import MemberSpec, StaticPodService
from requorum.domain.version import EtcdVersion
from requorum.errors import Refused, Unreachable
from requorum.facts.configured_member import ConfiguredMember
from requorum.facts.membership import Membership, Seat
from requorum.runbooks.steps.join_settings import Urls, join_flags
from requorum.runbooks.workspace import Workspace

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


def within_reach(spec: MemberSpec, facts: JoinFacts, workspace: Workspace | None) -> Workspace:
    """Return its places; Unreachable where the machine that it is to run on does not answer."""
    if workspace is not None:
        return workspace
    raise Unreachable(
        f"the host {spec.host} of {spec.name} does not answer: {facts.unreachable[spec.name]}",
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


def refuse_unconfigurable(spec: MemberSpec, facts: JoinFacts, joined: Urls) -> None:
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
    least = min(versions_of(now).values(), default=None)
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
    for name, version in versions_of(now).items():
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


def versions_of(now: Membership) -> Mapping[str, EtcdVersion]:
    """Return the releases of the healthy voters, by name."""
    parsed = {name: EtcdVersion.parse(status.version) for name, status in now.statuses.items()}
    return {name: version for name, version in parsed.items() if version is not None}
