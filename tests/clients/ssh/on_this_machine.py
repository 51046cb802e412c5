"""What tests see of a host with their own eyes: every host here is this machine."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from eventually import eventually
from sshd import Sshd

from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.clients.hosts.ssh.host import SshHost

Reach = Callable[..., SshHost]
"""(sshd, settings) -> a host there, with the right settings where none are given."""


def far_host(sshd: Sshd, settings: SshSettings | None = None) -> SshHost:
    """Return a host behind an sshd."""
    return SshHost("far", sshd.destination, settings or sshd.settings())


def alive(pid: int) -> bool:
    """Return whether the process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def pid_in(path: Path) -> int:
    """Wait, for a bounded time, until a process has written its id."""
    await eventually(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())  # noqa: ASYNC240 - a test may block


async def chunks_of(*chunks: bytes) -> AsyncIterator[bytes]:
    """Yield them."""
    for chunk in chunks:
        yield chunk


def digest_of(data: bytes) -> str:
    """Return its SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
