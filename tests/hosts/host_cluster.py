"""The cluster of a lab's hosts as a cluster file describes it, and requorum run on it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

import requorum
from requorum.lab.hosts.description import HostLab

SECONDS = 240


def described(lab: HostLab) -> dict[str, Any]:
    """Return the cluster file of a lab, its clients named, its certificates read on the hosts."""
    first = lab.hosts[0]
    return {
        "cluster": "hosts",
        "members": [
            {
                "name": host.member,
                "host": f"root@{host.address}:{host.ssh_port}",
                "peer_url": host.peer_url,
                "client_url": host.client_url,
                "data_dir": host.data_dir,
                "service": {"kind": "systemd", "unit": host.unit},
            }
            for host in lab.hosts
        ],
        "clients": [{"unit": unit, "hosts": "all"} for unit in ("kubelet", "kube-apiserver")]
        if lab.wanted.stand_ins
        else [],
        "tls": {
            "cacert": first.certificates.ca,
            "cert": first.certificates.client_cert,
            "key": first.certificates.client_key,
            "on": "hosts",
        },
        "ssh": {"identity_files": [str(first.key_file)], "known_hosts": str(first.known_hosts)},
    }


def requorum_on(
    description: dict[str, Any], state: Path, *words: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command line with that cluster file, as a user does; `state` keeps its runs."""
    state.mkdir(exist_ok=True)
    (state / "requorum.yaml").write_text(yaml.safe_dump(description))
    return subprocess.run(
        [sys.executable, "-m", "requorum", *words],
        env=environment_of(state),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
    )


def environment_of(state: Path) -> dict[str, str]:
    """Return what makes requorum take the cluster file of `state` and keep its runs there."""
    return os.environ | {
        "PYTHONPATH": str(Path(requorum.__file__).parents[1]),
        "REQUORUM_STATE_DIR": str(state),
        "REQUORUM_CLUSTER": str(state / "requorum.yaml"),
    }
