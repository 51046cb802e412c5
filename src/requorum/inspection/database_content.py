"""Everything that one database file holds: every page checked, every record decoded.

One pass, because reading is what costs: the check of the pages, the records and, for those who ask
for them, the numbers of `etcdutl snapshot status` are taken from the same columns.
"""

from dataclasses import dataclass

import numpy as np

from requorum.formats.auth_store import NO_AUTH, AuthStore, read_auth_store
from requorum.formats.backend import BackendState, Lease, read_backend, read_leases
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.check import check_chunk, check_meta_page
from requorum.formats.bbolt.columns import I64, ElementRows, FileBytes, Mask
from requorum.formats.bbolt.damage import Damage, DamageLog
from requorum.formats.bbolt.freelist import check_freelist
from requorum.formats.bbolt.meta import Meta, Metas, read_metas
from requorum.formats.bbolt.sweep import Sweep
from requorum.formats.content_hash import ContentSums, content_hash
from requorum.formats.kv_columns import kv_columns, note_contradictions, note_malformed
from requorum.formats.live_keys import KeyPrints, live_key_count
from requorum.formats.records import BUCKET, NO_RECORD, RecordBatch, following, record_rows
from requorum.formats.snapshot_numbers import SnapshotStatus
from requorum.formats.snapshot_status import storage_version
from requorum.formats.source import Source
from requorum.formats.user_keys import UserKeys

META_BUCKET = b"meta"
NO_ETCD_BUCKETS = "it is a bbolt file, but holds no etcd buckets"


@dataclass(frozen=True, slots=True)
class Findings:
    """The first thousand of `count` findings, in the order of their places."""

    shown: tuple[Damage, ...]
    count: int

    @classmethod
    def of(cls, *logs: DamageLog) -> "Findings":
        """Return what some logs hold."""
        kept = [damage for log in logs for damage in log.kept]
        by_place = sorted(kept, key=lambda damage: (damage.offset, damage.what))
        return cls(tuple(by_place), sum(log.total for log in logs))


@dataclass(frozen=True, slots=True)
class DatabaseContent:
    """One database file, as of its current transaction.

    `damages` are what etcd or its tools refuse or end at: pages, records that do not decode, rows
    of the small buckets. `contradictions` are records that no etcd wrote so, and that it serves
    all the same. `reachable_pages` include meta and overflow pages; `free_pages` are the rest
    below the high water mark. `records` counts those of the bucket `key` within reach, of which
    `undecoded_records` cannot be read. `state` is None where etcd's buckets are not there; `status`
    where the damage does not let the numbers be true, and where nobody asked for them.
    """

    metas: Metas
    meta: Meta
    damages: Findings
    contradictions: Findings
    reachable_pages: int
    free_pages: int
    records: int
    undecoded_records: int
    state: BackendState | None
    auth: AuthStore
    leases: tuple[Lease, ...]
    status: SnapshotStatus | None

    @property
    def bytes_in_use(self) -> int:
        """Return the bytes of pages that something leads to: what a defragmentation leaves."""
        return self.reachable_pages * self.meta.page_size


def examine_content(source: Source, *, with_status: bool = True) -> DatabaseContent:
    """Read everything. Damage is a finding; DamagedInput only where neither meta page is valid.

    Reads the whole source once as one buffer: give it a mapping, not a file far away. Without the
    status, which needs every byte, nothing is read of large values but their first and last ones.
    """
    metas = read_metas(source)
    database, file, pages = Database(source, metas.current), FileBytes(source), DamageLog()
    sweep = Sweep(file, database.meta, pages)
    numbers = _Numbers(file) if with_status else None
    records = _Records(file, database.meta.page_size, numbers)
    check_meta_page(source, database.meta, pages)
    for chunk in sweep.chunks():
        if numbers is not None:
            # This comes first: it brings into the cache what is read of the records afterwards.
            numbers.content.add(chunk)
        elements = sweep.leaves_of(BUCKET, chunk)
        ascending = elements is not None and records.add(elements)
        check_chunk(file, chunk, pages, ascending=ascending and elements is chunk.elements)
    check_freelist(source, database.meta, sweep.walk, pages)
    readable = pages.total == 0 and records.revisions_sound
    status = numbers.status(database, sweep.names, records) if numbers and readable else None
    rows = DamageLog()
    ours = {BUCKET, META_BUCKET} <= set(sweep.names)
    # These note what they find, so they come before it is gathered.
    state = read_backend(database, rows) if ours else None
    auth = read_auth_store(database, rows) if ours else NO_AUTH
    leases = tuple(read_leases(database, rows)) if ours else ()
    return DatabaseContent(
        metas=metas,
        meta=database.meta,
        damages=Findings.of(pages, records.damages, rows),
        contradictions=Findings.of(records.contradictions),
        reachable_pages=sweep.walk.reached_count,
        free_pages=sweep.walk.page_count - sweep.walk.reached_count,
        records=records.count,
        undecoded_records=records.undecoded,
        state=state,
        auth=auth,
        leases=leases,
        status=status,
    )


