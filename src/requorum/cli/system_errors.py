"""What the system denies to any command, wherever it asks: memory, files, threads.

Clients say what they could not do to which path; this is for what nobody expects.
"""

from requorum.clients.hosts.path_errors import error_about
from requorum.errors import RequorumError

_MORE_MEMORY = (
    "Raise the limit (`ulimit -v`, the container's), or run it where there is more memory."
)


def in_our_terms(error: BaseException) -> BaseException:
    """Return the system's error as ours; any other one as it is."""
    match error:
        case MemoryError():
            return RequorumError("out of memory", hint=_MORE_MEMORY)
        case OSError(errno=int(number), filename=str() | None as path):
            return error_about(path, number)
        case _:
            return error
