"""What requorum runs for itself ends with it, so that a resumed run meets nobody at its files."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from killed_run import Moment, kill_at
from practice_site import Site
from sites import Sites

pytestmark = pytest.mark.etcd

SLOW_RESTORE = """#!/bin/sh
echo $$ > {mark}
exec tail -f {mark}
"""


@pytest.fixture(scope="module")
def crash(sites: Sites) -> Site:
    """Return a crashed cluster."""
    return sites.crashed("3.5", "lost-disk:etcd1", "db-truncated:etcd2", writes=200)


def with_slow_restore(site: Site, bin_dir: Path, mark: Path) -> None:
    """Make a directory of binaries whose `snapshot restore` takes minutes."""
    bin_dir.mkdir()
    for tool in ("etcd", "etcdctl"):
        (bin_dir / tool).symlink_to(site.lab.bin_dir / tool)
    (bin_dir / "etcdutl").write_text(SLOW_RESTORE.format(mark=mark))
    (bin_dir / "etcdutl").chmod(0o755)


def await_file(path: Path) -> None:
    """Wait until it is there."""
    end = time.monotonic() + 30
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_restore_under_way_ends_with_requorum(crash: Site, tmp_path: Path) -> None:
    """A restore that outlived its run would write into the directory that the next one makes."""
    site = crash.put_back(tmp_path / "state")
    mark = site.lab.directory / f"restoring-{os.getpid()}"
    with_slow_restore(site, tmp_path / "bin", mark)
    process = site.start_recover("--etcd-bin-dir", str(tmp_path / "bin"))
    try:
        await_file(mark)
    finally:
        assert kill_at(site, process, Moment(0))
    try:
        site.await_alone(deadline=5)
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(mark.read_text()), signal.SIGKILL)
