"""Each fault that can strike a recovery on real hosts, and its outcome: no write is lost.

All tests share three hosts and one crash of theirs, which is put back before each.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_site import HostSite
from killed_run import healthy_without_loss
from over_ssh import ssh
from practice_site import Finished

from requorum.lab.hosts.machine import boot, cut_power
from requorum.lab.hosts.network import plug, unplug
from requorum.lab.hosts.readiness import wait_ssh

pytestmark = [pytest.mark.hosts, pytest.mark.etcd, pytest.mark.timeout(400)]

SILENCE_SECONDS = 120
"""Three keepalives, and the deadlines of what was asked meanwhile."""

Events = list[dict[str, Any]]


@pytest.fixture
def site(crashed_site: HostSite, tmp_path: Path) -> Iterator[HostSite]:
    """Return the crash as it was: one disk lost, and a log record damaged of another."""
    found = crashed_site.put_back(tmp_path / "state")
    yield found
    found.end_started()


def step_done(kind: str) -> Any:
    """Return whether a step with such a word in its note is done, of a journal."""

    def seen(events: Events) -> bool:
        return any(e["type"] == "step-done" and kind in e["note"] for e in events)

    return seen


def ended(process: "subprocess.Popen[str]") -> Finished:
    """Wait for a command that was started."""
    out, err = process.communicate(timeout=200)
    assert "Traceback" not in err, err
    return Finished(process.returncode, out, err)


def one_line(done: Finished, code: int) -> str:
    """Return the one line of the error; a hint comes after it."""
    assert done.code == code, done.stderr
    assert done.hint, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


def resumed(site: HostSite) -> None:
    """Go on with the newest run: it ends healthy, and nothing is lost."""
    done = site.requorum("runs", "resume", "latest", "--yes", "-o", "json")
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean


def test_a_host_does_not_answer_before_the_plan(site: HostSite) -> None:
    """It is left out and named; the two others come back with every write."""
    unplug(site.hosts, "node1")
    done = site.recover()
    assert done.code == 0, done.stderr
    assert {m["name"] for m in done.result["members"]} == {"etcd2", "etcd3"}
    assert any("etcd1 stays out" in warning for warning in done.result["warnings"])
    assert site.verdict(through="etcd2").clean


def test_two_hosts_do_not_answer(site: HostSite) -> None:
    """They may be a quorum that serves: refused, until somebody says that they are off."""
    unplug(site.hosts, "node1")
    unplug(site.hosts, "node2")
    assert "may be a quorum that serves" in one_line(site.recover(), 3)


def test_a_host_dies_in_the_middle_and_comes_back(site: HostSite) -> None:
    """Its power is cut once the image was sent to it: the run ends with its name, and goes on."""
    process = site.start_recover()
    site.wait_for(process, step_done("sha256"))
    cut_power(site.hosts, ["node2"])
    done = ended(process)
    assert site.hosts.host("node2").address in one_line(done, 1)
    boot(site.hosts, "node2")
    wait_ssh(site.hosts, ["node2"], deadline=60)
    resumed(site)


def test_a_host_falls_silent_in_the_middle(site: HostSite) -> None:
    """Nobody is told that it is gone; the run ends within its deadlines, and goes on later."""
    process = site.start_recover()
    site.wait_for(process, step_done("sha256"))
    unplug(site.hosts, "node3")
    began = time.monotonic()
    done = ended(process)
    assert time.monotonic() - began < SILENCE_SECONDS
    assert "runs resume" in done.hint
    one_line(done, 1)
    plug(site.hosts, "node3")
    resumed(site)


def test_connections_cut_in_the_middle_of_a_transfer(site: HostSite) -> None:
    """Nothing is left of a half-sent image; the run goes on, by itself or when it is resumed."""
    process = site.start_recover()
    site.wait_for(process, sending)
    assert site.cut_connections()
    done = ended(process)
    if done.code != 0:
        one_line(done, 1)
        resumed(site)
    else:
        healthy_without_loss(site, done.result)
        assert site.verdict().clean


def sending(events: Events) -> bool:
    """Return whether the step under way is one that sends."""
    done = [e for e in events if e["type"] == "step-done" and "revision" in str(e["note"])]
    return bool(done) and events[-1]["type"] == "step-begun"


def test_no_right_to_sudo(site: HostSite) -> None:
    """Who may not become root is told which line of which file would let him."""
    for name in site.hosts.names:
        ssh(site.hosts, name, "mv", "/etc/sudoers.d/ops", "/etc/sudoers.ops")
    try:
        done = as_ops(site).recover()
        assert "sudo" in one_line(done, 1)
        assert "NOPASSWD" in done.hint
        assert not site.events()
    finally:
        for name in site.hosts.names:
            ssh(site.hosts, name, "mv", "/etc/sudoers.ops", "/etc/sudoers.d/ops")
    again = as_ops(site).recover()
    assert again.code == 0, again.stderr
    assert site.verdict().clean


def as_ops(site: HostSite) -> HostSite:
    """Return the site with a cluster file by which all is done through sudo."""

    def change(described: dict[str, Any]) -> None:
        for member in described["members"]:
            member["host"] = member["host"].replace("root@", "ops@")
        described["ssh"]["become"] = "sudo"

    return HostSite(site.hosts, site.state_dir, site.beside, change)


def test_a_second_operator_at_once(site: HostSite, tmp_path: Path) -> None:
    """He is told who is at it, and nothing of his runs; the first one's run is undisturbed."""
    process = site.start_recover()
    site.wait_for(process, lambda events: any(e["type"] == "step-begun" for e in events))
    os.kill(process.pid, signal.SIGSTOP)
    try:
        other = HostSite(site.hosts, tmp_path / "other", site.beside)
        line = one_line(other.recover(), 3)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert "run " in line
    done = ended(process)
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean


def test_a_full_disk(site: HostSite) -> None:
    """Refused before anything is done: the host, the place and the bytes are named."""
    filled = "/var/lib/etcd.full"
    ssh(site.hosts, "node2", "mkdir", filled)
    ssh(site.hosts, "node2", "mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", filled)
    try:
        on_small = HostSite(site.hosts, site.state_dir, site.beside, moved_to(filled))
        ssh(site.hosts, "node2", "cp", "-a", "/var/lib/etcd/member", f"{filled}/member")
        line = one_line(on_small.recover(), 3)
        assert "node2" in line or site.hosts.host("node2").address in line
        assert not [e for e in site.events() if e["type"] == "step-done"]
    finally:
        ssh(site.hosts, "node2", "umount", filled)
        ssh(site.hosts, "node2", "rmdir", filled)
    done = site.recover()
    assert done.code == 0, done.stderr
    assert site.verdict().clean


def moved_to(data_dir: str) -> Any:
    """Return a change of the cluster file: etcd2's data is there."""

    def change(described: dict[str, Any]) -> None:
        described["members"][1]["data_dir"] = data_dir

    return change
