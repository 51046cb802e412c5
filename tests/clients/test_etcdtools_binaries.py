"""Finding etcd binaries: real releases, and scripts that answer as one would."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from running_etcd import RELEASES, RunningEtcd, release_dir

from requorum.clients.etcdtools.binaries import locate
from requorum.clients.hosts.local import LocalHost
from requorum.domain.binaries import EtcdBinaries
from requorum.errors import ToolUnfit


def pretend(directory: Path, version: str, tools: Sequence[str] = ("etcdctl", "etcdutl")) -> str:
    """Make scripts that tell a version; return the directory."""
    directory.mkdir(parents=True)
    script = f"#!/bin/sh\necho etcd Version: {version}\necho Go Version: go1.99.1\n"
    for name in ("etcd", *tools):
        (directory / name).write_text(script)
        (directory / name).chmod(0o755)
    return str(directory)


@pytest.fixture
def path_without_etcd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let PATH hold the system's commands and one directory for the test's own."""
    own = tmp_path / "path"
    system = [each for each in ("/usr/bin", "/bin") if not Path(each, "etcd").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join([str(own), *system]))
    return own


async def find(
    wanted: tuple[int, int] | None = (3, 5),
    *,
    bin_dir: str | None = None,
    hints: Sequence[str] = (),
    cache_dir: str | None = None,
) -> EtcdBinaries:
    """Locate on this machine."""
    return await locate(
        LocalHost("here"), wanted=wanted, bin_dir=bin_dir, hints=hints, cache_dir=cache_dir
    )


@pytest.mark.etcd
async def test_real_releases() -> None:
    """Each minor is found in a cache of many, with its newest patch."""
    cache = str(release_dir(RELEASES[1]).parent)
    for release in RELEASES:
        major, minor, _ = map(int, release.split("."))
        found = await find((major, minor), cache_dir=cache)
        assert (str(found.version), found.directory) == (release, f"{cache}/{release}")
        assert found.has_etcdutl == (not release.startswith("3.4."))


@pytest.mark.etcd
async def test_command_lines_on_real_releases(etcd: RunningEtcd, tmp_path: Path) -> None:
    """Each release accepts the command lines that are made for it."""
    host = LocalHost()
    tools = await find(etcd.minor, bin_dir=str(etcd.bin_dir))
    etcd.etcdctl("put", "k", "v")
    snapshot = f"{tmp_path}/s.db"
    etcd.etcdctl("snapshot", "save", snapshot)
    status = await host.run(tools.snapshot_status(snapshot), deadline=30, env=tools.env)
    assert (status.returncode, json.loads(status.stdout)["revision"]) == (0, 2)
    restore = tools.restore(
        snapshot,
        data_dir=f"{tmp_path}/data",
        wal_dir=f"{tmp_path}/wal",
        name="m1",
        initial_cluster={"m1": "http://127.0.0.1:1", "m2": "http://127.0.0.1:2"},
        token="another",  # noqa: S106 - a cluster's token is no secret
        advertise_peer_url="http://127.0.0.1:1",
        skip_hash_check=True,
        bump_revision=1000 if tools.version.can_bump_revision else None,
    )
    done = await host.run(restore, deadline=60, env=tools.env)
    assert done.returncode == 0, done.stderr
    assert await host.list_dir(f"{tmp_path}/data/member/snap") is not None
    assert await host.list_dir(f"{tmp_path}/wal") is not None


async def test_highest_patch_wins(path_without_etcd: Path, tmp_path: Path) -> None:
    """Numbers are compared, not text, over all places."""
    for version in ("3.5.9", "3.5.16", "3.6.20"):
        pretend(tmp_path / "cache" / version, version)
    hint = pretend(tmp_path / "running", "3.5.10")
    pretend(path_without_etcd, "3.5.12")
    found = await find(cache_dir=f"{tmp_path}/cache", hints=("run", f"{hint}/etcd", "--name=a"))
    assert found.directory == f"{tmp_path}/cache/3.5.16"


