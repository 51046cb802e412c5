"""Clusters laid out otherwise: one member, five, a WAL apart, a mount point as data directory."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from file_tree import tree_of
from killed_run import (
    Moment,
    Trees,
    healthy_without_loss,
    originals,
    recovery_killed,
    roll_back_to,
)
from practice_site import Site
from sites import Sites

from requorum.lab.layout import Lab

pytestmark = pytest.mark.etcd


def recovered(site: Site) -> None:
    """Recover, and count."""
    done = site.recover()
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean


def test_one_member(sites: Sites) -> None:
    """Its log alone meets every quorum of one."""
    site = sites.new("3.5", members=1)
    site.load(300, then=site.kill_all)
    site.damage("db-truncated:etcd1")
    recovered(site)


def test_five_members(sites: Sites) -> None:
    """Two disks lost and one database: three whole logs meet every quorum of three."""
    site = sites.new("3.5", members=5)
    site.load(500, then=site.kill_all)
    site.damage("lost-disk:etcd1", "lost-disk:etcd2", "db-truncated:etcd4")
    recovered(site)


def test_a_wal_directory_apart(sites: Sites) -> None:
    """Data and log are set aside, restored and put back as a pair."""

    def apart(lab: Lab, name: str) -> Sequence[str]:
        return [f"--wal-dir={lab.directory / name / 'wal'}"]

    site = sites.new("3.5", flags=apart)

    def name_it(described: dict[str, list[dict[str, str]]]) -> None:
        for member in described["members"]:
            member["wal_dir"] = str(site.lab.directory / member["name"] / "wal")

    site.rewrite_cluster_file(name_it)
    site.load(500, then=site.kill_all)
    site.damage("lost-disk:etcd1", "db-truncated:etcd2")
    (site.lab.directory / "etcd1" / "wal").rename(site.lab.directory / "etcd1" / "lost-wal")

    before, logs = originals(site), log_trees(site)
    recovery_killed(site, Moment(19))
    roll_back_to(site, before)
    assert log_trees(site) == logs
    recovered(site)
    assert (site.lab.directory / "etcd1" / "wal").is_dir()
    assert not (site.lab.data_dir("etcd1") / "member" / "wal").exists()


def log_trees(site: Site) -> Trees:
    """Return every WAL directory, byte for byte."""
    return {name: tree_of(site.lab.directory / name / "wal") for name in site.lab.names}


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[list[Path]]:
    """Unmount, after the test, what it has put into the list."""
    found: list[Path] = []
    yield found
    for path in found:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_mount_point_as_data_directory(sites: Sites, tmp_path: Path, mounted: list[Path]) -> None:
    """It cannot be renamed, so what is in it is; all of it stays on that disk."""
    site = sites.new("3.5")
    site.load(500, then=site.kill_all)
    site.damage("db-truncated:etcd1", "db-truncated:etcd2")
    for name in site.lab.names:
        data = site.lab.data_dir(name)
        data.rename(tmp_path / f"disk-of-{name}")
        data.mkdir()
        subprocess.run(["mount", "--bind", tmp_path / f"disk-of-{name}", data], check=True)
        mounted.append(data)
    before = members_trees(site)
    recovery_killed(site, Moment(19))
    assert site.requorum("runs", "rollback", "--yes").code == 0
    assert members_trees(site) == before
    recovered(site)
    site.kill_all()


def members_trees(site: Site) -> Trees:
    """Return what etcd has in every data directory, byte for byte."""
    return {name: tree_of(site.lab.data_dir(name) / "member") for name in site.lab.names}
