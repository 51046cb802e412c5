"""What damaged files still prove, found with the knowledge of how they were before.

Salvage must guess what a byte once was. This does not: it looks for what is known to be true, and
takes note of where that still stands, byte for byte. It knows nothing of how salvage works.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count, takewhile
from pathlib import Path

from requorum.formats.backend import Lease
from requorum.formats.backend_file import lease_row
from requorum.formats.mvcc import Revision
from requorum.lab.salvage_trials.placed import placed_puts
from requorum.lab.salvage_trials.recorded import Member, Recorded, db_of, segments_of, wal_of
from requorum.lab.salvage_trials.truth import Truth

_SEPARATOR = re.compile(rb"_\0\0\0\0")
"""The middle of a record's key: no transaction has four billion changes."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is left.

    `records` stand somewhere in a database, key and value together; `leases` likewise. `entries`
    are those of the true log that some log still holds, with the record before them, to whose
    checksum theirs is chained. `complete_at`: consistent indexes at which all records and leases
    of a database are left, be it in several files. `placed`: index and revision of puts whose
    content is proven by the log, though perhaps not their version; see `placed_puts`.
    `databases` are the damaged files' bytes.
    """

    databases: tuple[bytes, ...]
    records: frozenset[Revision]
    leases: frozenset[int]
    entries: frozenset[int]
    complete_at: frozenset[int]
    placed: Mapping[int, int]

    def holds(self, row: bytes) -> bool:
        """Return whether a row stands in some database, key and value together."""
        return any(row in database for database in self.databases)

    @cached_property
    def replayable(self) -> frozenset[int]:
        """Return the entries whose effect is proven: the state before them is, and they follow."""
        return frozenset(i for base in {0, *self.complete_at} for i in self._following(base))

    @cached_property
    def replayable_from_the_start(self) -> frozenset[int]:
        """Return those of them that rest on nothing but the log."""
        return frozenset(self._following(0))

    def _following(self, base: int) -> Iterator[int]:
        return takewhile(self.entries.__contains__, count(base + 1))

    def proves(self, truth: Truth) -> frozenset[Revision]:
        """Return the records that are proven, by a page or by the log."""
        mains = {truth.revision_of[i] for i in self.replayable if i in truth.revision_of}
        return self.records | {at for at in truth.records if at.main in mains}


def find_evidence(recorded: Recorded, damaged: Mapping[str, Path]) -> Evidence:
    """Look for what is true in the damaged copies of a recorded crash."""
    databases = tuple(_read(db_of(path)) for path in damaged.values())
    records = frozenset[Revision]().union(*(_records(data, recorded.truth) for data in databases))
    leases = frozenset(
        lease
        for lease in recorded.truth.granted
        if any(_lease_row(recorded.truth, lease) in data for data in databases)
    )
    entries = frozenset[int]().union(
        *(_entries(recorded, member, damaged[n]) for n, member in recorded.members.items())
    )
    return Evidence(
        databases=databases,
        records=records,
        leases=leases,
        entries=entries,
        complete_at=frozenset(
            index
            for name, member in recorded.members.items()
            if (index := _complete(member, damaged[name], records, leases)) is not None
        ),
        placed=placed_puts(recorded.log, entries, _anchors(recorded, damaged, records, entries)),
    )


def _anchors(
    recorded: Recorded,
    damaged: Mapping[str, Path],
    records: frozenset[Revision],
    entries: frozenset[int],
) -> dict[int, int]:
    """Return entries of which the revision is known: by a record, or by a database's end."""
    revision_of = recorded.truth.revision_of
    anchors = {0: 1}
    for index in recorded.told_apart & entries:
        if Revision(revision_of[index]) in records:
            anchors[index] = revision_of[index]
    for name, member in recorded.members.items():
        last = max(member.records, default=None)
        data = _read(db_of(damaged[name]))
        if last is None or recorded.truth.records[last].row(last) not in data:
            continue
        if _index_row(member) in data:
            anchors[member.state.consistent_index] = member.state.current_revision
    return anchors


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _records(data: bytes, truth: Truth) -> Iterator[Revision]:
    """Yield the true records that stand in the bytes of a file, wherever."""
    for found in _SEPARATOR.finditer(data):
        at = found.start()
        main, sub = data[at - 8 : at], data[at + 1 : at + 9]
        revision = Revision(int.from_bytes(main, "big"), int.from_bytes(sub, "big"))
        written = truth.records.get(revision)
        if written is not None and data.startswith(written.row(revision), at - 8):
            yield revision


def _lease_row(truth: Truth, lease: int) -> bytes:
    return b"".join(lease_row(Lease(lease, truth.ttls[lease], 0)))


def _entries(recorded: Recorded, member: Member, damaged: Path) -> Iterator[int]:
    """Yield the indexes of true entries whose bytes are as they were."""
    segments = {path.name: path for path in segments_of(member.data_dir)}
    for name, path in segments.items():
        places = [place for place in member.places.values() if place.segment == name]
        used = max((place.end for place in places), default=0)
        before, now = _head(path, used), _head(wal_of(damaged) / name, used)
        for place in places:
            entry = place.entry
            is_true = entry.index <= len(recorded.log) and entry == recorded.log[entry.index - 1]
            proof = slice(place.proof_start, place.end)
            if is_true and before[proof] == now[proof]:
                yield entry.index


def _head(path: Path, size: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return file.read(size)


def _complete(
    member: Member, damaged: Path, records: frozenset[Revision], leases: frozenset[int]
) -> int | None:
    """Return the index up to which a database's state is left, where that and the index are."""
    if _index_row(member) not in _read(db_of(damaged)):
        return None
    complete = member.records <= records and member.leases <= leases
    return member.state.consistent_index if complete else None


def _index_row(member: Member) -> bytes:
    return b"consistent_index" + member.state.consistent_index.to_bytes(8, "big")
