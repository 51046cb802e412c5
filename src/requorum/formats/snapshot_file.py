"""The trailer of a file that `etcdctl snapshot save` wrote: SHA-256 of all that precedes it.

Source: etcd server/etcdserver/api/v3rpc/maintenance.go `Snapshot`, etcdutl/snapshot/v3_snapshot.go.
"""

import hashlib
from dataclasses import dataclass

from requorum.formats.source import Source

TRAILER_SIZE = hashlib.sha256().digest_size
_SECTOR_SIZE = 512
_CHUNK_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class Trailer:
    """Where the database ends, in bytes; `sha256` is None for a bare db file."""

    db_size: int
    sha256: bytes | None


def split_trailer(source: Source) -> Trailer:
    """Return the trailer. A database is whole sectors, so 32 bytes more are its hash."""
    if source.size % _SECTOR_SIZE != TRAILER_SIZE:
        return Trailer(source.size, None)
    db_size = source.size - TRAILER_SIZE
    return Trailer(db_size, bytes(source.read(db_size, TRAILER_SIZE)))


def trailer_matches(source: Source) -> bool | None:
    """Return whether the hash is that of the bytes before it, None when there is none."""
    trailer = split_trailer(source)
    if trailer.sha256 is None:
        return None
    digest = hashlib.sha256()
    for offset in range(0, trailer.db_size, _CHUNK_SIZE):
        digest.update(source.read(offset, min(_CHUNK_SIZE, trailer.db_size - offset)))
    return digest.digest() == trailer.sha256
