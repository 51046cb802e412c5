"""An sshd whose users and sudoers are its own: it sees other files in /etc than this machine.

Only root can have one, in a mount namespace that ends with it. The sudo in it is the real one.
"""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sshd import Sshd, start

from requorum.clients.hosts.ssh.destination import SshSettings

_USERS = {"ops": 41001, "plain": 41002, "asked": 41003, "nologin": 41004, "stuck": 41005}
_SUDOERS = """\
Defaults env_reset
Defaults use_pty
root ALL=(ALL:ALL) ALL
ops ALL=(ALL:ALL) NOPASSWD: ALL
asked ALL=(ALL:ALL) ALL
"""


@dataclass
class PrivateUsers:
    """`ops` may sudo, `asked` only with a password, `plain` not.

    `nologin` has no shell, and that of `stuck` never comes up.
    """

    sshd: Sshd

    def settings(self, user: str, **others: object) -> SshSettings:
        """Return settings that log this user in."""
        return self.sshd.settings(user=user, **others)


@contextmanager
def private_users(directory: Path) -> Iterator[PrivateUsers]:
    """Start it; skip the test where that cannot be had."""
    _skip_without()
    _write_etc(directory / "etc")
    _write_homes(directory / "home")
    keys = "AuthorizedKeysFile /home/authorized_keys"
    sshd = start(directory / "sshd", options=(keys,), within=_namespace(directory))
    shutil.copy(sshd.directory / "authorized_keys", directory / "home/authorized_keys")
    try:
        yield PrivateUsers(sshd)
    finally:
        sshd.stop()


def _skip_without() -> None:
    if os.geteuid() != 0:
        pytest.skip("other users can be had by root only")
    for program in ("sudo", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")


def _write_etc(etc: Path) -> None:
    etc.mkdir()
    for name in ("passwd", "group", "shadow"):
        shutil.copy2(f"/etc/{name}", etc / name)
    for user, uid in _USERS.items():
        shell = "/usr/sbin/nologin" if user == "nologin" else "/bin/bash"
        _append(etc / "passwd", f"{user}:x:{uid}:{uid}::/home/{user}:{shell}")
        _append(etc / "group", f"{user}:x:{uid}:")
        _append(etc / "shadow", f"{user}:*:19000:0:99999:7:::")
    (etc / "sudoers").write_text(_SUDOERS)
    (etc / "sudoers").chmod(0o440)


def _write_homes(homes: Path) -> None:
    homes.mkdir(mode=0o755)
    for user, uid in _USERS.items():
        (homes / user).mkdir()
        os.chown(homes / user, uid, uid)
    # A greeting where none belongs, as people have it.
    (homes / "ops/.bashrc").write_text("echo Welcome to this host\necho careful >&2\n")
    (homes / "stuck/.bashrc").write_text("exec sleep 20\n")


def _append(file: Path, line: str) -> None:
    with file.open("a") as out:
        out.write(line + "\n")


def _namespace(directory: Path) -> tuple[str, ...]:
    mounts = {f"/etc/{file.name}": file for file in sorted((directory / "etc").iterdir())}
    mounts["/home"] = directory / "home"
    commands = (f"mount --bind {shlex.quote(str(own))} {path}" for path, own in mounts.items())
    return ("unshare", "--mount", "sh", "-c", f'{" && ".join(commands)} && exec "$@"', "sh")
