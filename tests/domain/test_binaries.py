"""Command lines of each release's tools."""

import pytest

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit


def binaries(major: int, minor: int, patch: int) -> EtcdBinaries:
    """Return the binaries of a release in /b."""
    version = EtcdVersion(major, minor, patch)
    return EtcdBinaries(directory="/b", version=version, has_etcdutl=minor >= 5)


def restore(tools: EtcdBinaries, **options: object) -> tuple[str, ...]:
    """Return the command line of a restore into a cluster of two."""
    return tools.restore(
        "/s.db",
        data_dir="/d",
        name="a",
        initial_cluster={"a": "http://h:1", "b": "http://i:1"},
        token="t",  # noqa: S106 - a cluster's token is no secret
        advertise_peer_url="http://h:1",
        **options,
    )


PLAIN = (
    "snapshot",
    "restore",
    "/s.db",
    "--name=a",
    "--data-dir=/d",
    "--initial-cluster=a=http://h:1,b=http://i:1",
    "--initial-cluster-token=t",
    "--initial-advertise-peer-urls=http://h:1",
)


def test_restore_of_3_4() -> None:
    """3.4 restores with etcdctl, which must be told to speak version 3."""
    assert restore(binaries(3, 4, 23)) == ("/b/etcdctl", *PLAIN)
    assert binaries(3, 4, 23).env == {"ETCDCTL_API": "3"}


@pytest.mark.parametrize("minor", [5, 6, 7])
def test_restore_of_later_releases(minor: int) -> None:
    """3.5 and later restore with etcdutl and need nothing in the environment."""
    assert restore(binaries(3, minor, 0)) == ("/b/etcdutl", *PLAIN)
    assert binaries(3, minor, 0).env == {}


def test_restore_options() -> None:
    """Each option is a flag with its value in one word."""
    options = {"skip_hash_check": True, "bump_revision": 1000, "wal_dir": "/w"}
    assert restore(binaries(3, 6, 14), **options)[len(PLAIN) + 1 :] == (
        "--wal-dir=/w",
        "--skip-hash-check=true",
        "--bump-revision=1000",
        "--mark-compacted=true",
    )


@pytest.mark.parametrize(("minor", "patch"), [(4, 26), (5, 9)])
def test_releases_that_cannot_bump(minor: int, patch: int) -> None:
    """A release that would ignore the wish is refused; the next patch is not."""
    with pytest.raises(ToolUnfit, match="cannot bump the revision"):
        restore(binaries(3, minor, patch), bump_revision=1)
    assert "--bump-revision=1" in restore(binaries(3, minor, patch + 1), bump_revision=1)


def test_status_and_etcd() -> None:
    """Status is the restore tool's, in JSON; etcd takes what it is given."""
    tools = binaries(3, 5, 30)
    assert tools.snapshot_status("/s.db") == (
        "/b/etcdutl",
        "snapshot",
        "status",
        "/s.db",
        "--write-out=json",
    )
    assert tools.etcd("--name=a", "--force-new-cluster") == (
        "/b/etcd",
        "--name=a",
        "--force-new-cluster",
    )
