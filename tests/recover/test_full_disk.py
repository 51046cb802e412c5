"""Disks that are too full for the plan, or become so while it runs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from killed_run import healthy_without_loss, originals, roll_back_to
from practice_site import Site
from sites import Sites

pytestmark = [
    pytest.mark.etcd,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system"),
]

DISK_MB = 900
NEEDED_MB = 2 * 128
"""The image and one member: each a log of two segments, and a database besides."""


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mount a small file system."""
    folder = tmp_path_factory.mktemp("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def crash(small_disk: Path, sites: Sites) -> Iterator[Site]:
    """Return a single member on that disk, killed and damaged; all other space is free again."""
    site = sites.new("3.5", members=1, folder=small_disk)
    site.load(300, then=site.kill_all)
    site.damage("db-truncated:etcd1")
    yield site
    site.kill_all()
    for path in (site.lab.directory / "etcd1").glob("data*"):
        shutil.rmtree(path)


def fill(disk: Path, *, leave_mb: int) -> Path:
    """Leave so much; return the file that fills the rest."""
    found = os.statvfs(disk)
    size = found.f_bavail * found.f_frsize - leave_mb * 1_000_000
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return filler


def test_too_little_disk_is_said_before_anything_is_touched(crash: Site, small_disk: Path) -> None:
    """A log takes two segments of 64 MB, however small the database is."""
    before = originals(crash)
    filler = fill(small_disk, leave_mb=NEEDED_MB - 20)
    done = crash.recover()
    assert (done.code, done.result["outcome"]) == (3, "refused"), done.stderr
    assert f"free at {crash.lab.data_dir('etcd1')}, the plan needs " in done.result["error"]
    assert done.hint.startswith("Make room on that disk")
    assert originals(crash) == before
    assert not crash.journal_lines()

    filler.unlink()
    again = crash.recover()
    healthy_without_loss(crash, again.result)
    assert crash.verdict().clean


FILLING_ETCDUTL = """#!/bin/sh
case "$*" in *--name=etcd1*) cat /dev/zero > {filler} 2>/dev/null ;; esac
exec {etcdutl} "$@"
"""


def with_filling_restore(site: Site, bin_dir: Path, filler: Path) -> str:
    """Return a directory of binaries that fill the disk right before a member is restored."""
    bin_dir.mkdir()
    for tool in ("etcd", "etcdctl"):
        (bin_dir / tool).symlink_to(site.lab.bin_dir / tool)
    script = FILLING_ETCDUTL.format(filler=filler, etcdutl=site.lab.bin_dir / "etcdutl")
    (bin_dir / "etcdutl").write_text(script)
    (bin_dir / "etcdutl").chmod(0o755)
    return str(bin_dir)


def test_a_disk_that_fills_up_during_the_restore(
    crash: Site, small_disk: Path, tmp_path: Path
) -> None:
    """The step fails with the tool's own words, and everything goes back."""
    site = replace(crash, state_dir=tmp_path / "state")
    before = originals(site)
    filler = small_disk / "filler"
    done = site.recover("--etcd-bin-dir", with_filling_restore(site, tmp_path / "bin", filler))
    filler.unlink()
    assert (done.code, done.result["outcome"]) == (1, "failed"), done.stderr
    assert "no space left on device" in done.result["error"]
    assert "runs rollback" in done.result["hint"]
    roll_back_to(site, before)
    again = site.recover()
    assert again.code == 0, again.stderr
    healthy_without_loss(site, again.result)
    assert site.verdict().clean
