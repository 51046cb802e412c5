"""Ports for practice members: free now, and unlikely to be taken while a member is down."""

import random
import socket
from pathlib import Path

from requorum.errors import Refused

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_000
_TRIES = 2_000


def free_ports(count: int) -> tuple[int, ...]:
    """Return that many different loopback ports, each one tried by binding it.

    They lie below the range that the kernel gives to outgoing connections: a client that retries
    a member which is down could otherwise be given the member's own port, and talk to itself.
    """
    first_ephemeral = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    candidates = range(_LOWEST, max(first_ephemeral, _LOWEST + 10_000))
    # Not for secrets: two labs that start at once should merely not meet.
    chosen: set[int] = set()
    for _ in range(_TRIES):
        port = random.choice(candidates)  # noqa: S311
        if port not in chosen and _is_free(port):
            chosen.add(port)
        if len(chosen) == count:
            return tuple(sorted(chosen))
    raise Refused(f"no {count} free ports on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
