"""`requorum inspect member` on real hosts: settings with their places, and what drifted since."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from host_cluster import described, requorum_on
from over_ssh import ssh
from real_hosts import NewHostLab

from requorum.lab.hosts.description import EtcdStyle, HostLab, Wanted

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

PLACES = {
    EtcdStyle.ENV_FILE: ("/etc/etcd.env", "variable"),
    EtcdStyle.FLAGS: ("/etc/systemd/system/etcd.service", "flag"),
    EtcdStyle.CONFIG_FILE: ("/etc/etcd/etcd.yaml", "key"),
}


def inspect(lab: HostLab, state: Path, description: dict[str, Any], *words: str) -> Any:
    """Return the first member that `inspect member -o json` tells of, and how it ended."""
    done = requorum_on(description, state, "inspect", "member", "-o", "json", *words)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)["members"][0] | {"exit": done.returncode}


@pytest.mark.parametrize("style", list(EtcdStyle))
def test_settings_and_drift(new_host_lab: NewHostLab, tmp_path: Path, style: EtcdStyle) -> None:
    """Each setting stands where its line says; a file that was edited since is told apart."""
    lab = new_host_lab(Wanted(hosts=1, stand_ins=False, style=style))
    host, description = lab.hosts[0], described(lab)
    member = inspect(lab, tmp_path, description, host.member)
    assert (member["exit"], member["problem"], member["findings"]) == (0, None, [])
    pid = ssh(lab, host.name, "pgrep", "-x", "etcd").stdout.strip()
    assert member["pid"] == int(pid)

    path, source = PLACES[style]
    found = {s["flag"]: s for s in member["settings"]}
    for flag, value in (("name", host.member), ("data-dir", host.data_dir)):
        setting = found[flag]
        assert (setting["value"], setting["source"]) == (value, source)
        file, _, line = setting["place"].rpartition(":")
        assert file == path
        assert value in ssh(lab, host.name, "sed", "-n", f"{line}p", path).stdout
    assert found["quota-backend-bytes"]["source"] == "default"

    edit = f"s/{lab.token}/another-token/"
    ssh(lab, host.name, "sh", "-c", f"sleep 2; sed -i {shlex.quote(edit)} {path}")
    description["members"][0]["data_dir"] = "/srv/elsewhere"
    member = inspect(lab, tmp_path, description)
    assert member["exit"] == 1
    assert member["contradictions"] == [
        {
            "field": "data_dir",
            "cluster_file": "/srv/elsewhere",
            "member": host.data_dir,
            "place": found["data-dir"]["place"],
        }
    ]
    if style is EtcdStyle.CONFIG_FILE:
        assert member["config_file_newer"]
    else:
        drift = {"flag": "initial-cluster-token", "running": lab.token, "next": "another-token"}
        assert member["drift"] == [drift]
    assert member["needs_reload"] == (style is EtcdStyle.FLAGS)
