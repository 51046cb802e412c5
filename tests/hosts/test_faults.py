"""What can happen to hosts: each fault has its effect, on the host that it is for, and an end."""

import asyncio
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import pytest
from over_ssh import ssh
from real_hosts import NewHostLab

from requorum.app.practice.host_lab import connect_to
from requorum.cli.command_lab_hosts import KINDS
from requorum.errors import Refused, RequorumError
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.hosts import whole_lab
from requorum.lab.hosts.description import HostLab, Wanted
from requorum.lab.hosts.faults import (
    Fault,
    damage,
    fill_disk,
    free_disk,
    freeze_etcd,
    lose_host,
    thaw_etcd,
)
from requorum.lab.hosts.machine import boot, cut_power, init_of, running, supervisor
from requorum.lab.hosts.network import plug, unplug
from requorum.lab.hosts.readiness import HostState, look_at, wait_ssh, wait_up
from requorum.lab.hosts.stand_in_logs import acknowledged
from requorum.ports.etcd import PutOp

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

UP_SECONDS = 90.0


def states_of(lab: HostLab) -> dict[str, HostState]:
    """Return how each host is now."""
    return {state.name: state for state in asyncio.run(look_at(lab, connect_to(lab)))}


def wait_all_up(lab: HostLab, names: Sequence[str] = ()) -> None:
    """Wait until these hosts, or all, serve."""
    asyncio.run(wait_up(lab, connect_to(lab), deadline=UP_SECONDS, names=names))


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    give_up = time.monotonic() + UP_SECONDS
    while not condition():
        assert time.monotonic() < give_up, f"{what} did not come within {UP_SECONDS:.0f} s"
        time.sleep(0.1)


def keys_in(lab: HostLab) -> frozenset[bytes]:
    """Return every key that the stand-ins wrote, read through the first member that answers."""

    async def read() -> frozenset[bytes]:
        etcd = connect_to(lab)(lab.hosts[0].client_url)
        try:
            answer = await etcd.get(
                b"/registry/", range_end=b"/registry0", keys_only=True, deadline=10
            )
        finally:
            await etcd.close()
        return frozenset(kv.key for kv in answer.kvs)

    return asyncio.run(read())


def put(lab: HostLab, host: str, key: bytes, value: bytes) -> None:
    """Put a key through one member."""

    async def act() -> None:
        etcd = connect_to(lab)(lab.host(host).client_url)
        try:
            await etcd.put(PutOp(key, value), deadline=5)
        finally:
            await etcd.close()

    asyncio.run(act())


def test_a_power_cut_ends_all_and_keeps_what_was_acknowledged(host_lab: HostLab) -> None:
    """No process of a host outlives it; after the boot every acknowledged write is there."""
    wait_for(lambda: len(acknowledged(host_lab)) >= 6, "writes of the stand-ins")
    before = [(init_of(host_lab, name), supervisor(host_lab, name)) for name in host_lab.names]
    assert all(init and nspawn for init, nspawn in before)
    assert cut_power(host_lab, host_lab.names) == host_lab.names
    promised = acknowledged(host_lab)
    assert not any(running(host_lab, name) for name in host_lab.names)
    off = states_of(host_lab)
    assert all(state.system is None and not state.sshd and not state.etcd for state in off.values())

    whole_lab.boot_all(host_lab)
    wait_all_up(host_lab)
    assert promised <= keys_in(host_lab)
    after = [init_of(host_lab, name) for name in host_lab.names]
    assert all(after)
    assert not set(after) & {init for init, _ in before}


def test_a_host_without_power_says_nothing(host_lab: HostLab) -> None:
    """A connection to it is not refused but hangs, as with a machine that is off."""
    host = host_lab.hosts[2]
    cut_power(host_lab, [host.name])
    assert states_of(host_lab)[host.name].trouble == "it has no power"
    with pytest.raises((TimeoutError, OSError)) as unanswered:
        socket.create_connection((host.address, 22), timeout=1)
    assert not isinstance(unanswered.value, ConnectionRefusedError)
    assert all(states_of(host_lab)[name].etcd for name in host_lab.names[:2])


def test_a_host_that_is_lost_comes_back_as_another_machine(new_host_lab: NewHostLab) -> None:
    """It has name and address, and nothing else that was its own; the others serve throughout."""
    lab = new_host_lab()
    lost = lab.hosts[1]
    put(lab, lost.name, b"/kept", b"by the others")
    known = lost.known_hosts.read_text(encoding="ascii")
    old_id = ssh(lab, lost.name, "cat", "/etc/machine-id").stdout
    lose_host(lab, lost.name, trust_new_key=False)
    wait_ssh(lab, [lost.name], deadline=UP_SECONDS)

    refused = ssh(lab, lost.name, "true", check=False)
    assert refused.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    assert lost.known_hosts.read_text(encoding="ascii") == known

    lose_host(lab, lost.name)
    wait_ssh(lab, [lost.name], deadline=UP_SECONDS)
    assert ssh(lab, lost.name, "hostname").stdout.strip() == lost.name
    assert ssh(lab, lost.name, "cat", "/etc/machine-id").stdout != old_id
    for path in (lost.data_dir, lost.certificates.key, "/etc/systemd/system/etcd.service"):
        assert ssh(lab, lost.name, "test", "-e", path, check=False).returncode == 1, path
    assert ssh(lab, lost.name, "etcd", "--version").returncode == 0
    put(lab, lab.names[0], b"/still", b"served")
    states = states_of(lab)
    assert states[lost.name].bare
    assert [states[name].etcd for name in lab.names] == [True, False, True]
    graves = sorted(grave.name for grave in lab.graveyard.iterdir())
    assert graves == ["node2-1", "node2-2"]
    old_data = lab.graveyard / "node2-1/upper" / lost.data_dir.lstrip("/")
    assert (old_data / "member/snap/db").is_file()


