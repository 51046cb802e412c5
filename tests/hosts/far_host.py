"""A lab's host as requorum reaches it."""

from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.clients.hosts.ssh.host import SshHost
from requorum.lab.hosts.description import HostLab


def far_host(lab: HostLab, name: str, *, as_ops: bool = False) -> SshHost:
    """Return a host of the lab, behind its sshd; `as_ops` by a user who becomes root by sudo."""
    settings = SshSettings(
        user="ops" if as_ops else "root",
        config=(str(lab.ssh_config),),
        become="sudo" if as_ops else None,
    )
    return SshHost(name, name, settings)
