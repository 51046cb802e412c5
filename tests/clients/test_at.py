"""Which kind of host a destination is, and what that costs."""

import subprocess
import sys

import pytest

from requorum.clients.hosts.at import host_at
from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.errors import UsageError


def test_kinds() -> None:
    """This machine by its own name, everything else over SSH."""
    assert isinstance(host_at("a", "local", SshSettings()), LocalHost)
    far = host_at("b", "root@10.0.0.31", SshSettings())
    assert (type(far).__name__, far.name) == ("SshHost", "b")
    with pytest.raises(UsageError, match="is no ssh destination"):
        host_at("c", "-oProxyCommand=x", SshSettings())


@pytest.mark.parametrize("use", ["requorum.cli.main", "requorum.app.wiring", "at"])
def test_asyncssh_is_loaded_only_for_a_host_that_is_not_this_machine(use: str) -> None:
    """A tool that starts in a blink stays one."""
    script = {
        "at": "from requorum.clients.hosts.at import host_at\n"
        "from requorum.clients.hosts.ssh.destination import SshSettings\n"
        "host_at('a', 'local', SshSettings())\n",
    }.get(use, f"import {use}\n")
    check = "import sys\nassert not {'asyncssh', 'cryptography'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script + check], check=True, timeout=60)
