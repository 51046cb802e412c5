"""A quorum is alive after all, or somebody still runs without one."""

from pathlib import Path

import pytest
from file_tree import tree_of
from killed_run import healthy_without_loss, originals
from practice_site import Site
from sites import Sites

pytestmark = pytest.mark.etcd


@pytest.fixture(scope="module")
def written(sites: Sites) -> Site:
    """Return a cluster that was written to and stopped in good order."""
    site = sites.new("3.5")
    site.load(300)
    site.supervise("stop")
    site.keep()
    return site


def test_everything_is_healthy(written: Site, tmp_path: Path) -> None:
    """Nothing to do is said, as a success, and no run is made."""
    site = written.put_back(tmp_path / "state")
    site.supervise("start")
    site.await_ready()
    done = site.recover()
    assert (done.code, done.result["outcome"], done.result["run"]) == (0, "nothing-to-do", None)
    assert done.result["members"] == [{"name": n, "healthy": True} for n in site.lab.names]
    assert not site.journal_lines()


def test_one_of_three_is_down_but_intact(written: Site, tmp_path: Path) -> None:
    """It is started, and that is all."""
    site = written.put_back(tmp_path / "state")
    site.supervise("start", "etcd1", "etcd2")
    done = site.recover()
    assert done.code == 0, done.stderr
    assert done.result["path"] == "start"
    healthy_without_loss(site, done.result)
    assert site.verdict().clean


def test_one_of_three_is_damaged(written: Site, tmp_path: Path) -> None:
    """A recovery would stop those that serve: which member to replace is said instead."""
    site = written.put_back(tmp_path / "state")
    site.damage("wal-record-flipped:etcd3")
    before = tree_of(site.lab.data_dir("etcd3"))
    site.supervise("start", "etcd1", "etcd2")
    done = site.recover()
    assert (done.code, done.result["outcome"]) == (3, "refused")
    assert "a quorum is alive (etcd1, etcd2)" in done.result["error"]
    assert "`requorum member replace etcd3`" in done.result["hint"]
    assert site.runs("etcd1")
    assert site.runs("etcd2")
    assert not site.runs("etcd3")
    assert tree_of(site.lab.data_dir("etcd3")) == before


def test_a_survivor_without_a_quorum_is_stopped_first(written: Site, tmp_path: Path) -> None:
    """Its files move while it runs: it is stopped before anything is read for the image."""
    site = written.put_back(tmp_path / "state")
    site.supervise("start")
    site.await_ready()
    site.load(300)
    site.supervise("kill", "etcd1", "etcd2")
    site.damage("lost-disk:etcd1", "db-truncated:etcd2")
    done = site.recover()
    assert done.code == 0, done.stderr
    assert "stop etcd3" in first_step_done(done.stderr)
    healthy_without_loss(site, done.result)
    assert site.verdict().clean


def first_step_done(stderr: str) -> str:
    """Return the line of the first step that was done."""
    return next(line for line in stderr.splitlines() if line.lstrip().startswith("✓"))


def test_a_survivor_that_was_stopped_is_started_again_by_a_rollback(
    written: Site, tmp_path: Path
) -> None:
    """It ran when the plan was made, so it runs when the plan is taken back."""
    site = written.put_back(tmp_path / "state")
    site.supervise("start", "etcd3")
    site.damage("lost-disk:etcd1", "db-truncated:etcd2")
    before = originals(site)
    full = site.start_recover("--etcd-bin-dir", str(failing_binaries(site, tmp_path)))
    _, stderr = full.communicate(timeout=100)
    assert full.returncode == 1, stderr
    back = site.requorum("runs", "rollback", "--yes")
    assert back.code == 0, back.stderr
    assert site.runs("etcd3")
    after = originals(site)
    assert (after["etcd1"], after["etcd2"]) == (before["etcd1"], before["etcd2"])


def failing_binaries(site: Site, folder: Path) -> Path:
    """Return a directory of binaries whose `snapshot restore` always fails."""
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    for tool in ("etcd", "etcdctl"):
        (bin_dir / tool).symlink_to(site.lab.bin_dir / tool)
    (bin_dir / "etcdutl").write_text("#!/bin/sh\necho 'Error: no luck today' >&2\nexit 1\n")
    (bin_dir / "etcdutl").chmod(0o755)
    return bin_dir
