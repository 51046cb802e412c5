"""The trailer of a file that `etcdctl snapshot save` wrote: SHA-256 of all that precedes it.

Source: etcd server/etcdserver/api/v3rpc/maintenance.go `Snapshot`, etcdutl/snapshot/v3_snapshot.go.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from requorum.formats.bbolt.meta import read_metas
from requorum.formats.source import Source

TRAILER_SIZE = hashlib.sha256().digest_size
_SECTOR_SIZE = 512
_AT_ONCE = 256 << 20
_TOO_LONG = 64 << 30
"""So much behind the end of the pages is a hole that a file claims: it would take hours to hash."""


@dataclass(frozen=True, slots=True)
class Trailer:
    """Where the database ends, in bytes; `sha256` is None for a bare db file."""

    db_size: int
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class CheckedTrailer:
    """A trailer, held against the bytes before it.

    `sealed_size` is how many bytes of the file are proven to be as they were sent: a database and
    the SHA-256 of it. Less than the file has where something was appended, None where nothing is
    proven.
    """

    kind: Literal["matches", "differs", "absent"]
    db_size: int
    sealed_size: int | None


def split_trailer(source: Source) -> Trailer:
    """Return the trailer. A database is whole sectors, so 32 bytes more are its hash.

    Unless its pages go on, and they are no hash: then it was cut there by chance.
    """
    if source.size % _SECTOR_SIZE != TRAILER_SIZE:
        return Trailer(source.size, None)
    db_size = source.size - TRAILER_SIZE
    sha256 = bytes(source.read(db_size, TRAILER_SIZE))
    metas = read_metas(source)
    cut = metas.valid and metas.current.cut_at(db_size) is not None
    if cut and not _is_hash(sha256, source, db_size):
        return Trailer(source.size, None)
    return Trailer(db_size, sha256)


def _is_hash(sha256: bytes, source: Source, db_size: int) -> bool:
    return db_size <= _TOO_LONG and _digests(source, [db_size], _AT_ONCE)[db_size] == sha256


def trailer_matches(source: Source) -> bool | None:
    """Return whether the hash is that of the bytes before it, None when there is none."""
    kind = check_trailer(source).kind
    return None if kind == "absent" else kind == "matches"


def check_trailer(source: Source, *, at_once: int = _AT_ONCE) -> CheckedTrailer:
    """Check the hash where etcd looks for it; and where the database itself says that it ends.

    A hash that lies far behind that end is not computed: it is not that of a snapshot. `at_once`
    bytes are read and hashed in one go, while other threads run; then they must make room.
    """
    trailer, ends = split_trailer(source), []
    end = _end_of_pages(source)
    if trailer.sha256 is not None and trailer.db_size <= (end or 0) + _TOO_LONG:
        ends.append(trailer.db_size)
    if end is not None and end + TRAILER_SIZE < source.size:
        ends.append(end)
    digests = _digests(source, ends, at_once)
    sealed = [
        end + TRAILER_SIZE for end in ends if bytes(source.read(end, TRAILER_SIZE)) == digests[end]
    ]
    kind: Literal["matches", "differs", "absent"] = "absent"
    if trailer.sha256 is not None:
        kind = "matches" if source.size in sealed else "differs"
    return CheckedTrailer(kind, trailer.db_size, max(sealed, default=None))


def _end_of_pages(source: Source) -> int | None:
    """Return the bytes that a snapshot of this database has, None where it cannot be one.

    A file of whole pages is a bare db: etcd makes it longer than it needs to be.
    """
    metas = read_metas(source)
    if not metas.valid or source.size % metas.page_size == 0:
        return None
    return metas.current.logical_size


def _digests(source: Source, ends: Iterable[int], at_once: int) -> dict[int, bytes]:
    """Return the SHA-256 of the bytes before each end, reading them once."""
    digest, offset, found = hashlib.sha256(), 0, {}
    for end in sorted(ends):
        while offset < end:
            chunk = source.read(offset, min(at_once, end - offset))
            digest.update(chunk)
            offset += len(chunk)
        found[end] = digest.digest()
    return found
