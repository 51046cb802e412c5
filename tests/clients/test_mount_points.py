"""Reading /proc/self/mountinfo."""

from pathlib import Path

from requorum.clients.hosts.mount_points import mount_points

MOUNTINFO = (
    "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "23 22 0:21 / /proc rw - proc proc rw\n"
    "60 22 254:0 /srv/a /var/lib/etcd\\040data\\134x rw,relatime shared:1 - ext4 /dev/root rw\n"
    "\n"
    "odd line\n"
)


def test_paths_are_unescaped() -> None:
    """Blanks and backslashes are octal there; bind mounts are listed as any other."""
    assert mount_points(MOUNTINFO) == {"/", "/proc", "/var/lib/etcd data\\x"}


def test_this_machine() -> None:
    """The kernel's own file lists at least /proc."""
    assert "/proc" in mount_points(Path("/proc/self/mountinfo").read_text())