async def test_hint_before_path_before_cache(path_without_etcd: Path, tmp_path: Path) -> None:
    """Between equals, and for any version, the member's own binary counts first."""
    hint = pretend(tmp_path / "running", "3.5.10")
    on_path = pretend(path_without_etcd, "3.5.10")
    cache = str(Path(pretend(tmp_path / "cache/3.5.10", "3.5.10")).parent)
    hints = ("--data-dir", "/var/lib/etcd", f"{hint}/etcd")
    assert (await find(hints=hints, cache_dir=cache)).directory == hint
    assert (await find(None, hints=hints, cache_dir=cache)).directory == hint
    assert (await find(cache_dir=cache)).directory == on_path


async def test_bin_dir_is_the_only_place(path_without_etcd: Path, tmp_path: Path) -> None:
    """What the operator named is not replaced by something else that fits."""
    pretend(path_without_etcd, "3.5.30")
    named = pretend(tmp_path / "named", "3.6.1")
    with pytest.raises(
        ToolUnfit, match=r"no etcd 3\.5 binaries on here; looked at .*named \(3.6.1\)"
    ):
        await find(bin_dir=named)
    assert (await find((3, 6), bin_dir=named)).directory == named


async def test_error_lists_what_was_looked_at(path_without_etcd: Path, tmp_path: Path) -> None:
    """Each place with its verdict, and the flag that helps."""
    cache = tmp_path / "cache"
    pretend(cache / "a", "3.4.23")
    pretend(cache / "b", "3.5.30", tools=("etcdctl",))
    pretend(cache / "c", "unknown")
    (cache / "empty").mkdir()
    broken = Path(pretend(cache / "d", "3.5.1")) / "etcd"
    broken.chmod(0o644)
    with pytest.raises(ToolUnfit) as caught:
        await find(cache_dir=str(cache))
    message = caught.value.message
    assert f"{cache}/a (3.4.23), {cache}/b (3.5.30, without its etcdutl)" in message
    assert f"{cache}/c (its etcd does not tell its version)" in message
    assert f"{cache}/d ({broken} is not a program that can be run here)" in message
    assert "empty" not in message
    assert "--etcd-bin-dir" in (caught.value.hint or "")


async def test_nothing_anywhere(path_without_etcd: Path, tmp_path: Path) -> None:
    """No place at all is said plainly; a cache that does not exist is none."""
    with pytest.raises(ToolUnfit, match=r"no etcd 3\.5 binaries on here$"):
        await find(cache_dir=f"{tmp_path}/none")
    with pytest.raises(ToolUnfit, match="none \\(no etcd there\\)"):
        await find(bin_dir=f"{tmp_path}/none")


async def test_3_4_needs_etcdctl_only(path_without_etcd: Path) -> None:
    """3.4 has no etcdutl."""
    pretend(path_without_etcd, "3.4.45", tools=("etcdctl",))
    found = await find((3, 4))
    assert not found.has_etcdutl
    assert found.restore_tool == f"{path_without_etcd}/etcdctl"


@pytest.mark.parametrize("way", ["shell", "script"])
async def test_an_etcd_named_inside_of_a_start_command(
    way: str, path_without_etcd: Path, tmp_path: Path
) -> None:
    """Start commands are often a line for a shell, or a script that names the program."""
    directory = pretend(tmp_path / "opt" / "etcd-v3", "3.5.9")
    line = f"nohup {directory}/etcd --data-dir=/var/lib/etcd --name a >log 2>&1 &\n"
    script = tmp_path / "start.sh"
    script.write_text(f"#!/bin/sh\n{line}")
    hints = ("sh", "-c", line) if way == "shell" else ("sh", str(script))
    assert (await find(hints=hints)).directory == directory


async def test_a_start_command_that_is_no_text(path_without_etcd: Path, tmp_path: Path) -> None:
    """A program is looked into as if it were a script, and nothing is found there."""
    (tmp_path / "start").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(ToolUnfit):
        await find(hints=(str(tmp_path / "start"), "/var/lib/etcd/data", "/etc/etcd.conf"))
