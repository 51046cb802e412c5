"""Run commands on real hosts by OpenSSH's own client; `known_hosts` alone is trusted."""

import shlex
import subprocess

from requorum.lab.hosts.description import HostLab

SECONDS = 30


def ssh(
    lab: HostLab, host: str, *argv: str, user: str = "root", check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `argv` on a host; an exit status other than 0 is an error unless `check` is off."""
    command = ["ssh", "-F", str(lab.ssh_config), f"{user}@{host}", shlex.join(argv)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    if check:
        assert done.returncode == 0, f"{host}: {shlex.join(argv)}: {done.stderr or done.stdout}"
    return done
