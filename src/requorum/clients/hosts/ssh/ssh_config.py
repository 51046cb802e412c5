"""What the user's ssh config says of a destination, read as ssh reads it."""

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asyncssh.config import ConfigParseError, SSHClientConfig

from requorum.clients.hosts.ssh.destination import Destination, SshSettings
from requorum.errors import UsageError

_CONFIG = ("~/.ssh/config", "/etc/ssh/ssh_config")
_USERS_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_SYSTEMS_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


@dataclass(frozen=True, slots=True)
class Hop:
    """One connection of the way to a host: what must be said of it, for asyncssh knows the rest.

    `identity_files` empty: the user's default keys and agent. `config`: the files that exist.
    """

    destination: Destination
    config: tuple[str, ...]
    known_hosts: tuple[str, ...]
    identity_files: tuple[str, ...]


def way_to(destination: Destination, settings: SshSettings) -> tuple[Hop, ...]:
    """Return the connections that lead there, the last one to the host itself.

    Raises UsageError for a config that cannot be read, and for jumps that lead in a circle.
    """
    target = Destination(
        destination.host, destination.user or settings.user, destination.port or settings.port
    )
    return _way(target, settings, settings.jump, ())


def _way(
    target: Destination, settings: SshSettings, jump: str | None, towards: tuple[Destination, ...]
) -> tuple[Hop, ...]:
    if target in towards:
        raise UsageError(
            f"the way to {towards[0]} leads through {target} twice",
            hint="Look at ProxyJump in your ssh config: it must not apply to the jump host itself.",
        )
    config = _read(target, settings)
    hop = Hop(
        target,
        _existing(settings.config or _CONFIG),
        _known_hosts(config, settings),
        _existing(settings.identity_files or _strings(config, "IdentityFile")),
    )
    jumps = _jumps(jump or config.get("ProxyJump"))
    if not jumps:
        return (hop,)
    # As ssh does it: the first one is reached as its own config says, each next one through it.
    first = _way(jumps[0], settings, None, (*towards, target))
    between = [_way(each, settings, "none", (*towards, target))[-1] for each in jumps[1:]]
    return (*first, *between, hop)


def _jumps(value: object) -> tuple[Destination, ...]:
    if not isinstance(value, str) or value.lower() == "none":
        return ()
    return tuple(Destination.parse(each.removeprefix("ssh://")) for each in value.split(","))


def _read(target: Destination, settings: SshSettings) -> SSHClientConfig:
    files = _existing(settings.config or _CONFIG)
    user = () if target.user is None else target.user
    port = () if target.port is None else target.port
    try:
        # The first reading, before a name is made canonical, and before `Match final`.
        stage = {"reload": False, "canonical": False, "final": False}
        found = SSHClientConfig.load(
            None, files, *stage.values(), getpass.getuser(), user, target.host, port
        )
    except (ConfigParseError, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the ssh config cannot be read: {error}") from error
    assert isinstance(found, SSHClientConfig)  # noqa: S101 - it makes one of its own kind
    return found


def _known_hosts(config: SSHClientConfig, settings: SshSettings) -> tuple[str, ...]:
    if settings.known_hosts is not None:
        return (settings.known_hosts,)
    return (
        *(_strings(config, "UserKnownHostsFile") or _USERS_KNOWN_HOSTS),
        *(_strings(config, "GlobalKnownHostsFile") or _SYSTEMS_KNOWN_HOSTS),
    )


def _strings(config: SSHClientConfig, option: str) -> tuple[str, ...]:
    value = config.get(option)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _existing(files: Sequence[str]) -> tuple[str, ...]:
    """Leave out what is not there, as ssh does; the tilde is resolved."""
    paths = (str(Path(each).expanduser()) for each in files)
    return tuple(path for path in paths if os.access(path, os.R_OK))
