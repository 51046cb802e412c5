"""Settings of a member changed on a real host, in all styles of unit, and cut at every change."""

from collections.abc import AsyncIterator

import pytest
from cut_host import Cut, cut_at
from far_host import far_host
from real_hosts import NewHostLab

from requorum.clients.hosts.ssh.host import SshHost
from requorum.clients.hosts.systemd_service import SystemdServiceControl
from requorum.domain.cluster import Cluster, MemberSpec, SystemdService
from requorum.errors import StepFailed
from requorum.facts.member_settings import read_member
from requorum.facts.running_member import running_member
from requorum.facts.survey import Reach
from requorum.lab.hosts.description import EtcdStyle, HostLab, Wanted
from requorum.ports.etcd import Etcd
from requorum.ports.host import Host
from requorum.runbooks.member_settings import change_settings_step
from requorum.runbooks.steps.change_settings import ChangeSettings
from requorum.runbooks.steps.world import World

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

FILES = {
    EtcdStyle.ENV_FILE: "/etc/etcd.env",
    EtcdStyle.FLAGS: "/etc/systemd/system/etcd.service",
    EtcdStyle.CONFIG_FILE: "/etc/etcd/etcd.yaml",
}
WANTED = {"initial-cluster-state": "existing", "initial-cluster-token": "another"}
CUTS_MAX = 40
CHANGES = 5
"""Write, chown, two renames, and systemd's reload."""
SECONDS = 30.0


class Site:
    """One host with one member, and what a step acts on."""

    def __init__(self, lab: HostLab, host: SshHost) -> None:
        self.lab = lab
        self.host = host
        described = lab.hosts[0]
        self.member = MemberSpec(
            name=described.member,
            host=described.name,
            peer_url=described.peer_url,
            client_url=described.client_url,
            data_dir=described.data_dir,
            service=SystemdService(unit=described.unit),
        )
        self.number = 0

    def world(self, host: Host | None = None) -> World:
        """Return the world of the run at hand."""
        return World(
            run=f"20261121-03{self.number:04}-aaaa",
            cluster=Cluster(name="c", members=(self.member,)),
            reach=Reach(hosts={self.member.name: host or self.host}, services={}, connect=_nobody),
            binaries={},
            here=self.host,  # type: ignore[arg-type]  # no step of these asks for it
        )

    async def step(self) -> ChangeSettings:
        """Return the step, planned from what the host says now."""
        self.number += 1
        configuration = await read_member(self.host, self.member)
        step = change_settings_step(self.member, configuration, WANTED, reason="a test")
        assert step is not None
        return ChangeSettings.model_validate_json(step.model_dump_json())

    async def say(self, *argv: str) -> str:
        """Return what a command prints there."""
        done = await self.host.run(argv, deadline=SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def look(self, path: str) -> str:
        """Return bytes, owner, mode and inode of a file, and what systemd has yet to read."""
        ask = ("systemctl", "show", "--property=NeedDaemonReload", self.lab.hosts[0].unit)
        stat = await self.say("stat", "--format=%u %g %a %i", path)
        return await self.say("sha256sum", path) + stat + await self.say(*ask)


def _nobody(endpoint: str) -> Etcd:
    raise AssertionError(endpoint)


@pytest.fixture(params=list(EtcdStyle))
def lab(request: pytest.FixtureRequest, new_host_lab: NewHostLab) -> HostLab:
    """Return a host whose unit is of each style in turn."""
    return new_host_lab(Wanted(hosts=1, stand_ins=False, style=request.param))


@pytest.fixture
async def site(lab: HostLab) -> AsyncIterator[Site]:
    """Return the host, connected to."""
    async with far_host(lab, lab.names[0]) as host:
        yield Site(lab, host)


async def test_changed_cut_and_taken_back(site: Site) -> None:
    """Wherever it is cut, going on ends where it should and going back restores every byte."""
    path = FILES[site.lab.wanted.style]
    await site.say("chown", "daemon:adm", path)
    await site.say("chmod", "640", path)
    before = await site.look(path)
    for at in range(1, CUTS_MAX):
        step = await site.step()
        try:
            await step.apply(site.world(cut_at(site.host, at)))
        except Cut:
            await step.undo(site.world())
            assert await site.look(path) == before
            assert (await read_member(site.host, site.member)).settings.place("name")
            continue
        break
    else:
        raise AssertionError("it never came to its end")
    assert at == CHANGES + 1
    await step.undo(site.world())
    assert await site.look(path) == before
    for at in range(1, CUTS_MAX):
        step = await site.step()
        try:
            await step.apply(site.world(cut_at(site.host, at)))
        except Cut:
            await step.apply(site.world())
        owner = await site.say("stat", "--format=%U %G %a", path)
        assert owner == "daemon adm 640\n"
        settings = (await read_member(site.host, site.member)).settings.settings
        assert {flag: settings[flag].value for flag in WANTED} == WANTED
        await _undone_whatever_happens(site, step, at)
        assert await site.look(path) == before


async def _undone_whatever_happens(site: Site, step: ChangeSettings, at: int) -> None:
    """Take it back, cut once in the middle."""
    try:
        await step.undo(site.world(cut_at(site.host, at)))
    except Cut:
        await step.undo(site.world())


async def test_the_member_starts_with_what_is_shown(site: Site) -> None:
    """The lines of the plan are those of the file; etcd takes them and runs with them."""
    path = FILES[site.lab.wanted.style]
    old = (await site.say("cat", path)).splitlines()
    step = await site.step()
    await step.apply(site.world())
    new = (await site.say("cat", path)).splitlines()
    assert step.details[0] == path
    assert sorted(step.details[1:]) == sorted(
        [f"- {line}" for line in old if line not in new]
        + [f"+ {line}" for line in new if line not in old]
    )
    assert 1 <= len([line for line in new if line not in old]) <= len(WANTED) + 1
    service = SystemdServiceControl(site.host, site.lab.hosts[0].unit)
    await service.stop()
    await service.start()
    running = await running_member(site.host, await read_member(site.host, site.member))
    assert running is not None
    assert (running.drift, running.config_file_newer) == ((), False)


async def test_a_file_that_somebody_else_changed(site: Site) -> None:
    """What was approved is not written over what somebody wrote meanwhile."""
    path = FILES[site.lab.wanted.style]
    step = await site.step()
    await site.say("sh", "-c", f"echo '# by hand' >> {path}")
    theirs = await site.look(path)
    with pytest.raises(StepFailed, match="is not what it was when the plan was made"):
        await step.apply(site.world())
    await step.undo(site.world())
    assert (await site.look(path)).splitlines()[:2] == theirs.splitlines()[:2]
