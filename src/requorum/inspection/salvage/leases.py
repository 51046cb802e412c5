"""Leases, where the bucket that should hold them is damaged: from stray rows, and from the log.

A row says its ID twice, in its key and in its message, so it is known for what it is wherever it
lies. A stale page may have a lease that was revoked since; what the log says of that counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from requorum.formats.backend import Lease
from requorum.formats.backend_file import lease_row
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.raftpb import Entry
from requorum.formats.requests import LeaseGrant, LeaseRevoke
from requorum.inspection.salvage.entry_requests import request_of
from requorum.inspection.salvage.other_buckets import LEASES, read_lease
from requorum.inspection.salvage.witness import Witness

Rows = Mapping[bytes, bytes]

_KEY_SIZE = 8
_MESSAGE = re.compile(
    rb"\x08(?P<id>[\x80-\xff]{0,9}[\x00-\x7f])\x10[\x80-\xff]{0,9}[\x00-\x7f]"
    rb"(?:\x18[\x80-\xff]{0,9}[\x00-\x7f])?"
)
"""etcd's lease: fields 1 (ID), 2 (TTL) and, where a checkpoint was made, 3 (what is left of it)."""


def with_stray_leases(
    rows: Rows, files: Iterable[FileBytes | None], entries: Mapping[int, Entry]
) -> dict[bytes, bytes]:
    """Return the rows, and those that stand anywhere else in the files and were never revoked."""
    revoked = {
        _key(request.id)
        for entry in entries.values()
        if isinstance(request := request_of(entry), LeaseRevoke)
    }
    found = dict(rows)
    for file in files:
        if file is not None:
            for key, value in _stray_rows(file.view):
                if key not in revoked:
                    found.setdefault(key, value)
    return found


def _key(number: int) -> bytes:
    return lease_row(Lease(number, 1, 0))[0]


def _stray_rows(view: memoryview) -> Iterator[tuple[bytes, bytes]]:
    for message in _MESSAGE.finditer(view):
        begin = message.start() - _KEY_SIZE
        if begin < 0:
            continue
        key, value = bytes(view[begin : message.start()]), message[0]
        lease = read_lease(value)
        if lease is not None and lease.id == int.from_bytes(key, "big", signed=True):
            yield key, value


def with_log(rows: Rows, entries: Mapping[int, Entry], *, after: int) -> dict[bytes, bytes]:
    """Return the rows with what the entries behind index `after` grant and revoke."""
    found = dict(rows)
    for index in sorted(index for index in entries if index > after):
        match request_of(entries[index]):
            case LeaseGrant(id=number, ttl=ttl) if number:
                key, value = lease_row(Lease(number, ttl, 0))
                found.setdefault(key, value)
            case LeaseRevoke(id=number):
                found.pop(_key(number), None)
            case _:
                pass
    return found


def whole_until(newest: Witness | None) -> int:
    """Return the entry up to which the newest tree has every lease; 0 where some are lost."""
    if newest is None or newest.index is None or not newest.bucket(LEASES).whole:
        return 0
    return newest.index
