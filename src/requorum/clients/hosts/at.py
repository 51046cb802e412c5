"""The host at a destination, whatever reaches it.

asyncssh takes longer to load than most commands take to run, so it is loaded here, once there is
a host that is not this machine.
"""

from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.ports.host import Host

LOCAL = "local"


def host_at(name: str, destination: str, settings: SshSettings) -> Host:
    """Return the host: `local`, or `[user@]host[:port]`; UsageError for anything else.

    Nothing is connected yet. Whoever is done with it closes it.
    """
    if destination == LOCAL:
        return LocalHost(name)
    from requorum.clients.hosts.ssh.host import SshHost  # noqa: PLC0415  # takes 0.1 s

    return SshHost(name, destination, settings)
