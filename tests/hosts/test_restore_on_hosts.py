"""A snapshot file restored onto hosts over SSH, and a cluster of one member on its host."""

from pathlib import Path

import pytest
from host_site import HostSite
from killed_run import healthy_without_loss
from over_ssh import ssh
from real_hosts import NewHostLab

from requorum.lab.hosts.description import Wanted

pytestmark = [pytest.mark.hosts, pytest.mark.etcd, pytest.mark.timeout(400)]


def test_a_snapshot_onto_three_hosts(crashed_site: HostSite, tmp_path: Path) -> None:
    """Every disk is lost; the file that a recovery saved brings all of it back onto every host."""
    site = crashed_site.put_back(tmp_path / "state")
    done = site.recover()
    assert done.code == 0, done.stderr
    (saved,) = [e["note"]["backup"] for e in site.events() if "backup" in e.get("note", {})]
    again = crashed_site.put_back(tmp_path / "later")
    for host in again.hosts.hosts:
        ssh(again.hosts, host.name, "rm", "-rf", host.data_dir)
    words = ["restore", saved, "-c", str(again.file), "--yes", "-o", "json"]
    restored = again.requorum(*words)
    assert restored.code == 0, restored.stderr
    assert [m["healthy"] for m in restored.result["members"]] == [True] * 3
    for member in again.lab.names:
        assert again.verdict(through=member).clean
    refused = again.requorum(*words)
    assert refused.code == 3
    assert "--even-if-serving" in refused.hint


def test_a_cluster_of_one(new_host_lab: NewHostLab, tmp_path: Path) -> None:
    """Its only database is damaged: the log brings back what the file no longer proves."""
    site = HostSite(new_host_lab(Wanted(hosts=1)), tmp_path / "state")
    site = site.crash("db-page-flipped:etcd1", writes=300)
    done = site.recover()
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean
