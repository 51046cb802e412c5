"""A recorded crash with all that trials ask of it, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

from requorum.formats.backend import BackendState, read_backend, read_leases
from requorum.formats.bbolt.bucket import Database
from requorum.formats.mvcc import Revision, RevisionKey
from requorum.formats.raftpb import Entry
from requorum.formats.source import BufferSource
from requorum.lab.salvage_trials.db_layout import DbLayout, db_layout
from requorum.lab.salvage_trials.placed import told_apart
from requorum.lab.salvage_trials.truth import Truth, replay
from requorum.lab.salvage_trials.whole_logs import Place, committed, entry_places, true_log

SmallRows = Mapping[bytes, Mapping[bytes, frozenset[bytes]]]
"""By bucket and key: the values that the members have there."""

_SMALL = (b"auth", b"authRoles", b"authUsers")


@dataclass(frozen=True)
class Member:
    """One member's files as the crash left them. Nobody may change them."""

    data_dir: Path

    @property
    def wal(self) -> Path:
        """Return the directory of its log."""
        return wal_of(self.data_dir)

    @cached_property
    def layout(self) -> DbLayout:
        """Return where things lie in its database."""
        return db_layout(db_of(self.data_dir).read_bytes())

    @cached_property
    def used_db(self) -> bytes:
        """Return its database up to the high water mark."""
        with db_of(self.data_dir).open("rb") as file:
            return file.read(self.layout.page_count * self.layout.page_size)

    @cached_property
    def database(self) -> Database:
        """Return its database."""
        return Database(BufferSource(self.used_db))

    @cached_property
    def state(self) -> BackendState:
        """Return what its database says of itself."""
        return read_backend(self.database)

    @cached_property
    def records(self) -> frozenset[Revision]:
        """Return the revisions of which its database has a record."""
        bucket = self.database.bucket(b"key")
        keys = (key for key, _ in bucket.items()) if bucket is not None else ()
        return frozenset(RevisionKey.parse(key).revision for key in keys)

    @cached_property
    def pages_of(self) -> Mapping[int, frozenset[int]]:
        """Return where the pages begin on which a main revision has records, by revision."""
        pages: dict[int, frozenset[int]] = {}
        size = self.layout.page_size
        for element in self.layout.elements:
            at = element.at
            main = RevisionKey.parse(
                self.used_db[at.key_offset : at.key_offset + at.key_size]
            ).revision.main
            first, last = element.offset // size, (at.value_offset + at.value_size - 1) // size
            spanned = frozenset(page * size for page in range(first, last + 1))
            pages[main] = pages.get(main, frozenset()) | spanned
        return pages

    @cached_property
    def leases(self) -> frozenset[int]:
        """Return the leases that its database has."""
        return frozenset(lease.id for lease in read_leases(self.database))

    @cached_property
    def places(self) -> Mapping[int, Place]:
        """Return where each entry of its log is written, by index."""
        segments = {path.name: path.read_bytes() for path in segments_of(self.data_dir)}
        places = entry_places(segments)
        # Without this, each entry would keep its whole segment of 64 MB in memory.
        return {
            index: replace(place, entry=replace(place.entry, data=bytes(place.entry.data)))
            for index, place in places.items()
        }


@dataclass(frozen=True)
class Recorded:
    """One crash: its members by name."""

    version: str
    members: Mapping[str, Member]

    @cached_property
    def log(self) -> list[Entry]:
        """Return the log that wins the election, from its first entry on."""
        return true_log([member.places for member in self.members.values()])

    @cached_property
    def committed(self) -> int:
        """Return the last entry that can have been acknowledged."""
        return committed([member.places for member in self.members.values()], self.log)

    @cached_property
    def told_apart(self) -> frozenset[int]:
        """Return the entries whose put looks like no other."""
        return told_apart(self.log) & self.truth.revision_of.keys()

    @cached_property
    def small_rows(self) -> SmallRows:
        """Return the rows of users and roles: they were there before the load began.

        Up to 3.4 each member salts a password's hash for itself, so that rows differ.
        """
        rows: dict[bytes, dict[bytes, frozenset[bytes]]] = {}
        for member, name in product(self.members.values(), _SMALL):
            bucket = member.database.bucket(name)
            values = rows.setdefault(name, {})
            for key, value in bucket.items() if bucket is not None else ():
                values[key] = values.get(key, frozenset()) | {value}
        return rows

    @cached_property
    def truth(self) -> Truth:
        """Return what etcd makes of that log."""
        return replay(self.log)


def db_of(data_dir: Path) -> Path:
    """Return where a member's database lies."""
    return data_dir / "member" / "snap" / "db"


def wal_of(data_dir: Path) -> Path:
    """Return the directory of a member's log."""
    return data_dir / "member" / "wal"


def segments_of(data_dir: Path) -> list[Path]:
    """Return the segments of a member's log, in order; none where it is gone."""
    return sorted(wal_of(data_dir).glob("*.wal"))
