"""A cgroup for each host, where no systemd of this machine gives it one.

Without it the systemds of several hosts would share the cgroup of whoever started them, and each
would take the others' processes for its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from requorum.errors import Refused
from requorum.lab.hosts.mounts import Mount, mounts


def systemd_runs_here() -> bool:
    """Return whether systemd is this machine's init: nspawn then asks it for a scope."""
    return Path("/run/systemd/system").is_dir()


def hierarchies() -> tuple[Path, ...]:
    """Return where our own group lies in each hierarchy that a host's systemd manages."""
    groups = dict(_our_groups())
    return tuple(
        Path(mount.target) / groups[kind].lstrip("/")
        for mount in mounts()
        if (kind := _kind(mount)) is not None and kind in groups
    )


def _kind(mount: Mount) -> str | None:
    """Return "" for the unified hierarchy and "name=systemd" for its elder."""
    if mount.filesystem == "cgroup2":
        return ""
    return "name=systemd" if "name=systemd" in mount.super_options.split(",") else None


def _our_groups() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        yield controllers, path


def make_groups(name: str) -> tuple[Path, ...]:
    """Make the groups of that name; return their `cgroup.procs`, for the process to enter."""
    groups = [group / name for group in hierarchies()]
    try:
        for group in groups:
            group.mkdir(exist_ok=True)
    except OSError as error:
        raise Refused(
            f"cannot make a cgroup: {error.filename}: {error.strerror}",
            hint="In a container, /sys/fs/cgroup must be writable.",
        ) from error
    return tuple(group / "cgroup.procs" for group in groups)


def remove_groups(name: str) -> None:
    """Remove the groups of that name with all below; their processes must have ended."""
    for group in hierarchies():
        for directory, _, _ in os.walk(group / name, topdown=False):
            Path(directory).rmdir()
