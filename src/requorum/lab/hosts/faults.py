"""What happens to hosts: power, cables, disks, and a member that stands still."""

import errno
import os
import random
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from requorum.errors import Refused
from requorum.lab.damage.inflict import damage_files
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.hosts.copies import put_copy_back
from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.disk import empty_disk, prepare_disk, unmount_disk
from requorum.lab.hosts.furnish import WANTED_AT_BOOT
from requorum.lab.hosts.machine import boot, cut_power, inside, running
from requorum.lab.hosts.network import plug, unplug
from requorum.lab.hosts.ssh_access import collect_host_keys

BALLAST = "ballast"
_CHUNK_BYTES = 1 << 20


def lose_host(lab: HostLab, name: str, *, trust_new_key: bool = True) -> None:
    """Lose a host for good; a new machine of the same name and address boots in its place.

    The new one has the base image, the users' keys and etcd's programs: no certificates, no unit,
    no data, and another host key, which goes into `known_hosts` only with `trust_new_key`. What
    the old one had on its disk lies in the graveyard.
    """
    cut_power(lab, [name])
    empty_disk(lab, name)
    prepare_disk(lab, name)
    if trust_new_key:
        collect_host_keys(lab)
    boot(lab, name)


def damage(lab: HostLab, name: str, kind: DamageKind, rng: random.Random) -> str:
    """Damage the files of a host that has no power; return what was done, in one line."""
    if running(lab, name):
        raise Refused(f"{name} is running", hint="Cut its power first.")
    if lab.wanted.data_disk_mib is not None:
        raise Refused("a data directory on a disk of its own is not damaged here")
    if kind is DamageKind.WRONG_CLUSTER:
        raise Refused(f"{kind} is for the practice cluster")
    unmount_disk(lab, name)
    if kind is DamageKind.STALE_COPY:
        return put_copy_back(lab, name)
    return damage_files(kind, lab, name, rng)


def keep_from_starting(lab: HostLab, names: Sequence[str]) -> None:
    """Take from hosts without power what starts etcd at boot, as `systemctl disable etcd` does."""
    for name in names:
        prepare_disk(lab, name)
        host = lab.host(name)
        (host.root_dir / f"{WANTED_AT_BOOT}/{host.unit}".lstrip("/")).unlink(missing_ok=True)


def fill_disk(lab: HostLab, name: str) -> int:
    """Fill the data directory's own disk to its last byte; return how many bytes that took."""
    if lab.wanted.data_disk_mib is None:
        raise Refused(
            f"the data directory of {name} has no disk of its own",
            hint="Make the hosts with --data-disk MIB.",
        )
    prepare_disk(lab, name)
    fd = os.open(_ballast(lab, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return _write_until_full(fd)
    finally:
        os.close(fd)


def _write_until_full(fd: int) -> int:
    """Write ever smaller pieces until not one byte fits any more."""
    written, size = 0, _CHUNK_BYTES
    while size:
        try:
            written += os.write(fd, bytes(size))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            size //= 2
    return written


def free_disk(lab: HostLab, name: str) -> None:
    """Take away what `fill_disk` wrote; nothing to do when it wrote nothing."""
    prepare_disk(lab, name)
    _ballast(lab, name).unlink(missing_ok=True)


def _ballast(lab: HostLab, name: str) -> Path:
    host = lab.host(name)
    return host.root_dir / host.data_dir.lstrip("/") / BALLAST


def freeze_etcd(lab: HostLab, name: str) -> None:
    """Let etcd stand still (SIGSTOP): its connections stay open, and nothing answers."""
    _signal(lab, name, "SIGSTOP")


def thaw_etcd(lab: HostLab, name: str) -> None:
    """Let it go on."""
    _signal(lab, name, "SIGCONT")


def _signal(lab: HostLab, name: str, signal: str) -> None:
    inside(lab, name, ["systemctl", "kill", f"--signal={signal}", lab.host(name).unit])


class Fault(StrEnum):
    """What the command line can do to a host, and undo."""

    POWER_CUT = "power-cut"
    LOST = "lost"
    UNPLUGGED = "unplugged"
    PLUGGED = "plugged"
    FROZEN = "frozen"
    THAWED = "thawed"
    DISK_FULL = "disk-full"
    DISK_FREE = "disk-free"


_ONE_HOST: Mapping[Fault, Callable[[HostLab, str], object]] = {
    Fault.LOST: lose_host,
    Fault.UNPLUGGED: unplug,
    Fault.PLUGGED: plug,
    Fault.FROZEN: freeze_etcd,
    Fault.THAWED: thaw_etcd,
    Fault.DISK_FULL: fill_disk,
    Fault.DISK_FREE: free_disk,
}


def bring_about(lab: HostLab, fault: Fault, names: Sequence[str]) -> None:
    """Bring a fault about on each of these hosts; a power cut strikes all of them at once."""
    for name in names:
        lab.host(name)
    if fault is Fault.POWER_CUT:
        cut_power(lab, names)
        return
    for name in names:
        _ONE_HOST[fault](lab, name)