class _Numbers:
    """What `etcdutl snapshot status` prints, as the sweep goes on."""

    def __init__(self, file: FileBytes) -> None:
        self._file = file
        self.content = ContentSums(file)
        self._keys: list[KeyPrints] = []

    def add_keys(self, keys: UserKeys, tombstone: Mask) -> None:
        """Take the users' keys of the next records."""
        self._keys.append(KeyPrints.of(self._file, keys, tombstone))

    def status(self, database: Database, names: list[bytes], records: "_Records") -> SnapshotStatus:
        """Return the numbers; which keys live is not known where some records do not decode."""
        live = None if records.undecoded else live_key_count(self._file, self._keys)
        return SnapshotStatus(
            hash=content_hash(names, [self.content.sums]),
            revision=max(records.last[0], 0),
            total_keys_all_buckets=self.content.rows,
            total_keys_live=live,
            total_size=database.meta.logical_size,
            storage_version=storage_version(database),
        )


class _Records:
    """Takes the leaves of the bucket `key` in order, and notes what is wrong with each record."""

    def __init__(self, file: FileBytes, page_size: int, numbers: _Numbers | None) -> None:
        self._file = file
        self._page_size = page_size
        self._numbers = numbers
        self.damages = DamageLog()
        self.contradictions = DamageLog()
        self.last = (-1, -1)
        self.count = 0
        self.undecoded = 0
        self.revisions_sound = True

    def add(self, elements: ElementRows) -> bool:
        """Decode the next elements; those that are not sound are noted with their page.

        Return whether each is a record, of a greater revision than the one before it.
        """
        batch, fine = record_rows(self._file, elements)
        self.count += len(batch)
        sound = bool(fine.all())
        if not sound:
            self.revisions_sound = False
            self.undecoded += int((~fine).sum())
            self._note(elements.offset[elements.sound & ~fine], NO_RECORD)
            batch = batch.take(fine)
        ascending = bool(following(batch, self.last).all())
        if not ascending:
            self._note(batch.key_offset[_repeated(batch, self.last)], "the revision comes twice")
        if len(batch):
            self._decode(batch)
        return sound and ascending

    def _decode(self, batch: RecordBatch) -> None:
        self.last = int(batch.main[-1]), int(batch.sub[-1])
        kv = kv_columns(self._file, batch)
        self.undecoded += int(kv.malformed.sum())
        note_malformed(batch, kv, self._page_size, self.damages)
        note_contradictions(batch, kv, self._page_size, self.contradictions)
        if self._numbers is not None:
            self._numbers.add_keys(UserKeys(kv.key_offset, kv.key_size), batch.tombstone)

    def _note(self, places: I64, what: str) -> None:
        self.damages.add_rows(places // self._page_size, places, what)


def _repeated(batch: RecordBatch, last: tuple[int, int]) -> Mask:
    """Return the tombstones of a revision that a put has already; other repeats break the order."""
    before = (
        np.concatenate([[last[0]], batch.main[:-1]]),
        np.concatenate([[last[1]], batch.sub[:-1]]),
    )
    same: Mask = (batch.main == before[0]) & (batch.sub == before[1])
    return same
