"""What `salvage` returns: what was saved and from where, what is lost, and what is uncertain.

Keys that are not UTF-8 stand in the field `…_base64` instead. Places in history are a main
revision and a sub revision, the number of the change within its transaction. Lists that can be
long end after ten thousand rows; the counts beside them count all.
"""

from typing import Literal

from requorum.app.results import Result

ROWS_MAX = 10_000


class SalvageFileResult(Result):
    """A database that was read. `path` is null for one that a directory should have and has not.

    `revision` is the last one that it holds, `compact_revision` -1 where nothing was compacted;
    null where that is lost. `taken` counts its records in the result, `strays` those among them
    that no tree of it leads to any more. `dropped_from` is the revision from which on it tells
    another history than the files that are believed, null where it does not.
    """

    name: str
    path: str
    size: int
    trailer: Literal["matches", "differs", "absent"]
    readable: bool
    records: int
    revision: int | None
    compact_revision: int | None
    consistent_index: int | None
    term: int | None
    gaps: int
    taken: int
    strays: int
    dropped_from: int | None
    damage_count: int
    damages: tuple[str, ...]


class SalvageLogResult(Result):
    """A write-ahead log that was read; the indexes are Raft's, null where no entry is left."""

    name: str
    path: str
    first_index: int | None
    last_index: int | None
    commit: int
    ending: str
    damage_count: int
    damages: tuple[str, ...]


class ReplayResult(Result):
    """What the logs added.

    `taken` counts their records in the result, `checked` the revisions that files and log hold
    alike. `corrected` are revisions whose content differs in a file, where the log, which has
    checksums, was believed. `uncommitted` is the stretch of entries of which nobody knows that
    they were committed: they are in, an acknowledged write may be among them. `missing_entries`
    are in no log; each was taken for one revision. `unread` could not be given a place.
    """

    first_index: int
    last_index: int
    taken: int
    checked: int
    turned_down: int
    corrected: tuple[int, ...]
    uncommitted: tuple[int, int] | None
    missing_entries: tuple[int, ...]
    unread: tuple[str, ...]


class LostRangeResult(Result):
    """Where records may be missing; both ends inclusive.

    `last_revision` is null where nobody knows the end, `last_sub` where all of it is meant.
    `certain`: something surely was there. Else records that outlived a compaction may have been.
    """

    first_revision: int
    first_sub: int
    last_revision: int | None
    last_sub: int | None
    certain: bool


class RecordResult(Result):
    """A record of the result, by its place and its key."""

    revision: int
    sub: int
    key: str | None
    key_base64: str | None


class DoubtfulResult(RecordResult):
    """A record that is in the result and may be wrong there, and why."""

    why: Literal["may-be-superseded", "never-committed", "rests-on-lost-keys", "copies-differ"]


class ConflictResult(RecordResult):
    """A record of which files hold different contents; `settled`: the reason is more than a guess.

    `believed` and `others` are names of inputs.
    """

    believed: tuple[str, ...]
    others: tuple[str, ...]
    reason: str
    settled: bool


class BucketResult(Result):
    """A bucket beside `key`. `incomplete`: rows may be missing or out of date.

    `filled` counts rows that came from an older file than the newest.
    """

    name: str
    rows: int
    incomplete: bool
    filled: int


class SalvageResult(Result):
    """The whole of it.

    `outcome`: "written", or "planned" where no file was asked for. `complete`: nothing is lost,
    doubtful or undecided, nor a password lost. `file` and `sha256` are null where nothing was
    written. `revision` is where the new database stands; what is asked of it before
    `compact_revision` is answered with "compacted", -1: never. `index` and `term` are the last log
    entry that is in it.
    """

    outcome: Literal["written", "planned"]
    complete: bool
    file: str | None
    size: int | None
    sha256: str | None
    revision: int
    compact_revision: int
    index: int
    term: int
    records: int
    keys: int
    files: tuple[SalvageFileResult, ...]
    logs: tuple[SalvageLogResult, ...]
    replay: ReplayResult | None
    buckets: tuple[BucketResult, ...]
    lost: tuple[LostRangeResult, ...]
    lost_count: int
    doubtful: tuple[DoubtfulResult, ...]
    doubtful_count: int
    doubtful_left_out: int
    possibly_lost_keys: tuple[RecordResult, ...]
    possibly_lost_count: int
    conflicts: tuple[ConflictResult, ...]
    conflict_count: int
    auth_enabled: bool
    auth_locked_out: bool
    users_without_password: tuple[str, ...]
    alarms_left_out: int
    keys_with_lost_lease: int
    warnings: tuple[str, ...]
    seconds: float
