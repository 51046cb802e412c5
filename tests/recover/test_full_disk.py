"""Disks that are too full for the plan, or become so while it runs."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed_run import healthy_without_loss, originals, roll_back_to
from practice_site import Site
from sites import Sites

pytestmark = [
    pytest.mark.etcd,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system"),
]

DISK_MB = 620
NEEDED_MB = 2 * (128 + 18)
"""The image and one member: a log of two segments, and a database."""


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
    subprocess.run(["rm", "-rf", site.lab.directory], check=True)


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
    filler = fill(small_disk, leave_mb=NEEDED_MB - 40)
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


def test_a_disk_that_fills_up_during_the_restore(crash: Site, small_disk: Path) -> None:
    """The step fails with the tool's own words, and everything goes back."""
    before = originals(crash)
    filler: list[Path] = []
    stop = threading.Event()

    def fill_after_the_image() -> None:
        while len(crash.journal_lines()) < 5 and not stop.is_set():
            time.sleep(0.001)
        filler.append(fill(small_disk, leave_mb=5))

    thread = threading.Thread(target=fill_after_the_image)
    thread.start()
    try:
        done = crash.recover()
    finally:
        stop.set()
        thread.join(60)
    assert (done.code, done.result["outcome"]) == (1, "failed"), done.stderr
    assert "no space left on device" in done.result["error"]
    assert "runs rollback" in done.result["hint"]
    filler[0].unlink()
    roll_back_to(crash, before)
    healthy_without_loss(crash, crash.recover().result)
    assert crash.verdict().clean
