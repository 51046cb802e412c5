"""TCP ports of a host that nobody uses."""

from requorum.clients.hosts.ssh.listening_ports import choose_free, taken_ports
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_files import read_text
from requorum.errors import RequorumError

_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


async def free_ports(questions: Questions, count: int) -> tuple[int, ...]:
    """Return ports that were free at the same time; another program may take one meanwhile."""
    first, last = (int(word) for word in (await read_text(questions, _RANGE)).split())
    tables = [await read_text(questions, each) for each in _TABLES]
    taken = frozenset[int]().union(*(taken_ports(table) for table in tables))
    try:
        return choose_free(count, taken, first, last)
    except ValueError as error:
        raise RequorumError(f"{questions.connection.name} has no {count} free ports") from error
