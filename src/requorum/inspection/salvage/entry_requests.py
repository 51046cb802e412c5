"""What the entries of a log ask for."""

from collections.abc import Iterable, Iterator

from requorum.errors import DamagedInput
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.request_types import Request
from requorum.formats.requests import Put, RequestOp, Txn, decode_request

Puts = frozenset[tuple[bytes, bytes]]
"""Keys and values."""


def request_of(entry: Entry) -> Request | None:
    """Return what an entry asks for; None for members' changes, and for what nobody can read."""
    if entry.type is not EntryType.NORMAL:
        return None
    try:
        return decode_request(entry.data)
    except DamagedInput:
        return None


def puts_in(entries: Iterable[Entry]) -> Puts:
    """Return the keys and values that entries put, in transactions too, taken or not."""
    return frozenset(_puts(entries))


def _puts(entries: Iterable[Entry]) -> Iterator[tuple[bytes, bytes]]:
    for entry in entries:
        request = request_of(entry)
        if isinstance(request, Put | Txn):
            yield from _puts_of(request)


def _puts_of(operation: RequestOp) -> Iterator[tuple[bytes, bytes]]:
    match operation:
        case Put(key=key, value=value):
            yield key, value
        case Txn(success=success, failure=failure):
            for inner in (*success, *failure):
                yield from _puts_of(inner)
        case _:
            return
