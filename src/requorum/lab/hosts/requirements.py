"""What real hosts need of this machine. Nothing is installed: what lacks is named."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from requorum.errors import Refused
from requorum.lab.hosts.cgroup import hierarchies, systemd_runs_here
from requorum.lab.hosts.system import SEARCH_PATH

PACKAGE_OF = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "mount": "mount",
    "umount": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
}
"""Each program that is run on this machine, and Debian's package that has it."""

_CAPABILITIES = {12: "CAP_NET_ADMIN", 18: "CAP_SYS_CHROOT", 21: "CAP_SYS_ADMIN"}


@dataclass(frozen=True, slots=True)
class Lacking:
    """What this machine does not have: packages to install, and what no package gives."""

    packages: tuple[str, ...]
    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.reasons)

    def __str__(self) -> str:
        return "; ".join(self.reasons)


def lacking() -> Lacking:
    """Return what keeps real hosts from running here; it is false where nothing does."""
    programs = [name for name in PACKAGE_OF if shutil.which(name, path=SEARCH_PATH) is None]
    reasons = [*_of_the_system(), *(f"there is no {name}" for name in programs)]
    packages = sorted({PACKAGE_OF[name] for name in programs})
    return Lacking(tuple(packages), tuple(reasons))


def demand_parts() -> None:
    """Refused, with the line that installs them, where something lacks."""
    found = lacking()
    if found.packages:
        install = f"Install it: apt-get install {' '.join(found.packages)}"
        raise Refused(f"real hosts cannot run here: {found}", hint=install)
    if found:
        raise Refused(f"real hosts cannot run here: {found}")


def _of_the_system() -> Iterator[str]:
    if platform.system() != "Linux":
        yield "this is not Linux"
        return
    if os.geteuid() != 0:
        yield "it must be run as root"
        return
    withheld = [name for bit, name in _CAPABILITIES.items() if not _effective() >> bit & 1]
    if withheld:
        yield f"root does not have {', '.join(withheld)} here"
    if not _overlayfs():
        yield "the kernel has no overlayfs"
    if not systemd_runs_here() and not hierarchies():
        yield "no cgroup hierarchy is mounted that systemd can use"


def _effective() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return int(next(line for line in lines if line.startswith("CapEff:")).split()[1], 16)


def _overlayfs() -> bool:
    if "\toverlay\n" in Path("/proc/filesystems").read_text(encoding="ascii"):
        return True
    modules = Path("/lib/modules") / platform.release() / "modules.dep"
    return modules.exists() and "/overlay.ko" in modules.read_text(encoding="utf-8")
