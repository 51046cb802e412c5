"""Whether a file is locked, by what the kernel lists of all locks. Source: proc(5)."""


def is_listed(locks: str, devices: frozenset[tuple[int, int]], inode: int) -> bool:
    """Return whether /proc/locks names that inode on one of these (major, minor) devices.

    Whoever merely waits for a lock is listed too, behind an arrow; that is no lock.
    """
    return any(_is_of(line.split(), devices, inode) for line in locks.splitlines())


def lists_of(printed: str) -> tuple[str, str]:
    """Return /proc/locks and mountinfo, printed with a line "--" between them.

    The first is empty where nobody on the host holds any lock.
    """
    locks, _, mountinfo = f"\n{printed}".partition("\n--\n")
    return locks, mountinfo


def device_of_mount(mountinfo: str, mount_id: int) -> tuple[int, int] | None:
    """Return the device of a mount; on btrfs and overlay it is not that of its files."""
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > 4 and fields[0] == str(mount_id):
            major, _, minor = fields[2].partition(":")
            return int(major), int(minor)
    return None


def _is_of(fields: list[str], devices: frozenset[tuple[int, int]], inode: int) -> bool:
    if len(fields) < 6 or fields[1] == "->":
        return False
    major, minor, number = fields[5].split(":")
    return int(number) == inode and (int(major, 16), int(minor, 16)) in devices
