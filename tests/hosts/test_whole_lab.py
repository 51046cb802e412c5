"""A lab's life: made, taken down without a trace, made again, killed in the middle, refused."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from left_over import LeftOver
from over_ssh import ssh
from real_hosts import NewHostLab
from test_faults import keys_in, put, wait_all_up

from requorum.app.practice.host_lab import connect_to
from requorum.errors import Locked, UsageError
from requorum.lab.hosts import whole_lab
from requorum.lab.hosts.claim import claimed_by
from requorum.lab.hosts.description import HostLab, Wanted, find_host_lab
from requorum.lab.hosts.faults import unplug
from requorum.lab.hosts.machine import cut_power, running
from requorum.lab.hosts.readiness import look_at

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

COMMAND = [sys.executable, "-m", "requorum", "lab", "hosts"]
KILLED_AT = (
    "lock",
    "lab.json",
    "ssh/id_ed25519.pub",
    ".pki/member-node2.pem",
    "node1/upper",
    "node2/upper/etc/ssh/ssh_host_ed25519_key",
    "node2/upper/usr/local/bin/etcd",
    "node2/furnished",
    "ssh/known_hosts",
    "node1/nspawn.pid",
    "node2/nspawn.pid",
)
"""Files that `up` makes, in this order; it is killed as soon as the file is there."""


def run(*argv: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `requorum lab hosts …` to its end."""
    command = [*COMMAND, argv[0], "--directory", str(directory), *argv[1:]]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)


def test_down_leaves_nothing(new_host_lab: NewHostLab) -> None:
    """No mount, process, namespace, link, cgroup, loop or claim; with --remove no file either."""
    lab = new_host_lab(Wanted(hosts=2, data_disk_mib=256))
    there = LeftOver.of(lab)
    assert there.mounts
    assert there.processes
    assert there.namespaces
    assert there.links
    assert there.cgroups
    assert there.loops
    assert there.claim == lab.number

    done = run("down", directory=lab.directory)
    assert done.returncode == 0, done.stderr
    assert LeftOver.of(lab).nothing, LeftOver.of(lab)
    assert lab.directory.exists()

    done = run("down", "--remove", directory=lab.directory)
    assert done.returncode == 0, done.stderr
    assert not lab.directory.exists()


def test_down_leaves_nothing_of_broken_hosts(new_host_lab: NewHostLab) -> None:
    """Nor do hosts that had a fault: without power, without a cable, with init killed."""
    lab = new_host_lab()
    cut_power(lab, ["node1"])
    unplug(lab, "node2")
    done = run("down", "--remove", directory=lab.directory)
    assert done.returncode == 0, done.stderr
    assert LeftOver.of(lab).nothing, LeftOver.of(lab)
    assert not lab.directory.exists()


def test_up_boots_the_same_hosts_again(new_host_lab: NewHostLab) -> None:
    """After down and up they have their data, keys and addresses; a second up changes nothing."""
    lab = new_host_lab()
    put(lab, "node1", b"/registry/kept", b"1")
    machine_id = ssh(lab, "node1", "cat", "/etc/machine-id").stdout
    assert run("down", directory=lab.directory).returncode == 0

    done = run("up", directory=lab.directory)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 hosts serve" in done.stderr
    assert find_host_lab(lab.directory) == lab
    assert b"/registry/kept" in keys_in(lab)
    assert ssh(lab, "node1", "cat", "/etc/machine-id").stdout == machine_id

    pids = [state.pid for state in asyncio.run(look_at(lab, connect_to(lab)))]
    assert run("up", directory=lab.directory).returncode == 0
    assert [state.pid for state in asyncio.run(look_at(lab, connect_to(lab)))] == pids


def kill_up(directory: Path, *, at: str) -> None:
    """Start `up`, and kill it with SIGKILL once a file is there."""
    up = subprocess.Popen(
        [*COMMAND, "up", "--hosts", "2", "--directory", str(directory)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    give_up = time.monotonic() + 60
    while not (directory / at).exists():
        assert up.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.0005)
    up.kill()
    assert up.wait(timeout=10) == -signal.SIGKILL


@pytest.mark.parametrize("at", KILLED_AT)
def test_up_goes_on_after_it_was_killed(new_host_lab: NewHostLab, tmp_path: Path, at: str) -> None:
    """Killed with SIGKILL anywhere, `up` leaves what the next `up` brings to hosts that serve."""
    kill_up(tmp_path / "killed", at=at)
    lab = new_host_lab(Wanted(hosts=2), directory=tmp_path / "killed")
    for name in lab.names:
        assert ssh(lab, name, "systemctl", "is-system-running").stdout == "running\n"


@pytest.mark.parametrize("at", ["lock", "node2/upper", "node2/nspawn.pid"])
def test_down_after_a_killed_up_leaves_nothing(tmp_path: Path, at: str) -> None:
    """What a killed `up` made can be taken down without another up."""
    directory = tmp_path / "killed"
    kill_up(directory, at=at)
    lab = find_host_lab(directory)
    done = run("down", "--remove", directory=directory)
    assert done.returncode == 0, done.stderr
    assert not directory.exists()
    assert claimed_by(directory) is None
    if lab is not None:
        assert LeftOver.of(lab).nothing, LeftOver.of(lab)


def test_hosts_that_are_there_are_not_made_over(host_lab: HostLab) -> None:
    """Asked for something else than what is there, `up` says what is there, and does nothing."""
    done = run("up", "--etcd", "3.4", directory=host_lab.directory)
    assert done.returncode == 2
    assert "were made with etcd 3.5" in done.stderr
    wait_all_up(host_lab)


def test_a_directory_with_something_else_is_left_alone(tmp_path: Path) -> None:
    """Neither up nor down touches a directory that holds anything but hosts."""
    (tmp_path / "precious").touch()
    for verb in ("up", "down", "status"):
        done = run(verb, directory=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_two_commands_do_not_work_on_the_same_hosts(host_lab: HostLab) -> None:
    """The second is told that somebody else is at it."""
    with whole_lab.alone(host_lab.directory):
        done = run("down", "--remove", directory=host_lab.directory)
        with pytest.raises(Locked), whole_lab.alone(host_lab.directory):
            pass
    assert done.returncode == 3
    assert "somebody else" in done.stderr
    assert all(running(host_lab, name) for name in host_lab.names)


def test_moved_hosts_are_not_touched(new_host_lab: NewHostLab, tmp_path: Path) -> None:
    """Hosts whose directory was moved are refused: their paths lead elsewhere."""
    lab = new_host_lab(Wanted(hosts=1))
    whole_lab.down(lab.directory, remove=False)
    moved = tmp_path / "moved"
    lab.directory.rename(moved)
    with pytest.raises(UsageError, match="were made in"):
        whole_lab.down(moved, remove=True)
    assert moved.exists()
    moved.rename(lab.directory)
