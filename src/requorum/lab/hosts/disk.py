"""A host's disk: its own files over the base image, and what it is given before its first boot."""

import shutil
from pathlib import Path

from requorum.lab.damage.graveyard import dig
from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.furnish import furnish_machine, furnish_member
from requorum.lab.hosts.mounts import mount_image, mount_overlay, mounted_below, unmount_below

_OWN_FILES = ("upper", "data.img")


def mount_disk(lab: HostLab, name: str) -> None:
    """Mount the host's file system at its `root_dir`; nothing to do when it is mounted."""
    host, own = lab.host(name), lab.host_dir(name)
    if mounted_below(host.root_dir):
        return
    for part in ("upper", "work", "root"):
        (own / part).mkdir(mode=0o755, parents=True, exist_ok=True)
    mount_overlay(lower=lab.base, upper=own / "upper", work=own / "work", target=host.root_dir)
    if lab.wanted.data_disk_mib is not None:
        at = host.root_dir / host.data_dir.lstrip("/")
        at.mkdir(parents=True, exist_ok=True)
        mount_image(own / "data.img", at, mib=lab.wanted.data_disk_mib)


def unmount_disk(lab: HostLab, name: str) -> None:
    """Unmount it; nothing to do when it is not mounted. The host must not run."""
    unmount_below(lab.host(name).root_dir)


def prepare_disk(lab: HostLab, name: str) -> bool:
    """Mount the disk; write what the first boot needs, unless that was done: return whether.

    What an unfinished attempt wrote is set aside. `bare` beside the disk says that the host is a
    new machine, and no member.
    """
    furnished = _furnished(lab, name)
    if furnished.exists():
        mount_disk(lab, name)
        return False
    set_disk_aside(lab, name)
    mount_disk(lab, name)
    furnish_machine(lab, lab.host(name))
    if not is_bare(lab, name):
        furnish_member(lab, lab.host(name))
    furnished.touch()
    return True


def empty_disk(lab: HostLab, name: str) -> None:
    """Set aside all that the host ever wrote; it is a new machine then, not yet prepared."""
    _bare(lab, name).touch()
    _furnished(lab, name).unlink(missing_ok=True)
    set_disk_aside(lab, name)


def set_disk_aside(lab: HostLab, name: str) -> None:
    """Move what the host wrote to the graveyard; nothing to do when it wrote nothing."""
    unmount_disk(lab, name)
    own = lab.host_dir(name)
    written = [own / part for part in _OWN_FILES if (own / part).exists()]
    if written:
        grave = dig(lab, name)
        for path in written:
            path.rename(grave / path.name)
    if (own / "work").exists():
        shutil.rmtree(own / "work")  # the overlay's own, of no use without the files it was for


def is_bare(lab: HostLab, name: str) -> bool:
    """Return whether the host was lost and replaced by a new machine, which is no member."""
    return _bare(lab, name).exists()


def _furnished(lab: HostLab, name: str) -> Path:
    return lab.host_dir(name) / "furnished"


def _bare(lab: HostLab, name: str) -> Path:
    return lab.host_dir(name) / "bare"
