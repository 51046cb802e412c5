"""A recovery over SSH on three real hosts: systemd, TLS between all, clients that write."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from host_cluster import described
from over_ssh import ssh
from real_hosts import NewHostLab

import requorum
from requorum.app.practice.host_lab import connect_to
from requorum.lab.hosts.description import HostLab, Wanted
from requorum.lab.hosts.stand_in_logs import acknowledged, events

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

WRITES = 30
SECONDS = 240
LOOPBACK = "https://127.0.0.1:2379"


def as_it_is(_described: dict[str, Any]) -> None:
    """Leave a cluster file as it is."""


def recover(
    lab: HostLab,
    state: Path,
    *words: str,
    change: Callable[[dict[str, Any]], None] = as_it_is,
) -> dict[str, Any]:
    """Run `requorum recover --yes` with a changed cluster file and return its result."""
    file = state / "requorum.yaml"
    state.mkdir(exist_ok=True)
    content = described(lab)
    change(content)
    file.write_text(yaml.safe_dump(content))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "requorum",
            "recover",
            "-c",
            str(file),
            "--yes",
            "-o",
            "json",
            *words,
        ],
        env=os.environ
        | {
            "PYTHONPATH": str(Path(requorum.__file__).parents[1]),
            "REQUORUM_STATE_DIR": str(state),
        },
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def crash(lab: HostLab) -> None:
    """Kill etcd on every host while clients write, lose one host's data, damage another's log."""
    give_up = time.monotonic() + SECONDS
    while len(acknowledged(lab)) < WRITES:
        assert time.monotonic() < give_up, "the stand-ins write too slowly"
        time.sleep(0.1)
    for name in lab.names:
        ssh(lab, name, "systemctl", "kill", "--signal=KILL", "etcd")
        ssh(lab, name, "systemctl", "stop", "etcd")
    first, second = lab.hosts[:2]
    ssh(lab, first.name, "mv", first.data_dir, f"{first.data_dir}.lost")
    segment = f"{second.data_dir}/member/wal/0000000000000000-0000000000000000.wal"
    ssh(lab, second.name, "sh", "-c", f"printf xyz | dd of={segment} bs=1 seek=3000 conv=notrunc")


def keys_of(lab: HostLab) -> frozenset[bytes]:
    """Return every key of the stand-ins, read through the last member."""

    async def read() -> frozenset[bytes]:
        etcd = connect_to(lab)(lab.hosts[-1].client_url)
        try:
            found = await etcd.get(
                b"/registry/", range_end=b"/registry0", keys_only=True, deadline=10
            )
        finally:
            await etcd.close()
        return frozenset(kv.key for kv in found.kvs)

    return asyncio.run(read())


@pytest.mark.parametrize(("version", "user"), [("3.4", "root"), ("3.5", "root"), ("3.6", "etcd")])
def test_a_rescue(
    new_host_lab: NewHostLab, tmp_path: Path, version: str, user: Literal["root", "etcd"]
) -> None:
    """Nothing that etcd acknowledged is missing; clients stop first and start last, in reverse.

    Where a whole data directory is lost, the new one is that user's whom the unit names.
    """
    lab = new_host_lab(Wanted(etcd=version, etcd_user=user))
    crash(lab)
    promised = acknowledged(lab)
    result = recover(lab, tmp_path / "state")
    assert result["path"] == "rescue"
    assert all(member["healthy"] for member in result["members"])
    assert promised <= keys_of(lab)
    hosts = len(lab.hosts)
    order = [(e.event, e.unit) for e in events(lab)]
    started = [unit for event, unit in order if event == "start"][-2 * hosts :]
    assert started == ["kube-apiserver"] * hosts + ["kubelet"] * hosts
    stopped = [unit for event, unit in order if event == "stop"][-2 * hosts :]
    assert stopped[:hosts] == ["kubelet"] * hosts


def only_from_within(lab: HostLab) -> None:
    """Have two members listen on loopback only, and the third under a name that only hosts know."""
    for host, listens in zip(lab.hosts, (LOOPBACK, LOOPBACK, lab.hosts[2].client_url), strict=True):
        line = f"s|^ETCD_LISTEN_CLIENT_URLS=.*|ETCD_LISTEN_CLIENT_URLS={listens}|"
        ssh(lab, host.name, "sed", "-i", line, "/etc/etcd.env")
        # The stand-ins ask loopback, which the third member does not listen on any more.
        ask = f"s|^ETCDCTL_ENDPOINTS=.*|ETCDCTL_ENDPOINTS={listens}|"
        ssh(lab, host.name, "sed", "-i", ask, "/etc/kubernetes/stand-in.env")
        ssh(lab, host.name, "systemctl", "restart", "--no-block", "etcd", "kube-apiserver")


def seen_from_hosts(described: dict[str, Any]) -> None:
    """Change the cluster file: client URLs as the hosts themselves see them."""
    for member, url in zip(
        described["members"], (LOOPBACK, LOOPBACK, "https://etcd3:2379"), strict=True
    ):
        member["client_url"] = url
    described["ssh"]["forward"] = True


def keys_through(lab: HostLab, name: str) -> frozenset[bytes]:
    """Return every key of the stand-ins, read on a host."""
    asked = "set -a; . /etc/kubernetes/stand-in.env; etcdctl get --prefix --keys-only /registry/"
    done = ssh(lab, name, "sh", "-c", asked)
    return frozenset(line.encode() for line in done.stdout.splitlines() if line)


def test_members_that_only_their_hosts_reach(new_host_lab: NewHostLab, tmp_path: Path) -> None:
    """Every call goes through the host's ssh connection; TLS holds the server to the URL's name.

    No etcd of this machine is asked in the place of one that listens on a host's loopback.
    """
    lab = new_host_lab()
    only_from_within(lab)
    crash(lab)
    promised = acknowledged(lab)
    result = recover(lab, tmp_path / "state", change=seen_from_hosts)
    assert result["path"] == "rescue"
    assert all(member["healthy"] for member in result["members"])
    for name in lab.names:
        assert promised <= keys_through(lab, name)
    again = recover(lab, tmp_path / "state", change=seen_from_hosts)
    assert again["outcome"] == "nothing-to-do"
