"""What the steps of a recovery act on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import Cluster, MemberSpec
from requorum.facts.survey import Reach
from requorum.ports.host import Here, Host
from requorum.ports.service import Fence, ServiceControl, SettingsControl
from requorum.workflow.observer import Progress, SilentObserver


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The cluster and the way to it. `binaries` are etcd's own tools, by member name.

    `here` is the machine that we run on.
    """

    run: str
    cluster: Cluster
    reach: Reach
    binaries: Mapping[str, EtcdBinaries]
    here: Here
    watcher: Progress = field(default_factory=SilentObserver)

    def spec(self, member: str) -> MemberSpec:
        """Return the cluster file's entry of that member."""
        return self.cluster.member(member)

    def host(self, member: str) -> Host:
        """Return the host that the member lives on."""
        return self.reach.hosts[member]

    def fence(self, member: str) -> Fence:
        """Return what keeps the member from being started."""
        return self.reach.fences[member]

    def client(self, name: str, host: str) -> ServiceControl:
        """Return the control of one of etcd's clients on a host."""
        return self.reach.clients[name, host]

    def settings(self, member: str) -> SettingsControl:
        """Return the control of the member's settings."""
        return self.reach.settings[member]

    def service(self, member: str) -> ServiceControl:
        """Return the control of the member's service."""
        return self.reach.services[member]
