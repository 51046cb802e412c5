"""A recovery over SSH on three real hosts: systemd, TLS between all, clients that write."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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


def recover(lab: HostLab, state: Path, *words: str) -> dict[str, Any]:
    """Run `requorum recover --yes` and return its result."""
    file = state / "requorum.yaml"
    state.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(described(lab)))
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


@pytest.mark.parametrize("version", ["3.4", "3.5", "3.6"])
def test_a_rescue(new_host_lab: NewHostLab, tmp_path: Path, version: str) -> None:
    """Nothing that etcd acknowledged is missing; clients stop first and start last, in reverse."""
    lab = new_host_lab(Wanted(etcd=version))
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
