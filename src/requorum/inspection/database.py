"""What one db file proves: its pages, its buckets, and whether the log confirms it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from requorum.errors import DamagedInput
from requorum.formats.backend import BackendState, read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.hashkv import hash_kv
from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.formats.records import RecordBatch, scan_all
from requorum.formats.source import Source
from requorum.inspection.alignment import (
    Alignment,
    Change,
    Contradiction,
    RevisionChanges,
    align,
    turns_puts_down,
)
from requorum.inspection.completed_log import CompletedLog
from requorum.inspection.database_content import NO_ETCD_BUCKETS, examine_content
from requorum.inspection.evidence import DatabaseEvidence

SHOWN_DAMAGES = 5


def examine_database(source: Source) -> DatabaseEvidence:
    """Check every page and record, read what the buckets say. Damage is evidence, never an error.

    Records that merely contradict themselves are none: etcd serves them.
    """
    try:
        content = examine_content(source, with_status=False)
    except DamagedInput as error:
        return DatabaseEvidence(size=source.size, damages=(error.message,))
    damages = tuple(str(d) for d in content.damages.shown[:SHOWN_DAMAGES])
    if content.damages.count > SHOWN_DAMAGES:
        damages += (f"and {content.damages.count - SHOWN_DAMAGES} more damaged places",)
    if content.state is None:
        damages = damages or (NO_ETCD_BUCKETS,)
    if damages:
        claimed = _claimed_index(source)
        return DatabaseEvidence(size=source.size, damages=damages, claimed_index=claimed)
    return DatabaseEvidence(size=source.size, state=content.state)


def _claimed_index(source: Source) -> int:
    """Return the consistent index of a damaged database, 0 where it cannot be read."""
    try:
        meta = Database(source).bucket(b"meta")
        value = meta.get(b"consistent_index") if meta is not None else None
    except DamagedInput:
        return 0
    return int.from_bytes(value, "big") if value is not None and len(value) == 8 else 0


def read_etcd_backend(source: Source) -> BackendState:
    """Read the buckets of an etcd database; DamagedInput where it is some other bbolt file."""
    database = Database(source)
    if database.bucket(b"key") is None or database.bucket(b"meta") is None:
        raise DamagedInput(NO_ETCD_BUCKETS)
    return read_backend(database)


def compare_with_log(
    source: Source, evidence: DatabaseEvidence, log: CompletedLog, *, at_most: int
) -> DatabaseEvidence:
    """Return the evidence with its alignment against the newest entries of the winning log."""
    if evidence.state is None:
        return evidence
    try:
        if _supersedes(source, evidence.state, log, at_most):
            return replace(evidence, supersedes_log=True)
        alignment = _alignment(source, evidence.state, log, at_most)
    except DamagedInput as error:
        return replace(evidence, damages=(error.message,))
    return replace(evidence, alignment=alignment)


def _supersedes(source: Source, state: BackendState, log: CompletedLog, at_most: int) -> bool:
    """Return whether the database holds a committed entry that replaced the log's at its index.

    What is applied is committed, and a later term's leader has it; so a log of earlier terms that
    differs there is an uncommitted tail. Where the content is the log's all the same, it is the
    database's term that is damaged. Only etcd 3.5 and later write the term.
    """
    entry = log.entries.get(state.consistent_index)
    if state.term is None or entry is None or not entry.term <= log.last_term < state.term:
        return False
    held = align_at(source, state, log, state.consistent_index, at_most=at_most)
    return held is None or not held.agrees or held.revisions == 0


def _alignment(
    source: Source, state: BackendState, log: CompletedLog, at_most: int
) -> Alignment | None:
    index = state.consistent_index
    if index <= log.last_index:
        if state.term is not None and (wrong := _wrong_term(state.term, index, log)):
            return wrong
        return align_at(source, state, log, index, at_most=at_most)
    # Ahead of every log: true when the logs lost their ends, or its index is damaged. If its last
    # revision is what the log's last entries made, the index is not where the database stands.
    at_end = align_at(source, state, log, log.last_index, at_most=at_most)
    if at_end is None or not at_end.agrees or at_end.revisions == 0:
        return None
    what = (
        f"its consistent index is {index}, yet its last revision was made by an entry "
        f"at or before {log.last_index}, where the log ends"
    )
    return Alignment(0, 0, Contradiction(state.current_revision, log.last_index, what))


def _wrong_term(term: int, index: int, log: CompletedLog) -> Alignment | None:
    entry = log.entries.get(index)
    if entry is None or entry.term == term or index in log.gaps:
        return None
    what = f"it applied entry {index} of term {term}, the log has term {entry.term} there"
    return Alignment(0, 0, Contradiction(None, index, what))


def align_at(
    source: Source, state: BackendState, log: CompletedLog, index: int, *, at_most: int
) -> Alignment | None:
    """Hold a database against the log's entries up to `index`; None where there are none."""
    entries = log.backwards_from(index, at_most=at_most)
    if not entries:
        return None
    oldest = max(state.compact_revision, 1)
    return align(
        entries,
        revisions_backwards(source, above=oldest, at_most=len(entries)),
        oldest_revision=_oldest_compared(state, entries, oldest),
        strict=not (state.alarms or state.auth_enabled or turns_puts_down(entries)),
    )


def _oldest_compared(state: BackendState, entries: tuple[Entry, ...], oldest: int) -> int:
    """Return the revision below which entries may lie outside of what is compared."""
    return max(oldest, state.current_revision - len(entries))


def revisions_backwards(source: Source, *, above: int, at_most: int) -> Iterator[RevisionChanges]:
    """Yield what each of the newest revisions changed, newest first."""
    database = Database(source)
    records = scan_all(database)
    records = records.take(records.main > above)
    records = records.take(slice(_first_row(records, at_most), None))
    rows = range(len(records) - 1, -1, -1)
    for main, group in groupby(rows, key=lambda row: int(records.main[row])):
        changes = [_change(source, records, row) for row in group]
        yield RevisionChanges(main, tuple(reversed(changes)))


def _first_row(records: RecordBatch, revisions: int) -> int:
    """Return the row at which the newest `revisions` main revisions begin."""
    if not len(records):
        return 0
    lowest = int(records.main[-1]) - revisions
    return int((records.main <= lowest).sum())


def _change(source: Source, records: RecordBatch, row: int) -> Change:
    kv = KeyValue.decode(source.read(int(records.value_offset[row]), int(records.value_size[row])))
    return Change(kv.key, None if records.tombstone[row] else kv.value)


def content_hash(source: Source, *, compact_revision: int, revision: int) -> int:
    """Return a hash over all keys at one revision, as if compacted to another.

    Two databases of one cluster give the same, whatever each of them compacted already.
    """
    return hash_kv(Database(source), revision, compact_revision).hash