def test_a_pulled_cable_parts_one_host_from_all(host_lab: HostLab) -> None:
    """It runs on, alone: no read through it, no ssh to it; the others serve, and it comes back."""
    name = host_lab.names[0]
    unplug(host_lab, name)
    parted = states_of(host_lab)
    assert parted[name].system == "running"
    assert not parted[name].sshd
    assert not parted[name].plugged
    wait_all_up(host_lab, host_lab.names[1:])
    put(host_lab, host_lab.names[1], b"/while/parted", b"1")
    plug(host_lab, name)
    wait_all_up(host_lab)


def test_a_frozen_member_answers_nothing_until_it_goes_on(host_lab: HostLab) -> None:
    """Its process is stopped, not ended; the host answers; thawed, it serves as it was."""
    name = host_lab.names[2]
    pid = ssh(host_lab, name, "systemctl", "show", "-P", "MainPID", "etcd").stdout.strip()
    freeze_etcd(host_lab, name)
    status = f"/proc/{pid}/status"
    wait_for(lambda: "T (stopped)" in ssh(host_lab, name, "cat", status).stdout, "the stop")
    frozen = states_of(host_lab)[name]
    assert frozen.sshd
    assert not frozen.etcd
    thaw_etcd(host_lab, name)
    wait_all_up(host_lab)
    again = ssh(host_lab, name, "systemctl", "show", "-P", "MainPID", "etcd").stdout.strip()
    assert again == pid


def test_a_full_disk_takes_no_byte_more(new_host_lab: NewHostLab) -> None:
    """On a data disk of its own nothing can be written but etcd's reserve; freed, it can."""
    lab = new_host_lab(Wanted(hosts=1, data_disk_mib=256))
    host = lab.hosts[0]
    probe = ["dd", "if=/dev/zero", f"of={host.data_dir}/probe", "bs=4096", "count=16"]
    assert fill_disk(lab, host.name) > 16 << 20
    full = ssh(lab, host.name, *probe, check=False)
    assert full.returncode != 0
    assert "No space left on device" in full.stderr
    assert ssh(lab, host.name, "touch", "/root/other-disk").returncode == 0
    free_disk(lab, host.name)
    assert ssh(lab, host.name, *probe).returncode == 0
    wait_all_up(lab)


def test_a_data_disk_outlives_power_and_shutdown(new_host_lab: NewHostLab) -> None:
    """What etcd wrote to its own disk is there after a power cut, and after down and up."""
    lab = new_host_lab(Wanted(hosts=1, data_disk_mib=256))
    put(lab, "node1", b"/registry/kept", b"1")
    cut_power(lab, lab.names)
    whole_lab.boot_all(lab)
    wait_all_up(lab)
    whole_lab.down(lab.directory, remove=False)
    lab = new_host_lab(lab.wanted, directory=lab.directory)
    assert b"/registry/kept" in keys_in(lab)
    mounts = ssh(lab, "node1", "findmnt", "-no", "FSTYPE", lab.hosts[0].data_dir).stdout
    assert mounts.strip() == "ext4"


def test_a_full_disk_needs_a_disk(host_lab: HostLab) -> None:
    """Without a data disk, what would be filled is this machine's: refused."""
    with pytest.raises(Refused, match="no disk of its own"):
        fill_disk(host_lab, "node1")


@pytest.mark.parametrize("kind", [DamageKind.LOST_DISK, DamageKind.WAL_RECORD_FLIPPED])
def test_files_of_a_host_without_power_are_damaged(
    new_host_lab: NewHostLab, kind: DamageKind
) -> None:
    """The damages of the practice cluster strike hosts as well; etcd does not serve after them."""
    lab = new_host_lab(Wanted(hosts=1))
    for number in range(50):
        put(lab, "node1", b"/damaged/%d" % number, b"x" * 200)
    with pytest.raises(Refused, match="is running"):
        damage(lab, "node1", kind, random.Random(1))
    cut_power(lab, ["node1"])
    assert str(lab.directory) in damage(lab, "node1", kind, random.Random(1))
    boot(lab, "node1")
    wait_ssh(lab, ["node1"], deadline=UP_SECONDS)
    if kind is DamageKind.LOST_DISK:
        wait_all_up(lab)  # with nothing on its disk, a single member starts anew
        assert b"/damaged/1" not in keys_in(lab)
    else:
        journal = ["journalctl", "-u", "etcd", "--no-pager", "-b"]
        wait_for(lambda: "crc mismatch" in ssh(lab, "node1", *journal).stdout, "etcd's refusal")
        with pytest.raises(RequorumError):
            put(lab, "node1", b"/after", b"1")


def test_the_command_line_knows_every_fault() -> None:
    """The door's kinds are the faults that there are."""
    assert set(KINDS) == set(Fault)


def test_no_fault_for_a_host_that_is_not_there(host_lab: HostLab) -> None:
    """`requorum lab hosts fault` names the hosts that there are, and does nothing."""
    argv = [
        sys.executable,
        "-m",
        "requorum",
        "lab",
        "hosts",
        "fault",
        "--directory",
        str(host_lab.directory),
    ]
    done = subprocess.run(
        [*argv, "power-cut", "node9"], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert "node1, node2, node3" in done.stderr
    assert all(running(host_lab, name) for name in host_lab.names)
