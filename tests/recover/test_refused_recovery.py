"""What recover refuses before it touches anything: exit code, message and hint of each."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from killed_run import healthy_without_loss, originals
from practice_site import Finished, Site
from sites import Sites

from requorum.clients.hosts.local import LocalHost
from requorum.facts.data_dir import read_identity

pytestmark = pytest.mark.etcd

STEP_BEGUN = 4
"""Lines in the journal once the first step has begun."""

LIKE_OURS = 3
"""A seed by which the foreign cluster has members of all our names and addresses."""

WITHOUT_ROOTS_POWER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Runs a command as root whom the modes of files bind as they bind everybody."""


@pytest.fixture(scope="module")
def crash(sites: Sites) -> Site:
    """Return the crash that these tests share."""
    return sites.crashed("3.5", "lost-disk:etcd1", "db-truncated:etcd2", writes=500)


def refused(site: Site, *flags: str, before: tuple[str, ...] = ()) -> Finished:
    """Run recover, which must refuse with exit code 3, in words and as JSON, and touch nothing."""
    untouched = originals(site)
    done = site.recover(*flags, before=before)
    assert (done.code, done.result["outcome"]) == (3, "refused"), done.stderr
    assert done.result["error"] in done.stderr
    assert originals(site) == untouched
    assert not list(site.lab.directory.glob("*/data.requorum*"))
    assert not any(site.runs(name) for name in site.lab.names)
    return done


def bin_dir_of(folder: Path, tools: dict[str, Path]) -> str:
    """Return a directory that holds just these tools."""
    folder.mkdir()
    for name, path in tools.items():
        (folder / name).symlink_to(path)
    return str(folder)


def test_no_binaries(crash: Site, tmp_path: Path) -> None:
    """The directory that was named holds none."""
    site = crash.put_back(tmp_path / "state")
    done = refused(site, "--etcd-bin-dir", bin_dir_of(tmp_path / "bin", {}))
    assert f"no etcd 3.5 binaries on local; looked at {tmp_path}/bin (no etcd there)" in done.stderr
    assert "--etcd-bin-dir" in done.hint


def test_binaries_of_another_minor(
    crash: Site, tmp_path: Path, etcd_binaries: Callable[[str], Path]
) -> None:
    """A release that did not write the data must not replay it."""
    site = crash.put_back(tmp_path / "state")
    done = refused(site, "--etcd-bin-dir", str(etcd_binaries("3.4")))
    assert "no etcd 3.5 binaries" in done.stderr
    assert "(3.4." in done.stderr
    assert "--etcd-bin-dir" in done.hint


def test_no_etcdutl(crash: Site, tmp_path: Path) -> None:
    """The server alone cannot restore."""
    site = crash.put_back(tmp_path / "state")
    tools = {tool: site.lab.bin_dir / tool for tool in ("etcd", "etcdctl")}
    done = refused(site, "--etcd-bin-dir", bin_dir_of(tmp_path / "bin", tools))
    assert "without its etcdutl" in done.stderr
    assert "--etcd-bin-dir" in done.hint


def test_a_lock_that_another_run_holds(crash: Site, tmp_path: Path) -> None:
    """The second recovery names who is at it, and the first is not disturbed."""
    site = crash.put_back(tmp_path / "state")
    first = site.start_recover()
    try:
        with held_still(site, first):
            second = site.recover()
        stdout, stderr = first.communicate(timeout=100)
    finally:
        first.kill()
    assert (second.code, second.result["outcome"]) == (3, "refused"), second.stderr
    assert "is locked by run " in second.result["error"]
    assert "Wait until it ends" in second.hint
    assert first.returncode == 0, stderr
    healthy_without_loss(site, Finished(0, stdout, stderr).result)
    assert site.verdict().clean


@contextmanager
def held_still(site: Site, process: "subprocess.Popen[str]") -> Iterator[None]:
    """Stop the process while its first step is under way, as a slow disk would."""
    end = time.monotonic() + 30
    while len(site.journal_lines()) < STEP_BEGUN:
        assert time.monotonic() < end
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def test_a_malformed_cluster_file(crash: Site, tmp_path: Path) -> None:
    """The line is named."""
    bad = tmp_path / "requorum.yaml"
    bad.write_text(crash.lab.cluster_file.read_text().replace("peer_url:", "peer_uri:", 1))
    line = 1 + bad.read_text().splitlines().index(
        next(line for line in bad.read_text().splitlines() if "peer_uri" in line)
    )
    done = crash.requorum("recover", "-c", str(bad), "--yes", "-o", "json")
    assert done.code == 2
    assert f"{bad}:{line}: member etcd1: peer_uri" in done.stderr
    assert done.hint


# --- another cluster's data


def test_another_clusters_data_is_told_apart(crash: Site, tmp_path: Path) -> None:
    """Two of three have the members of the cluster file: the third is named, and left out."""
    site = crash.put_back(tmp_path / "state")
    site.damage("wrong-cluster:etcd1")
    done = site.recover()
    assert done.code == 0, done.stderr
    assert "etcd1: its data belongs to another cluster" in " ".join(done.result["warnings"])
    assert site.verdict().clean
    assert not site.verdict().foreign


def test_another_clusters_data_that_looks_like_ours(crash: Site, tmp_path: Path) -> None:
    """Same names, same addresses, one directory of each: only the operator can tell."""
    site = crash.put_back(tmp_path / "state")
    ours = cluster_id_of(site, "etcd3")
    site.damage("wrong-cluster:etcd2", seed=LIKE_OURS)
    untold = refused(site)
    assert "nothing says which is ours" in untold.result["error"]
    assert f"{ours:x} at etcd3" in untold.result["error"]
    assert "--cluster-id" in untold.hint

    told = site.recover("--cluster-id", f"{ours:x}")
    assert told.code == 0, told.stderr
    assert told.result["loss"]["proven_none"] is False
    stated = [(r["first_revision"], r["last_revision"]) for r in told.result["loss"]["unproven"]]
    verdict = site.verdict()
    assert not verdict.foreign
    assert not verdict.lost_outside(stated)


def cluster_id_of(site: Site, name: str) -> int:
    """Read the cluster ID in a member's WAL."""

    async def read() -> int:
        wal = site.lab.data_dir(name) / "member" / "wal"
        _, cluster_id = await read_identity(LocalHost(), str(wal))
        return int(cluster_id)

    return asyncio.run(read())


# --- files that we may not read


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Take all permissions away for a while."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        yield
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("what", ["member", "member/snap/db", "member/wal"])
@pytest.mark.parametrize("name", ["etcd2", "etcd3"])
def test_files_that_we_may_not_read(crash: Site, tmp_path: Path, name: str, what: str) -> None:
    """What they hold is unknown, not lost: nothing may be planned on that."""
    site = crash.put_back(tmp_path / "state")
    with unreadable(site.lab.data_dir(name) / what):
        done = site.recover(before=WITHOUT_ROOTS_POWER if os.geteuid() == 0 else ())
    assert done.code in {1, 3}, (done.stdout, done.stderr)
    assert "permission denied" in done.stderr
    assert "such as root" in done.hint
    assert not site.journal_lines()
