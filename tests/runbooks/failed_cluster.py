"""Facts of a failed cluster, and a plan as text that can be read and compared."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import made

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import (
    ClientService,
    Cluster,
    CommandService,
    MemberSpec,
    SystemdService,
)
from requorum.domain.ids import ClusterId, MemberId
from requorum.domain.version import EtcdVersion
from requorum.errors import RequorumError
from requorum.facts.configured_member import Configurations, ConfiguredMember
from requorum.facts.live import LiveMember
from requorum.facts.survey import Survey
from requorum.formats.text_file import TextFile
from requorum.inspection.contradictions import contradictions
from requorum.inspection.evidence import MemberEvidence
from requorum.inspection.member_configuration import UnitSource, configuration_of
from requorum.ports.etcd import MemberStatus, ResponseHeader
from requorum.ports.host import Disk
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.recover import NothingToDo, plan_recovery
from requorum.runbooks.workspace import Workspace, workspace_of

RUN = "20260102-030405-aaaa"
SERVICE = CommandService(start=("start",), stop=("stop",), status=("status",))
NAMES = ("etcd1", "etcd2", "etcd3")
CLUSTER = Cluster(
    name="prod",
    members=tuple(
        MemberSpec(
            name=name,
            host="local",
            peer_url=f"http://{name}:2380",
            client_url=f"http://{name}:2379",
            data_dir=f"/var/lib/{name}",
            service=SERVICE,
        )
        for name in NAMES
    ),
)

ON_HOSTS = replace(
    CLUSTER,
    members=tuple(
        replace(m, host=f"root@10.0.0.{n}", service=SystemdService(unit="etcd.service"))
        for n, m in enumerate(CLUSTER.members, start=31)
    ),
    clients=tuple(
        ClientService(
            service=SystemdService(unit=unit),
            hosts=("root@10.0.0.31", "root@10.0.0.32", "root@10.0.0.33"),
        )
        for unit in ("kubelet.service", "kube-apiserver.service")
    ),
)
"""The same three on hosts of their own, under Kubernetes."""


@dataclass
class Facts:
    """What the survey would have found. `reads`, `answers`, `running` are names of members."""

    evidence: Collection[MemberEvidence]
    reads: Collection[str] = ()
    answers: Collection[str] = ()
    running: Collection[str] = ()
    foreign: Mapping[str, str] = field(default_factory=dict)
    voters: int = 3
    free: int = 1 << 40
    etcd: EtcdVersion = field(default_factory=lambda: EtcdVersion(3, 5, 16))
    unreachable: Mapping[str, str] = field(default_factory=dict)
    lost: Collection[str] = ()
    cluster: Cluster = CLUSTER
    environment: Mapping[str, str] = field(default_factory=dict)
    """What /etc/etcd.env of a host says besides, by member: lines."""

    def plan(self) -> RecoveryPlan | NothingToDo:
        """Plan the recovery of these facts."""
        evidence = made.cluster(*self.evidence, size=self.voters, foreign=self.foreign)
        survey = Survey(
            cluster_id=ClusterId(made.CLUSTER),
            evidence=evidence,
            live={name: self._live(name) for name in NAMES},
            running={name: name in self.running or name in self.reads for name in NAMES},
            disks={name: Disk(filesystem="one", free=self.free) for name in NAMES},
            stamps={},
            unreachable=self.unreachable,
            clients=self._clients(),
        )
        return plan_recovery(
            self.cluster,
            survey,
            run=RUN,
            binaries=binaries(self.etcd),
            workspaces=workspaces(),
            lost=self.lost,
            backup="/state/recovered.db",
            configured=self._configured(),
        )

    def _configured(self) -> Configurations:
        """Return what the members of systemd units run with, as kubespray writes it."""
        known = {
            m.name: configured(m, self.environment.get(m.name, ""))
            for m in self.cluster.members
            if isinstance(m.service, SystemdService) and m.name not in self.unreachable
        }
        return Configurations(known=known)

    def _clients(self) -> Mapping[tuple[str, str], bool]:
        """Return that all run, on the hosts that answer."""
        dead = {self.cluster.member(name).host for name in self.unreachable}
        return {
            (client.name, host): True
            for client in self.cluster.clients
            for host in client.hosts
            if host not in dead
        }

    def _live(self, name: str) -> LiveMember:
        if name not in self.reads and name not in self.answers:
            return LiveMember(name, None, reads=False, trouble="connection refused")
        reads = name in self.reads
        status = MemberStatus(
            header=ResponseHeader(ClusterId(made.CLUSTER), MemberId(1), 9, 2),
            version="3.5.16",
            leader=MemberId(1) if reads else None,
            raft_term=2,
            raft_index=9,
            raft_applied_index=9,
            is_learner=False,
            db_size=1,
            db_size_in_use=1,
            errors=(),
        )
        return LiveMember(name, status, reads=reads, trouble=None if reads else "it has no leader")


def configured(member: MemberSpec, lines: str) -> ConfiguredMember:
    """Return what a member runs with by its environment file; the last of equal lines counts."""
    every = ",".join(f"{name}={url}" for name, url in CLUSTER.peer_urls.items())
    text = (
        f"ETCD_NAME={member.name}\nETCD_DATA_DIR={member.data_dir}\n"
        f"ETCD_INITIAL_ADVERTISE_PEER_URLS={member.peer_url}\nETCD_INITIAL_CLUSTER={every}\n"
    )
    unit = "[Service]\nEnvironmentFile=/etc/etcd.env\nExecStart=/usr/bin/etcd\n"
    source = UnitSource(
        name="etcd.service",
        files=(TextFile("/etc/systemd/system/etcd.service", unit),),
        environment_files=(TextFile("/etc/etcd.env", text + lines),),
        meaning={},
        systemd_version=252,
    )
    found = configuration_of(source, None)
    return ConfiguredMember(found, contradictions(member, found.settings))


def binaries(version: EtcdVersion) -> Mapping[str, EtcdBinaries]:
    """Return that release for every member."""
    tools = EtcdBinaries(directory="/usr/bin", version=version, has_etcdutl=True)
    return dict.fromkeys(NAMES, tools)


def workspaces() -> Mapping[str, Workspace]:
    """Return the places of a run beside each data directory."""
    return {
        m.name: workspace_of(m, RUN, data_dir_is_mount=False, wal_dir_is_mount=False)
        for m in CLUSTER.members
    }


def told(facts: Facts) -> str:
    """Return what is planned for these facts, or why nothing is."""
    try:
        plan = facts.plan()
    except RequorumError as error:
        return f"refused ({error.exit_code}): {error.message}\nhint: {error.hint}\n"
    if isinstance(plan, NothingToDo):
        return "".join(f"nothing to do: {line}\n" for line in plan.summary)
    return plan_as_text(plan)


def plan_as_text(plan: RecoveryPlan) -> str:
    """Return the plan, a line for each thing that an operator reads, each reason once."""
    lines = [f"path: {plan.path}"]
    lines += [f"because: {line}" for line in plan.summary]
    lines += [f"warning: {line}" for line in plan.warnings]
    lines.append("loss: proven none" if plan.loss.proven_none else "loss: not proven")
    for unproven in plan.loss.unproven:
        last = "" if unproven.last_index is None else unproven.last_index
        lines.append(
            f"  entries {unproven.first_index} to {last or '...'}, "
            f"revisions {unproven.first_revision} to {unproven.last_revision or '...'}: "
            f"{unproven.reason}"
        )
    lines += [f"  ground: {ground}" for ground in plan.loss.grounds]
    lines.append(f"healthy: {', '.join(plan.healthy)}")
    lines.append("steps:")
    explained: set[str] = set()
    for step in plan.steps:
        together = f" [{step.together}]" if step.together else ""
        lines.append(f"  {step.kind} on {step.host}{together}: {step.title}")
        if step.reason not in explained:
            lines.append(f"    why: {step.reason}")
            lines += [f"    risk: {step.risk}"] if step.risk else []
        lines += ["    point of no return"] if step.point_of_no_return else []
        lines += [f"    | {line}" for line in step.details]
        explained.add(step.reason)
    return "\n".join(lines) + "\n"
