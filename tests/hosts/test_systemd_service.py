"""Units of real systemd, started, stopped and fenced over SSH."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from far_host import far_host
from over_ssh import ssh
from real_hosts import NewHostLab

from requorum.clients.hosts.ssh.host import SshHost
from requorum.clients.hosts.systemd_fence import SystemdFence
from requorum.clients.hosts.systemd_service import SystemdDeadlines, SystemdServiceControl
from requorum.errors import StepFailed
from requorum.lab.hosts.description import HostLab, Wanted
from requorum.lab.hosts.machine import boot, cut_power
from requorum.lab.hosts.readiness import wait_ssh

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

RUN = "20261121-031415-x7k2"
OTHER_RUN = "20261122-031415-abcd"
TOY = "/etc/systemd/system/toy.service"
SECONDS = 30.0


class Toy:
    """A unit of the test's own on a host."""

    def __init__(self, lab: HostLab, host: SshHost) -> None:
        self.lab = lab
        self.host = host
        self.service = SystemdServiceControl(
            host, "toy.service", deadlines=SystemdDeadlines(start=5, stop=5)
        )
        self.fence = SystemdFence(host, "toy.service")

    async def write(self, *lines: str) -> None:
        """Write its unit file."""
        text = "\n".join(["[Service]", *lines, ""])
        await self.host.write_new(TOY, text.encode(), mode=0o644)
        self.ctl("daemon-reload")

    def ctl(self, *argv: str) -> str:
        """Run systemctl by ssh's own client."""
        return ssh(self.lab, self.host.name, "systemctl", *argv, check=False).stdout.strip()

    def pid(self) -> int:
        """Return its main process on the host, 0 for none."""
        return int(self.ctl("show", "--property=MainPID", "--value", "toy.service"))

    async def until(self, state: str) -> None:
        """Wait until the unit is in a state such as `activating/auto-restart`."""
        async with asyncio.timeout(SECONDS):
            while True:
                shown = self.ctl("show", "--property=ActiveState,SubState", "--value", "toy")
                if shown.replace("\n", "/") == state:
                    return
                await asyncio.sleep(0.05)


@pytest.fixture(params=["root", "ops"])
async def toy(host_lab: HostLab, request: pytest.FixtureRequest) -> AsyncIterator[Toy]:
    """Return a unit on node1, as root and as a user who becomes root; it is gone afterwards."""
    async with far_host(host_lab, "node1", as_ops=request.param == "ops") as host:
        toy = Toy(host_lab, host)
        try:
            yield toy
        finally:
            toy.ctl("kill", "--signal=KILL", "toy.service")
            toy.ctl("stop", "toy.service")
            ssh(host_lab, "node1", "rm", "-rf", TOY, f"{TOY}.d")
            toy.ctl("daemon-reload")
            toy.ctl("reset-failed")


async def test_life_of_a_unit(toy: Toy) -> None:
    """Started, asked, stopped; each twice, for a step may be repeated."""
    await toy.write("ExecStart=/bin/sleep 600")
    assert not await toy.service.running()
    await toy.service.start()
    await toy.service.start()
    assert await toy.service.running()
    assert toy.pid()
    await toy.service.stop()
    await toy.service.stop()
    assert not await toy.service.running()
    assert not toy.pid()


async def test_a_unit_between_two_attempts(toy: Toy) -> None:
    """Restart=always will start it at any moment: that is running, and stop ends it."""
    await toy.write("ExecStart=/bin/false", "Restart=always", "RestartSec=600")
    toy.ctl("start", "toy.service")
    await toy.until("activating/auto-restart")
    assert await toy.service.running()
    await toy.service.stop()
    assert toy.ctl("is-active", "toy") in {"inactive", "failed"}
    assert not await toy.service.running()


async def test_a_start_that_fails(toy: Toy) -> None:
    """The error has systemd's words and the unit's last lines in the journal."""
    await toy.write(
        "Type=notify", "ExecStart=/bin/sh -c 'for n in 1 2 3; do echo line $$n; done; exit 3'"
    )
    with pytest.raises(StepFailed) as caught:
        await toy.service.start()
    assert "`systemctl start toy.service` on node1: Job for toy.service failed" in (
        caught.value.message
    )
    assert ": line 3\n" in caught.value.message
    assert "status=3" in caught.value.message
    assert len(caught.value.message.splitlines()) <= 11
    assert "journalctl -u toy.service" in str(caught.value.hint)


async def test_a_start_that_hangs(toy: Toy) -> None:
    """A unit that is never ready is an error once the deadline has passed."""
    await toy.write("Type=notify", "TimeoutStartSec=0", "ExecStart=/bin/sleep 600")
    with pytest.raises(StepFailed, match="did not end within 5 s"):
        await toy.service.start()
    assert await toy.service.running()
    await toy.service.stop()


async def test_a_unit_that_failed_too_often(toy: Toy) -> None:
    """It is given its attempts back."""
    await toy.write("Type=oneshot", "RemainAfterExit=yes", "ExecStart=test -e /run/toy-may-run")
    for _ in range(8):
        toy.ctl("start", "toy.service")
    assert not await toy.service.running()
    ssh(toy.lab, "node1", "touch", "/run/toy-may-run")
    try:
        toy.ctl("start", "toy.service")
        assert not await toy.service.running()
        await toy.service.start()
        assert await toy.service.running()
    finally:
        ssh(toy.lab, "node1", "rm", "/run/toy-may-run")


