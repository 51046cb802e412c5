"""Where a run keeps what it sets aside."""

import pytest

from requorum.domain.cluster import CommandService, MemberSpec
from requorum.errors import Refused
from requorum.runbooks.workspace import workspace_of

SERVICE = CommandService(start=("a",), stop=("b",), status=("c",))


def member(wal_dir: str | None = None) -> MemberSpec:
    """Return a member with that WAL directory."""
    return MemberSpec(
        name="etcd1",
        host="local",
        peer_url="http://h:1",
        client_url="http://h:2",
        data_dir="/var/lib/etcd",
        wal_dir=wal_dir,
        service=SERVICE,
    )


def test_beside_the_data_directory() -> None:
    """All names lie in one folder beside the data, which is renamed as a whole."""
    places = workspace_of(member(), "r1", data_dir_is_mount=False, wal_dir_is_mount=False)
    assert places.root == "/var/lib/etcd.requorum-r1"
    (swap,) = places.swaps
    assert (swap.live, swap.aside) == ("/var/lib/etcd", "/var/lib/etcd.requorum-r1/original")
    assert swap.fresh == places.restored_data_dir == "/var/lib/etcd.requorum-r1/restored"
    assert places.lock == "/var/lib/etcd.requorum.lock"


def test_inside_a_mount_point() -> None:
    """A mount point cannot be renamed: what etcd keeps in it is."""
    places = workspace_of(member(), "r1", data_dir_is_mount=True, wal_dir_is_mount=False)
    (swap,) = places.swaps
    assert swap.live == "/var/lib/etcd/member"
    assert swap.aside == "/var/lib/etcd/requorum-r1/original-member"
    assert swap.fresh == "/var/lib/etcd/requorum-r1/restored/member"


def test_a_wal_directory_of_its_own() -> None:
    """It is exchanged as well, on its own disk."""
    places = workspace_of(member("/wal"), "r1", data_dir_is_mount=False, wal_dir_is_mount=False)
    assert [s.live for s in places.swaps] == ["/var/lib/etcd", "/wal"]
    assert places.restored_wal_dir == places.swaps[1].fresh == "/wal.requorum-r1/restored"


@pytest.mark.parametrize(("wal_dir", "mount"), [("/wal", True), ("/var/lib/etcd/wal", False)])
def test_what_a_rename_cannot_do(wal_dir: str, mount: bool) -> None:  # noqa: FBT001  # parametrised
    """A WAL on a mount point, or inside of the data directory, is refused with what to do."""
    with pytest.raises(Refused) as caught:
        workspace_of(member(wal_dir), "r1", data_dir_is_mount=False, wal_dir_is_mount=mount)
    assert caught.value.hint
