"""Where a host is, as the operator writes it, and how it is reached."""

import re
from dataclasses import dataclass
from typing import Literal

from requorum.errors import UsageError

_FORM = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?:\[(?P<literal>[^]\s]+)\]|(?P<host>[^\s:@]+))(?::(?P<port>\d+))?"
)
_BARE_IPV6 = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*:[^@\s]*)")
_PORT_MAX = 65535


@dataclass(frozen=True, slots=True)
class Destination:
    """An ssh destination. What is None is left to the user's ssh config."""

    host: str
    user: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Read `[user@]host[:port]`, an IPv6 address in brackets; UsageError otherwise."""
        found = _BARE_IPV6.fullmatch(text)
        if found is not None:
            return cls(found["host"], found["user"])
        found = _FORM.fullmatch(text)
        # What begins with a dash would be an option to every tool that is shown in a hint.
        if found is None or text.startswith("-"):
            raise UsageError(
                f"{text!r} is no ssh destination", hint="Write it as [USER@]HOST[:PORT]."
            )
        port = int(found["port"]) if found["port"] else None
        if port is not None and not 0 < port <= _PORT_MAX:
            raise UsageError(f"{text!r} names a port that does not exist")
        return cls(found["literal"] or found["host"], found["user"], port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port is not None else self.host
        user = "" if self.user is None else f"{self.user}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{user}{host}{port}"

    def as_ssh_arguments(self) -> str:
        """Return what a person types behind `ssh` to get there."""
        user = "" if self.user is None else f"{self.user}@"
        port = "" if self.port is None else f"-p {self.port} "
        return f"{port}{user}{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """What the operator says of all hosts; it comes before the user's ssh config.

    `config`: the ssh config files to read, by default the user's and the system's. `known_hosts`
    replaces the files that ssh config names. `jump`: destinations to go through, as in ProxyJump.
    `become`: everything on the host is done through `sudo -n`.
    """

    user: str | None = None
    port: int | None = None
    identity_files: tuple[str, ...] = ()
    known_hosts: str | None = None
    jump: str | None = None
    config: tuple[str, ...] | None = None
    become: Literal["sudo"] | None = None
