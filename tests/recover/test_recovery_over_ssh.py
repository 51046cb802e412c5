"""The same recovery, each member on a host of its own: real sshds, which share this machine."""

import getpass
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sshd as servers
from killed_run import healthy_without_loss
from practice_site import Site
from sites import Sites

pytestmark = pytest.mark.etcd

RUN_SECONDS = 90


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[servers.Sshd]]:
    """Return three sshds."""
    with ExitStack() as stack:
        found = []
        for number in range(1, 4):
            found.append(servers.start(tmp_path / f"sshd{number}"))
            stack.callback(found[-1].stop)
        yield found


def on_hosts(site: Site, hosts: list[servers.Sshd]) -> Site:
    """Have each member live on one of the hosts, by its cluster file."""
    known = site.lab.directory / "known_hosts"
    known.write_text("".join((h.directory / "known_hosts").read_text() for h in hosts))

    def move(described: dict[str, Any]) -> None:
        for member, host in zip(described["members"], hosts, strict=True):
            member["host"] = f"{getpass.getuser()}@{host.destination}"
        described["ssh"] = {
            "identity_files": [str(host.directory / "id") for host in hosts],
            "known_hosts": str(known),
        }

    site.rewrite_cluster_file(move)
    return site


@pytest.fixture
def site(sites: Sites, hosts: list[servers.Sshd]) -> Site:
    """Return a cluster that crashed and lost a disk; of another member a log record is damaged."""
    return on_hosts(
        sites.crashed("3.5", "lost-disk:etcd1", "wal-record-flipped:etcd2", writes=800), hosts
    )


def test_every_write_is_back(site: Site) -> None:
    """One image, built on one host, is sent to the two others; each member writes again."""
    done = site.recover()
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean
    noted = [event["note"] for event in site.events() if event["type"] == "step-done"]
    digests = [note["sha256"] for note in noted if "sha256" in note]
    assert len(digests) == 2
    assert len(set(digests)) == 1
    (backup,) = [note["backup"] for note in noted if "backup" in note]
    assert Path(backup).stat().st_size > 0
    site.await_alone(deadline=30)


def test_killed_in_the_middle_and_resumed(site: Site) -> None:
    """What was sent is not sent again, and nothing is lost."""
    process = site.start_recover()
    end = time.monotonic() + RUN_SECONDS
    while not any(e["type"] == "step-done" and "sha256" in e["note"] for e in site.events()):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    done = site.requorum("runs", "resume", "latest", "--yes", "-o", "json")
    assert done.code == 0, done.stderr
    assert site.verdict().clean


def test_rolled_back(site: Site) -> None:
    """A run that was killed goes back, over SSH too: the crashed data is in its place again."""
    process = site.start_recover()
    end = time.monotonic() + RUN_SECONDS
    while not any(e["type"] == "step-begun" and e["step"] >= 4 for e in site.events()):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    done = site.requorum("runs", "rollback", "latest", "--yes", "-o", "json")
    assert done.code == 0, done.stderr
    again = site.recover()
    assert again.code == 0, again.stderr
    assert site.verdict().clean


def test_one_host_is_gone(site: Site, hosts: list[servers.Sshd]) -> None:
    """It is left out and named: the two others can be no quorum's minority."""
    hosts[0].stop()
    done = site.recover()
    assert done.code == 0, done.stderr
    assert {m["name"] for m in done.result["members"]} == {"etcd2", "etcd3"}
    assert any("etcd1 stays out" in warning for warning in done.result["warnings"])


def test_two_hosts_are_gone(site: Site, hosts: list[servers.Sshd]) -> None:
    """They may serve for all we know; whoever knows that they do not has to say so."""
    hosts[0].stop()
    hosts[1].stop()
    done = site.recover()
    assert (done.code, done.stdout) == (3, done.stdout)
    assert "may be a quorum that serves" in done.stderr
    assert "--lost etcd1 --lost etcd2" in done.hint
    said = site.recover("--lost", "etcd1", "--lost", "etcd2")
    assert said.code == 0, said.stderr
    assert [m["name"] for m in said.result["members"]] == ["etcd3"]
    assert not said.result["loss"]["proven_none"]


def test_another_host_answers(site: Site, hosts: list[servers.Sshd]) -> None:
    """A host key that changed is a refusal, and nothing is asked of that host."""
    hosts[1].stop()
    servers.new_host_key(hosts[1])
    again = servers.restart(hosts[1])
    try:
        done = site.recover()
    finally:
        again.stop()
    assert done.code == 3, done.stderr
    assert "host key" in done.stderr
