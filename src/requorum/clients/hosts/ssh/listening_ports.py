"""Which TCP ports of a host are taken. Source: proc(5), Documentation/networking/proc_net_tcp."""

import random


def taken_ports(table: str) -> frozenset[int]:
    """Return the local ports that /proc/net/tcp, or tcp6, lists in whatever state."""
    rows = (line.split() for line in table.splitlines())
    addresses = (row[1] for row in rows if len(row) > 3 and ":" in row[1])
    return frozenset(int(address.rpartition(":")[2], 16) for address in addresses)


def choose_free(count: int, taken: frozenset[int], first: int, last: int) -> tuple[int, ...]:
    """Return that many ports of [first, last]; ValueError where there are not as many.

    At random: whoever else looks for one at the same time finds another.
    """
    free = [port for port in range(first, last + 1) if port not in taken]
    return tuple(random.sample(free, count))