async def test_a_condition_that_is_not_met(toy: Toy) -> None:
    """Systemctl exits with 0 and nothing runs: that is no start."""
    await toy.write("ExecStart=/bin/sleep 600", "[Unit]", "ConditionPathExists=/none")
    with pytest.raises(StepFailed, match=r"was started and is inactive \(dead\)") as caught:
        await toy.service.start()
    assert "systemctl cat toy.service" in str(caught.value.hint)


async def test_a_unit_that_does_not_end(toy: Toy) -> None:
    """The deadline passes, and we have killed nothing."""
    await toy.write(
        "ExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 1 & wait; done'",
        "TimeoutStopSec=infinity",
    )
    await toy.service.start()
    pid = toy.pid()
    with pytest.raises(StepFailed, match=r"`systemctl stop toy.service` .* within 5 s"):
        await toy.service.stop()
    assert toy.pid() == pid
    assert await toy.service.running()


async def test_no_unit(host_lab: HostLab) -> None:
    """A unit that is not there says nothing about a member."""
    async with far_host(host_lab, "node1") as host:
        with pytest.raises(StepFailed, match=r"has no unit none\.service"):
            await SystemdServiceControl(host, "none.service").running()


async def test_a_fence(toy: Toy) -> None:
    """It can be seen, neither a person nor Restart= gets past it, and only its run lifts it."""
    await toy.write("ExecStart=/bin/sleep 600", "Restart=always", "RestartSec=100ms")
    await toy.service.start()
    await toy.fence.put_up(RUN)
    await toy.fence.put_up(RUN)
    assert await toy.fence.held_by() == RUN
    assert await toy.service.running()
    assert f"requorum run {RUN}" in toy.ctl("cat", "toy.service")
    ssh(toy.lab, "node1", "kill", "-KILL", str(toy.pid()))
    await toy.until("inactive/dead")
    toy.ctl("start", "toy.service")
    with pytest.raises(StepFailed, match="Assertion failed") as caught:
        await toy.service.start()
    assert "fence" in str(caught.value.hint)
    assert not await toy.service.running()
    for change in (toy.fence.put_up, toy.fence.lift):
        with pytest.raises(StepFailed, match=f"fenced by run {RUN}"):
            await change(OTHER_RUN)
    await toy.fence.lift(RUN)
    await toy.fence.lift(RUN)
    assert await toy.fence.held_by() is None
    await toy.service.start()
    assert await toy.service.running()
    await toy.fence.put_up(RUN)
    await toy.fence.lift(RUN)
    names = ssh(toy.lab, "node1", "ls", f"{TOY}.d").stdout.split()
    assert names == [f"zz-requorum-fence.conf.lifted-{RUN}{n}" for n in ("", "-2")]


async def test_a_fence_that_stays(toy: Toy) -> None:
    """The next run takes its place, and puts it back if it goes back; no third run may lift it."""
    await toy.write("ExecStart=sleep 1000")
    await toy.fence.put_up(RUN, stays=True)
    shown = toy.ctl("cat", "toy")
    assert f"mv {TOY}.d/zz-requorum-fence.conf " in shown
    await toy.fence.put_up(OTHER_RUN)
    assert await toy.fence.held_by() == OTHER_RUN
    with pytest.raises(StepFailed, match=f"fenced by run {OTHER_RUN}"):
        await toy.fence.put_up(RUN)
    for _ in range(2):
        await toy.fence.lift(OTHER_RUN, as_before=True)
        assert await toy.fence.held_by() == RUN
    with pytest.raises(StepFailed, match=f"fenced by run {RUN}"):
        await toy.fence.lift(OTHER_RUN)
    await toy.fence.put_up(OTHER_RUN)
    await toy.fence.lift(OTHER_RUN)
    assert await toy.fence.held_by() is None
    await toy.service.start()


def test_a_fence_outlives_a_power_cut(new_host_lab: NewHostLab) -> None:
    """A host that boots in the middle of a run does not start its member."""
    lab = new_host_lab(Wanted(hosts=1, stand_ins=False))
    asyncio.run(_fence(lab))
    cut_power(lab, ["node1"])
    boot(lab, "node1")
    wait_ssh(lab, ["node1"], deadline=SECONDS)
    ssh(lab, "node1", "systemctl", "is-system-running", "--wait", check=False)
    assert ssh(lab, "node1", "pgrep", "-x", "etcd", check=False).stdout == ""
    asyncio.run(_lift_and_start(lab))


async def _fence(lab: HostLab) -> None:
    async with far_host(lab, "node1") as host:
        await SystemdFence(host, "etcd.service").put_up(RUN)


async def _lift_and_start(lab: HostLab) -> None:
    async with far_host(lab, "node1") as host:
        service, fence = (
            SystemdServiceControl(host, "etcd.service"),
            SystemdFence(host, "etcd.service"),
        )
        assert not await service.running()
        assert await fence.held_by() == RUN
        await fence.lift(RUN)
        await service.start()
        assert await service.running()
