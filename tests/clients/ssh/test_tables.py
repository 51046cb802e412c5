"""The kernel's tables, as a host gives them."""

import pytest

from requorum.clients.hosts.ssh.listening_ports import choose_free, taken_ports
from requorum.clients.hosts.ssh.lock_table import device_of_mount, is_listed, lists_of

_LOCKS = """\
1: FLOCK  ADVISORY  WRITE 1234 fd:01:4711 0 EOF
2: OFDLCK ADVISORY  READ -1 00:2f:815 0 EOF
2: -> FLOCK  ADVISORY  WRITE 99 fd:01:5000 0 EOF
"""
_MOUNTS = "22 1 254:1 / / rw - ext4 /dev/vda rw\n37 22 0:47 /sub /mnt/b\\040c rw - btrfs x rw\n"


@pytest.mark.parametrize(
    ("device", "inode", "held"),
    [
        ((0xFD, 1), 4711, True),
        ((0, 0x2F), 815, True),
        ((0xFD, 1), 815, False),
        ((0xFD, 1), 471, False),
        ((0xFD, 1), 5000, False),
    ],
)
def test_locks(device: tuple[int, int], inode: int, *, held: bool) -> None:
    """By device and inode; who waits holds nothing."""
    assert is_listed(_LOCKS, frozenset({device}), inode) is held


@pytest.mark.parametrize("locks", [_LOCKS, ""])
def test_two_lists_in_one_answer(locks: str) -> None:
    """Where nobody holds a lock, the first is empty, and the second is no list of locks."""
    found, mounts = lists_of(f"{locks}--\n{_MOUNTS}")
    assert (found.split(), mounts) == (locks.split(), _MOUNTS)
    assert not is_listed(found, frozenset({(0, 1)}), 1)


def test_devices_of_mounts() -> None:
    """By the mount's number."""
    assert device_of_mount(_MOUNTS, 37) == (0, 47)
    assert device_of_mount(_MOUNTS, 3) is None


def test_ports() -> None:
    """Of both families, and in any state."""
    table = (
        "  sl  local_address rem_address   st tx_queue\n"
        "   0: 0100007F:094B 00000000:0000 0A 00000000:00000000\n"
        "   1: 00000000000000000000000001000000:0016 0:0 06 0\n"
    )
    assert taken_ports(table) == {2379, 22}
    assert sorted(choose_free(2, frozenset({11, 13}), 10, 13)) == [10, 12]
    with pytest.raises(ValueError, match="larger than"):
        choose_free(3, frozenset({11, 13}), 10, 13)
