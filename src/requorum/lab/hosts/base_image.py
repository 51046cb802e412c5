"""The base image that every host's own files lie over: made once by debootstrap, then cached.

It comes from the mirror that this machine's own apt is configured with. Nothing in it belongs to
one lab or one host: no keys, no names. It is never changed, since hosts may be running over it.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from requorum.errors import Locked
from requorum.lab.hosts.system import call
from requorum.lab.obtain.debian import configured_mirror

SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "openssh-server",
    "iproute2",
    "sudo",
)
MASKED = (
    # Addresses are set from outside.
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-networkd-wait-online.service",
    "systemd-network-generator.service",
    # Nobody sits at the console; nothing changes by itself on a host under test.
    "console-getty.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
)
SSHD = "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\n"
SUDOERS = "ops ALL=(ALL) NOPASSWD: ALL\n"
USERS = (
    ("useradd", "--create-home", "--shell", "/bin/bash", "ops"),
    ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "etcd"),
)
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_BUILD_SECONDS = 1200
_BOUND_TO_US = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork")
"""In namespaces of its own and killed with us: no mount and no process of it can stay behind."""


def base_image(cache: Path, say: Callable[[str], None]) -> Path:
    """Return the image's directory below `cache`; it is made first where it is not there.

    Locked when somebody else is making it; ToolUnfit with debootstrap's last line when it fails.
    """
    place = cache / f"{SUITE}-{_recipe()}"
    if place.is_dir():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache):
        if not place.is_dir():
            say(f"making the hosts' base image, Debian {SUITE}, once (about a minute)")
            _build(cache, place)
    return place


def _recipe() -> str:
    """Return what tells images of different making apart."""
    parts = (SUITE, PACKAGES, MASKED, SSHD, SUDOERS, USERS, os.uname().machine)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Locked(
                f"somebody else is making the base image in {cache}",
                hint="It takes about a minute; ask again then.",
            ) from error
        yield


def _build(cache: Path, place: Path) -> None:
    for left in cache.glob(".work-*"):  # of a build that was killed; we are alone here
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".work-", dir=cache) as work:
        root = Path(work) / "root"
        root.mkdir(mode=0o755)
        _debootstrap(root)
        _settle(root)
        root.rename(place)


def _debootstrap(root: Path) -> None:
    mirror = configured_mirror()
    call(
        *(*_BOUND_TO_US, "--kill-child=KILL", "debootstrap", "--variant=minbase"),
        *("--force-check-gpg", f"--keyring={mirror.keyring or _KEYRING}"),
        *(f"--include={','.join(PACKAGES)}", SUITE, str(root), mirror.uri),
        deadline=_BUILD_SECONDS,
    )


def _settle(root: Path) -> None:
    """Take out what two hosts must not share, and put in what all of them have."""
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("", encoding="ascii")
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    (root / "etc/ssh/sshd_config.d/requorum.conf").write_text(SSHD, encoding="ascii")
    for user in USERS:
        call("chroot", str(root), *user)
    rule = root / "etc/sudoers.d/ops"
    rule.write_text(SUDOERS, encoding="ascii")
    rule.chmod(0o440)
