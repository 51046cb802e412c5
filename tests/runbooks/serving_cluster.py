"""Facts of a cluster that serves, of which one member is to be changed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from failed_cluster import CLUSTER, RUN, plan_as_text

from requorum.domain.cluster import Cluster
from requorum.domain.ids import ClusterId, MemberId
from requorum.errors import RequorumError
from requorum.facts.live import LiveMember
from requorum.facts.membership import Membership, Seat
from requorum.ports.etcd import Alarm, ListedMember, MemberStatus, ResponseHeader
from requorum.runbooks.add_member import plan_addition
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.join_checks import JoinFacts
from requorum.runbooks.remove_member import plan_removal
from requorum.runbooks.replace_member import plan_replacement
from requorum.runbooks.workspace import workspace_of

OURS = ClusterId(0xC1)
PLANS: Mapping[str, Callable[..., RecoveryPlan]] = {
    "replace": plan_replacement,
    "add": plan_addition,
    "remove": plan_removal,
}


def five() -> Cluster:
    """Return a cluster file of five members."""
    first = CLUSTER.members[0]
    more = (
        replace(
            first,
            name=name,
            peer_url=f"http://{name}:2380",
            client_url=f"http://{name}:2379",
            data_dir=f"/var/lib/{name}",
        )
        for name in ("etcd4", "etcd5")
    )
    return replace(CLUSTER, members=(*CLUSTER.members, *more))


@dataclass
class Case:
    """One change that is asked for. `listed` is who etcd lists; all of them but `down` serve.

    `urls` are peer URLs that differ from the cluster file's, `applied` applied indices that do.
    """

    verb: str
    name: str
    cluster: Cluster = CLUSTER
    listed: Collection[str] = ("etcd1", "etcd2", "etcd3")
    down: Collection[str] = ()
    learners: Collection[str] = ()
    leader: str = "etcd1"
    version: str = "3.5.30"
    alarms: Mapping[str, str] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    applied: Mapping[str, int] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)
    running: bool = False
    has_data: bool = True
    configurable: bool = True

    def told(self) -> str:
        """Return the plan, or why there is none."""
        spec = self.cluster.member(self.name)
        facts = JoinFacts(
            membership=self.membership(),
            unreachable=self.unreachable,
            running=self.running,
            has_data=self.has_data,
            configurable=self.configurable,
        )
        there = spec.name not in self.unreachable
        workspace = workspace_of(spec, RUN, data_dir_is_mount=False, wal_dir_is_mount=False)
        try:
            plan = PLANS[self.verb](
                self.cluster,
                facts,
                self.name,
                workspace=workspace if there else None,
                backup="/state/before.db",
            )
        except RequorumError as error:
            return f"refused ({error.exit_code}): {error.message}\nhint: {error.hint}\n"
        return plan_as_text(plan)

    def membership(self) -> Membership:
        """Return what etcd lists."""
        return Membership(
            cluster_id=OURS,
            leader=_id(self.leader),
            listed=tuple(self._seat(name) for name in self.listed),
            alarms=tuple(
                Alarm(_id(name), "NOSPACE" if kind == "NOSPACE" else "CORRUPT")
                for name, kind in self.alarms.items()
            ),
        )

    def _seat(self, name: str) -> Seat:
        url = self.urls.get(name, f"http://{name}:2380")
        row = ListedMember(
            id=_id(name),
            name=name,
            peer_urls=(url,),
            client_urls=(url.replace("2380", "2379"),),
            is_learner=name in self.learners,
        )
        return Seat(name, row, self._live(name))

    def _live(self, name: str) -> LiveMember:
        if name in self.down:
            return LiveMember(name, None, reads=False, trouble="connection refused")
        status = MemberStatus(
            header=ResponseHeader(OURS, _id(name), 900, 2),
            version=self.version,
            leader=_id(self.leader),
            raft_term=2,
            raft_index=9000,
            raft_applied_index=self.applied.get(name, 9000),
            is_learner=name in self.learners,
            db_size=1 << 20,
            db_size_in_use=1 << 20,
            errors=(),
        )
        return LiveMember(name, status, reads=name not in self.learners, trouble=None)


def _id(name: str) -> MemberId:
    return MemberId(0xE0 + int(name[-1]))
